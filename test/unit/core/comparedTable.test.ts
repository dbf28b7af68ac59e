import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { comparedColumns, comparedCsv, comparedJson, type ComparedRow } from '../../../core/comparedTable';

const side = (logProb: readonly number[]): ComparedRow['before'] => ({
  logProb: Float32Array.from(logProb),
  entropy: new Float32Array(logProb.length).fill(0.5),
  rank: Int32Array.from(logProb, (value) => (Number.isNaN(value) ? -1 : 2)),
});

const rowOf = (words: readonly string[], logProb: readonly number[] = words.map(() => 0)): ComparedRow => ({
  ...{ rollout: 'a1-s1-g0-0', step: 1, prompt: 'p1', verdict: 'wrong', words },
  ids: words.map((_, place) => place + 7),
  before: side(logProb),
  after: side(words.map(() => -Infinity)),
});

/** Fields of CSV as RFC 4180 has them. */
function fieldsOf(text: string): string[][] {
  return text
    .split('\r\n')
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    );
}

describe('tokens of a comparison as a table', () => {
  it('has a line a token, and any text comes back', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 6 }), (words) => {
        const [head, ...lines] = fieldsOf(comparedCsv([rowOf(words)]));
        assert.deepEqual(head, [...comparedColumns]);
        assert.equal(lines.length, words.length);
        lines.forEach((fields, place) => {
          assert.equal(fields.length, comparedColumns.length);
          assert.equal(JSON.parse(fields[6] ?? ''), words[place]);
        });
      }),
    );
  });

  it('no text begins as a formula, breaks its line or hides another', () => {
    const text = comparedCsv([rowOf(['=1+1', '\n', '\u202e', '+cmd'])]);
    assert.equal(text.split('\r\n').length, 6);
    for (const cell of ['"""=1+1"""', '"""\\n"""', '"""\\u202e"""', '"""+cmd"""'])
      assert.ok(text.includes(`,${cell},`), cell);
  });

  it('what is not known is empty, and null in JSON', () => {
    const row = rowOf(['a', 'b'], [NaN, 0]);
    const [, first, second] = fieldsOf(comparedCsv([row]));
    assert.deepEqual(first?.slice(7, 11), ['', '0', '', '']);
    assert.deepEqual(second?.slice(7, 11), ['1', '0', '-1', '2']);
    const { about, columns, rows } = JSON.parse(comparedJson([row], { before: 'base' })) as {
      about: unknown;
      columns: unknown;
      rows: unknown[][];
    };
    assert.deepEqual([about, columns], [{ before: 'base' }, [...comparedColumns]]);
    assert.deepEqual(rows[0]?.slice(4, 11), [0, 7, 'a', null, 0, null, null]);
  });
});
