import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  firstAtLeast,
  meanBetween,
  middles,
  nearest,
  smoothed,
  stepAtUnit,
  unitAtStep,
  type Timeline,
} from '../../../webview/seriesData';

const number = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value + 0);
const ascending = fc.array(number, { maxLength: 60 }).map((values) => Float64Array.from(values.sort((a, b) => a - b)));

/** Steps and units that both go up, as a run's clock and its count of tokens do. */
const timeline = fc
  .array(fc.record({ step: fc.integer({ min: 1, max: 9 }), unit: fc.double({ min: 0.01, max: 1e4, noNaN: true }) }), {
    minLength: 2,
    maxLength: 60,
  })
  .map((leaps): Timeline => {
    const sums = { steps: 0, units: 0 };
    const rows = leaps.map(({ step, unit }) => [(sums.steps += step), (sums.units += unit)] as const);
    return { steps: Float64Array.from(rows, ([step]) => step), units: Float64Array.from(rows, ([, unit]) => unit) };
  });

describe('places in an ascending array', () => {
  it('the first that is not below is what a search from the front finds', () => {
    fc.assert(
      fc.property(ascending, number, (values, x) => {
        const found = values.findIndex((value) => value >= x);
        assert.equal(firstAtLeast(values, x), found === -1 ? values.length : found);
      }),
    );
  });

  it('nothing is nearer than the nearest', () => {
    fc.assert(
      fc.property(ascending, number, (values, x) => {
        const place = nearest(values, x);
        if (values.length === 0) assert.equal(place, -1);
        else
          assert.equal(Math.abs((values[place] ?? NaN) - x), Math.min(...values.map((value) => Math.abs(value - x))));
      }),
    );
  });
});

describe('steps and the units of an axis', () => {
  it('lead to one another and back, within the run and beyond its ends', () => {
    fc.assert(
      fc.property(timeline, fc.double({ min: -100, max: 1000, noNaN: true }), (line, step) => {
        const back = stepAtUnit(line, unitAtStep(line, step));
        assert.ok(Math.abs(back - step) < 1e-3 * Math.max(1, Math.abs(step)), `${step} came back as ${back}`);
      }),
    );
  });

  it('keep their order', () => {
    fc.assert(
      fc.property(timeline, number, number, (line, a, b) => {
        assert.ok(unitAtStep(line, Math.min(a, b)) <= unitAtStep(line, Math.max(a, b)));
      }),
    );
  });

  it('a recorded step stands where it was recorded', () => {
    fc.assert(
      fc.property(timeline, (line) => {
        line.steps.forEach((step, place) => {
          assert.ok(Math.abs(unitAtStep(line, step) - (line.units[place] ?? NaN)) < 1e-6);
        });
      }),
    );
  });
});

describe('the mean of a part', () => {
  const drawn = {
    x: Float64Array.from([1, 2, 3, 4]),
    low: Float64Array.from([1, NaN, 3, 5]),
    high: Float64Array.from([1, NaN, 3, 8]),
  };

  it('is of what is there, both ends included', () => {
    assert.equal(meanBetween(drawn, 1, 3), 2);
    assert.equal(meanBetween(drawn, 3, 3), 3);
    assert.equal(meanBetween(drawn, 2, 2), null);
    assert.equal(meanBetween(drawn, 7, 9), null);
  });

  it('is not told where a range of rows is known by its extremes alone', () => {
    assert.equal(meanBetween(drawn, 3, 4), null);
  });
});

describe('smoothing', () => {
  const values = fc.array(fc.oneof({ weight: 8, arbitrary: number }, { weight: 1, arbitrary: fc.constant(NaN) }));
  const strength = fc.double({ min: 0, max: 0.99, noNaN: true });

  it('stays between the extremes so far, and keeps gaps as gaps', () => {
    fc.assert(
      fc.property(values, strength, (raw, by) => {
        let low = Infinity;
        let high = -Infinity;
        smoothed(Float64Array.from(raw), by).forEach((smooth, place) => {
          const value = raw[place] ?? NaN;
          assert.equal(Number.isNaN(smooth), Number.isNaN(value));
          if (Number.isNaN(value)) return;
          low = Math.min(low, value);
          high = Math.max(high, value);
          const slack = 1e-9 * Math.max(1, Math.abs(low), Math.abs(high));
          assert.ok(smooth >= low - slack && smooth <= high + slack);
        });
      }),
    );
  });

  it('of none leaves the values; of much the first value is still itself', () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1 }), strength, (raw, by) => {
        assert.deepEqual([...smoothed(Float64Array.from(raw), 0)], raw);
        assert.ok(Math.abs((smoothed(Float64Array.from(raw), by)[0] ?? NaN) - (raw[0] ?? NaN)) < 1e-6);
      }),
    );
  });

  it('by hand', () => {
    assert.deepEqual([...smoothed(Float64Array.from([1, 0, 0]), 0.5)], [1, 1 / 3, 1 / 7]);
    const drawn = { x: Float64Array.from([1, 2]), low: Float64Array.from([0, 2]), high: Float64Array.from([4, 2]) };
    assert.deepEqual([...middles(drawn)], [2, 2]);
  });
});
