import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { logScaleFor, scaled, ticksOf, unscaled } from '../../../webview/scale';

const value = fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((number) => (Math.abs(number) < 1e-9 ? 0 : number));
const ends = fc.tuple(value, value).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);

describe('a logarithmic scale', () => {
  it('shows all that it was made for, and has zero exactly where the values have', () => {
    fc.assert(
      fc.property(ends, ([low, high]) => {
        const { scale, y } = logScaleFor(low, high);
        assert.equal(scale.kind, low > 0 ? 'log' : 'symlog');
        assert.ok(y[0] <= low && y[1] >= high && y[0] < y[1], `${y.join(' to ')} for ${low} to ${high}`);
        for (const at of [...y, low, high]) assert.ok(Number.isFinite(scaled(scale, at)));
      }),
    );
  });

  it('keeps the order of values, and comes back to them', () => {
    fc.assert(
      fc.property(ends, value, value, ([low, high], a, b) => {
        const { scale } = logScaleFor(low, high);
        const [one, other] = scale.kind === 'log' ? [Math.abs(a) + 1e-9, Math.abs(b) + 1e-9] : [a, b];
        if (one < other) assert.ok(scaled(scale, one) <= scaled(scale, other));
        const back = unscaled(scale, scaled(scale, one));
        assert.ok(Math.abs(back - one) <= 1e-6 * Math.max(1e-12, Math.abs(one)), `${one} came back as ${back}`);
      }),
    );
  });

  it('of signed values is the same above and below zero', () => {
    const { scale } = logScaleFor(-3, 5);
    fc.assert(
      fc.property(value, (a) => {
        assert.equal(scaled(scale, -a) + 0, -scaled(scale, a) + 0);
      }),
    );
  });

  it('nothing shown has an axis too', () => {
    assert.deepEqual(logScaleFor(Infinity, -Infinity), { scale: { kind: 'log' }, y: [0.1, 1] });
  });
});

describe('ticks of an axis', () => {
  it('ascend, lie within what is shown, and are not many more than asked for', () => {
    fc.assert(
      fc.property(ends, fc.boolean(), fc.integer({ min: 2, max: 8 }), ([low, high], isLog, count) => {
        if (high - low <= 1e-6 * Math.max(1, Math.abs(high))) return;
        const range = isLog ? logScaleFor(low, high) : { scale: { kind: 'linear' } as const, y: [low, high] as const };
        const ticks = ticksOf(range, count);
        assert.ok(ticks.length <= 2 * count + 4, `${ticks.length} ticks`);
        assert.ok(ticks.every((tick, place) => place === 0 || tick > (ticks[place - 1] ?? Infinity)));
        const slack = (range.y[1] - range.y[0]) * 1e-9;
        assert.ok(ticks.every((tick) => tick >= range.y[0] - slack && tick <= range.y[1] + slack));
      }),
    );
  });

  const cases: [low: number, high: number, count: number, expected: number[]][] = [
    [0.001, 900, 6, [0.001, 0.01, 0.1, 1, 10, 100]],
    [0.001, 900, 3, [0.01, 1, 100]],
    [2, 30, 5, [2, 5, 10, 20]],
    [-0.2, 0.6, 6, [-0.1, -0.01, -0.001, 0, 0.001, 0.01, 0.1, 1]],
    [-0.2, 0.6, 4, [-0.01, 0, 0.01, 1]],
    [0, 3, 4, [0, 0.01, 0.1, 1]],
    // All below zero: zero is not shown.
    [-200, -3, 4, [-100, -10]],
  ];
  for (const [low, high, count, expected] of cases) {
    it(`from ${low} to ${high}: ${expected.join(', ')}`, () => {
      assert.deepEqual(ticksOf(logScaleFor(low, high), count), expected);
    });
  }
});
