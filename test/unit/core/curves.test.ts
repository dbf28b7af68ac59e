import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { valueAt } from '../../../core/columns';
import { appendValue, cappedRows, curve, envelope, truncateCurve, type Curve } from '../../../core/curves';

const value = fc.oneof(
  { weight: 6, arbitrary: fc.double({ noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(NaN) },
);
// Math.max tells 0 from -0, and a chart does not.
const positiveZero = fc.double({ noNaN: true }).map((number) => number + 0);
const change = fc.oneof(
  { weight: 3, arbitrary: fc.record({ append: fc.array(value, { maxLength: 200, size: 'max' }) }) },
  { weight: 1, arbitrary: fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.constant({ draw: true }) },
);

describe('curves', () => {
  it('an envelope holds the exact extremes of every bucket, after any appending, cutting and drawing', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 12, size: 'max' }),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 12 }),
        (...args) => {
          const [changes, a, b, buckets] = args;
          const { built, plain } = applyAll(changes);
          const from = plain.length === 0 ? 0 : a % plain.length;
          const to = from + (b % (plain.length - from + 1));
          const drawn = envelope(built, from, to, buckets);
          assert.equal(drawn.rowCount, to - from);
          assert.ok(drawn.rows.length <= buckets);
          drawn.rows.forEach((start, bucket) => {
            const stop = drawn.rows[bucket + 1] ?? to;
            const known = plain.slice(start, stop).filter((item) => !Number.isNaN(item));
            assert.equal(drawn.low[bucket], known.length === 0 ? NaN : known.reduce((x, y) => (y < x ? y : x)));
            assert.equal(drawn.high[bucket], known.length === 0 ? NaN : known.reduce((x, y) => (y > x ? y : x)));
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('one spike in 100,000 rows survives every zoom', () => {
    const built = curve();
    for (let row = 0; row < 100_000; row += 1) appendValue(built, row === 54_321 ? 1000 : Math.sin(row));
    for (const buckets of [1, 3, 300, 2000]) {
      assert.equal(Math.max(...envelope(built, 0, 100_000, buckets).high), 1000);
    }
    const rows = cappedRows(built, 500);
    assert.ok(rows.length <= 500);
    assert.ok(rows.includes(54_321));
  });

  it('a spike in the last row before a cut stays, wherever the cut runs through a block', () => {
    for (let cut = 1; cut <= 80; cut += 1) {
      const built = curve();
      for (let row = 0; row < 80; row += 1) appendValue(built, row === cut - 1 ? 1000 : 0);
      envelope(built, 0, 80, 4);
      truncateCurve(built, cut);
      for (let row = cut; row < 160; row += 1) appendValue(built, 0);
      assert.equal(envelope(built, 0, 160, 1).high[0], 1000, `cut at ${cut}`);
    }
  });

  it('a capped series keeps its extremes, in order, within the cap', () => {
    fc.assert(
      fc.property(fc.array(positiveZero, { maxLength: 400 }), fc.integer({ min: 2, max: 60 }), (plain, cap) => {
        const built = curve();
        for (const item of plain) appendValue(built, item);
        const rows = [...cappedRows(built, cap)];
        assert.ok(rows.length <= cap);
        assert.deepEqual(
          rows,
          [...new Set(rows)].sort((x, y) => x - y),
        );
        const kept = rows.map((row) => valueAt(built.values, row));
        assert.equal(Math.max(...kept), Math.max(...plain));
        assert.equal(Math.min(...kept), Math.min(...plain));
      }),
    );
  });
});

type Change = { append: number[] } | { keep: number } | { draw: boolean };

function applyAll(changes: readonly Change[]): { built: Curve; plain: number[] } {
  const built = curve();
  let plain: number[] = [];
  for (const item of changes) {
    if ('append' in item) {
      for (const number of item.append) appendValue(built, number);
      plain.push(...item.append);
    } else if ('keep' in item) {
      const length = Math.floor(item.keep * plain.length);
      truncateCurve(built, length);
      plain = plain.slice(0, length);
    } else {
      envelope(built, 0, plain.length, 7);
    }
  }
  return { built, plain };
}
