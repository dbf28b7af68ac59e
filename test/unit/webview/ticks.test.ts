import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatTick, roundTicks, unitText } from '../../../webview/ticks';

describe('numbers at an axis', () => {
  const cases: [value: number | null, text: string][] = [
    [null, ''],
    [0, '0'],
    [-0, '0'],
    [0.25, '0.25'],
    [0.1 + 0.2, '0.3'],
    [-0.05, '−0.05'],
    [0.0001, '1e−4'],
    [1250, '1250'],
    [12_000, '12k'],
    [-3_400_000, '−3.4M'],
  ];
  for (const [value, text] of cases) {
    it(`${value} is written ${text === '' ? 'as nothing' : text}`, () => {
      assert.equal(formatTick(value), text);
    });
  }

  it('times are written as times, counts without fractions', () => {
    assert.equal(unitText(90, 'time'), '1:30');
    assert.equal(unitText(90.4, 'tokens'), '90');
  });
});

describe('round ticks', () => {
  const end = fc.double({ min: -1e7, max: 1e7, noNaN: true });
  const width = fc.double({ min: 1e-6, max: 1e7, noNaN: true });

  it('are evenly apart, within the ends, and about as many as asked for', () => {
    fc.assert(
      fc.property(end, width, fc.integer({ min: 1, max: 20 }), (from, by, count) => {
        if (by < Math.abs(from) * 1e-9) return;
        const ticks = roundTicks(from, from + by, count, 'tokens');
        assert.ok(ticks.length <= count + 1, `${ticks.length} for ${count}`);
        const slack = by * 1e-6;
        assert.ok(ticks.every((tick) => tick >= from - slack && tick <= from + by + slack));
        const gaps = ticks.slice(1).map((tick, place) => tick - (ticks[place] ?? NaN));
        assert.ok(gaps.every((gap) => Math.abs(gap - (gaps[0] ?? NaN)) < slack * 10));
      }),
    );
  });

  it('of steps are whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (from, by) => {
        assert.ok(roundTicks(from, from + by, 8, 'step').every(Number.isInteger));
      }),
    );
  });

  it('of times are minutes and hours', () => {
    assert.deepEqual(roundTicks(0, 240, 4, 'time'), [0, 60, 120, 180, 240]);
    assert.deepEqual(roundTicks(0, 7200, 5, 'time'), [0, 1800, 3600, 5400, 7200]);
  });
});
