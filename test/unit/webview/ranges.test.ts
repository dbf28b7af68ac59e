import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lastBefore, lastWithin, neighbour } from '../../../webview/forkSteps';
import { anchorOf, moved, newest, rangeBetween, zoomed } from '../../../webview/ranges';

const all = { from: 1, to: 1000 };
const shown = fc
  .tuple(fc.double({ min: 1, max: 990, noNaN: true }), fc.double({ min: 4, max: 900, noNaN: true }))
  .map(([from, width]) => ({ from, to: Math.min(1000, from + width) }));
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('zooming and moving', () => {
  it('never leaves the run, nor comes nearer than four steps', () => {
    fc.assert(
      fc.property(shown, share, fc.double({ min: 0.01, max: 100, noNaN: true }), (range, at, factor) => {
        const about = range.from + at * (range.to - range.from);
        const { zoom, follow } = zoomed(range, all, about, factor);
        if (zoom === null) return;
        assert.ok(zoom.from >= all.from && zoom.to <= all.to + 1e-9);
        assert.ok(zoom.to - zoom.from >= 4 - 1e-9);
        assert.equal(follow, zoom.to >= all.to);
      }),
    );
  });

  it('coming nearer keeps the step under the pointer where it is', () => {
    fc.assert(
      fc.property(shown, share, fc.double({ min: 0.1, max: 1, noNaN: true }), (range, at, factor) => {
        const width = range.to - range.from;
        if (width * factor < 4) return;
        const { zoom } = zoomed(range, all, range.from + at * width, factor);
        if (zoom === null) return;
        assert.ok(Math.abs((range.from + at * width - zoom.from) / (zoom.to - zoom.from) - at) < 1e-6);
      }),
    );
  });

  it('moving keeps the width, and going as far back leads back', () => {
    fc.assert(
      fc.property(shown, fc.double({ min: -3, max: 3, noNaN: true }), (range, by) => {
        const { zoom } = moved(range, all, by);
        assert.ok(zoom !== null);
        assert.ok(Math.abs(zoom.to - zoom.from - (range.to - range.from)) < 1e-6);
        const isInside = zoom.from > all.from && zoom.to < all.to;
        if (isInside) assert.ok(Math.abs((moved(zoom, all, -by).zoom?.from ?? NaN) - range.from) < 1e-6);
      }),
    );
  });

  it('wide enough is the whole run', () => {
    assert.equal(zoomed({ from: 100, to: 900 }, all, 500, 2).zoom, null);
    assert.equal(newest({ from: 1, to: 999.5 }, all), null);
    assert.deepEqual(newest({ from: 100, to: 200 }, all), { from: 900, to: 1000 });
  });
});

describe('a brush', () => {
  it('is the same from either end, and stays within the run', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 1100 }), fc.integer({ min: -50, max: 1100 }), (a, b) => {
        const range = rangeBetween(all, a, b);
        assert.deepEqual(range, rangeBetween(all, b, a));
        assert.ok(range.from >= all.from && range.to <= all.to && range.from <= range.to);
      }),
    );
  });

  it('turns about its other end', () => {
    assert.equal(anchorOf(null, 7), 7);
    assert.equal(anchorOf({ from: 3, to: 7 }, 7), 3);
    assert.equal(anchorOf({ from: 3, to: 7 }, 3), 7);
    assert.equal(anchorOf({ from: 5, to: 5 }, 5), 5);
  });
});

describe('checkpoints to fork from', () => {
  const steps = fc
    .uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 12 })
    .map((values) => values.sort((a, b) => a - b));
  const step = fc.integer({ min: 0, max: 200 });

  it('the last of a range, and the last before a step', () => {
    fc.assert(
      fc.property(steps, step, step, (saved, a, b) => {
        const range = { from: Math.min(a, b), to: Math.max(a, b) };
        const inside = saved.filter((one) => one >= range.from && one <= range.to);
        assert.equal(lastWithin(saved, range), inside.length === 0 ? null : Math.max(...inside));
        const before = saved.filter((one) => one < a);
        assert.equal(lastBefore(saved, a), before.length === 0 ? null : Math.max(...before));
      }),
    );
  });

  it('going on leads round through all of them, and the other way back', () => {
    fc.assert(
      fc.property(steps, step, (saved, start) => {
        const seen = new Set<number>();
        let at = start;
        while (seen.size < saved.length) {
          const before = seen.size;
          at = neighbour(saved, at, 1) ?? assert.fail('there is one');
          seen.add(at);
          assert.ok(seen.size > before, 'none comes twice before all came');
          if (saved.length > 1) assert.equal(neighbour(saved, neighbour(saved, at, 1) ?? NaN, -1), at);
        }
      }),
    );
    assert.equal(neighbour([], 3, 1), null);
  });
});
