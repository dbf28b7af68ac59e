import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RolloutsAnswer } from '../../../core/generated/panel';
import { layoutOf, someRows, type ListItem, type Openness } from '../../../webview/listLayout';

const openness = fc.constantFrom<Openness>('closed', 'some', 'all');
const sizes = fc.array(fc.record({ count: fc.integer({ min: 0, max: 30 }), openness }), { maxLength: 12 });

type Sizes = readonly { readonly count: number; readonly openness: Openness }[];

/** Groups of so many rows; the rows are numbered from 1000 on. */
function answerOf(groups: Sizes): Pick<RolloutsAnswer, 'groups' | 'rows'> {
  let first = 0;
  const made = groups.map(({ count }) => {
    const group = { first, count };
    first += count;
    return group as RolloutsAnswer['groups'][number];
  });
  return { groups: made, rows: Uint32Array.from({ length: first }, (_, place) => 1000 + place) as never };
}

/** The same list written out line by line. */
function plainLines(groups: Sizes, withHeads: boolean): ListItem[] {
  let next = 1000;
  return groups.flatMap(({ count, openness: open }, group) => {
    const rows = Array.from({ length: count }, (): ListItem => ({ kind: 'row', group, row: next++ }));
    if (!withHeads) return rows;
    const shown = open === 'closed' ? [] : open === 'all' ? rows : rows.slice(0, someRows);
    const hidden = open === 'some' ? rows.length - shown.length : 0;
    const more: ListItem[] = hidden > 0 ? [{ kind: 'more', group, hidden }] : [];
    return [{ kind: 'group', group }, ...shown, ...more];
  });
}

describe('the list of rollouts', () => {
  it('has at every place the line that the list written out has there', () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), (groups, withHeads) => {
        const layout = layoutOf(answerOf(groups), (group) => groups[group]?.openness ?? 'closed', withHeads);
        const expected = plainLines(groups, withHeads);
        assert.equal(layout.count, expected.length);
        assert.deepEqual(
          expected.map((_, place) => layout.at(place)),
          expected,
        );
        const rows = groups.reduce((sum, { count }) => sum + count, 0);
        for (let row = 999; row <= 1000 + rows; row += 1) {
          const item = layout.at(layout.placeOf(row) ?? -1);
          const isShown = expected.some((line) => line.kind === 'row' && line.row === row);
          if (isShown) assert.equal(item?.kind === 'row' ? item.row : undefined, row);
          else assert.equal(item?.kind, row < 1000 || row === 1000 + rows ? undefined : 'group');
        }
        assert.equal(layout.at(-1), undefined);
        assert.equal(layout.at(expected.length), undefined);
      }),
    );
  });
});
