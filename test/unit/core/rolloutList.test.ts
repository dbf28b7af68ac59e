import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RolloutsRequest } from '../../../core/generated/panel';
import type { RolloutIndex } from '../../../core/rolloutIndex';
import { listRollouts, openingOf, rolloutRow } from '../../../core/rolloutList';
import { indexOf, type Line } from './indexOf';

const all: RolloutsRequest = {
  kind: 'rollouts',
  request: 1,
  run: 0,
  fromStep: 1,
  toStep: 100,
  upTo: null,
  sources: 'rollouts',
  filter: 'all',
  text: '',
  grouping: 'none',
  sort: 'step',
  descending: true,
};

function list(index: RolloutIndex, request: Partial<RolloutsRequest> = {}, attempts = [attempt(1, null)]) {
  const result = listRollouts(index, attempts, { ...all, ...request });
  assert.equal(result.kind, 'read');
  return result.value;
}

function attempt(number: number, fromStep: number | null) {
  return { attempt: number, fromStep, time: 0, droppedSteps: 0, device: null, versions: null };
}

describe('list of rollouts', () => {
  it('keeps to the steps, the source and the filter, and counts before the filter', () => {
    const index = indexOf([
      { step: 1 },
      { step: 2, correct: false },
      { step: 2, correct: false, truncated: true },
      { step: 2, kind: 'demonstration' },
      { step: 3 },
    ]);
    const found = list(index, { fromStep: 2, toStep: 2, filter: 'wrong' });
    assert.deepEqual([...found.rows], [2, 1]);
    assert.deepEqual(found.counts, { all: 2, right: 0, wrong: 2, truncated: 1 });
    assert.deepEqual([...list(index, { sources: 'demonstrations' }).rows], [3]);
  });

  it('leaves out what a resumed attempt dropped', () => {
    const index = indexOf([{ step: 1 }, { step: 2 }, { step: 2, attempt: 2 }]);
    assert.deepEqual([...list(index, {}, [attempt(1, null), attempt(2, 1)]).rows], [2, 0]);
  });

  it('a frozen list does not see later rows', () => {
    const index = indexOf([{}, {}, {}]);
    const frozen = list(index, { upTo: 2 });
    assert.equal(frozen.rows.length, 2);
    assert.equal(frozen.indexRows, 2);
  });

  it('openings: share now and before, the rest together', () => {
    const before = Array.from({ length: 10 }, (_, row): Line => ({
      step: 1,
      head: row === 0 ? 'The answer is 3' : 'Let me think',
    }));
    const now = Array.from({ length: 10 }, (_, row): Line => ({
      step: 2,
      head: row < 8 ? `The answer is ${row}` : `${'xyz'.charAt(row - 8)} alone`,
    }));
    const { groups } = list(indexOf([...before, ...now]), { fromStep: 2, toStep: 2, grouping: 'opening' });
    assert.deepEqual(
      groups.map(({ label, count, share, shareBefore }) => [label, count, share, shareBefore]),
      [
        ['The answer is', 8, 0.8, 0.1],
        ['other openings', 2, 0.2, 0.9],
      ],
    );
  });

  it('text and regular expressions; a broken expression is told', () => {
    const index = indexOf([{ head: 'The answer' }, { head: 'We need', prompt_id: 'p77' }]);
    assert.deepEqual([...list(index, { text: 'ANSWER' }).rows], [0]);
    assert.deepEqual([...list(index, { text: '/^p7+ We/' }).rows], [1]);
    assert.equal(listRollouts(index, [], { ...all, text: '/(/' }).kind, 'broken');
  });

  it('rows without a value stand last, whichever way', () => {
    const index = indexOf([{ reward: null }, { reward: 0.2 }, { reward: 0.9 }]);
    assert.deepEqual([...list(index, { sort: 'reward', descending: true }).rows], [2, 1, 0]);
    assert.deepEqual([...list(index, { sort: 'reward', descending: false }).rows], [1, 2, 0]);
  });

  it('every row of the range is in exactly one group, however it is grouped', () => {
    const line = fc.record({
      step: fc.integer({ min: 1, max: 5 }),
      head: fc.string({ maxLength: 12 }),
      prompt_id: fc.constantFrom('a', 'b', 'c'),
      correct: fc.boolean(),
    });
    const grouping = fc.constantFrom<RolloutsRequest['grouping'][]>('opening', 'prompt', 'step', 'none');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), grouping, (lines, kind) => {
        const { groups, rows, counts } = list(indexOf(lines), { grouping: kind });
        assert.deepEqual(
          [...rows].sort((a, b) => a - b),
          lines.map((_, row) => row),
        );
        assert.equal(
          groups.reduce((sum, { count }) => sum + count, 0),
          counts.all,
        );
        let next = 0;
        for (const { first, count } of groups) {
          assert.equal(first, next);
          next += count;
        }
      }),
    );
  });

  it('an opening has neither tags nor numbers of its own', () => {
    assert.equal(openingOf('<think>\n12-7=5 and more'), '#-#=# and more');
    assert.equal(openingOf('<|im_start|> <think> Leo has 21 shells'), 'Leo has #');
    assert.equal(openingOf(''), '');
  });

  it('a line of the list', () => {
    const row = rolloutRow(indexOf([{ advantage: null, address: { segment: 1, offset: 0, length: 8 } }]), 0);
    assert.deepEqual([row.advantage, row.stored, row.tokens], [null, true, 10]);
  });
});
