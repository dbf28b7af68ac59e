import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Colours } from '../../../webview/colours';
import { paint } from '../../../webview/paint';
import { bandOf, extremes, layersOf, linearRange, type Scene, type SceneLine } from '../../../webview/sceneMaths';
import type { Drawn } from '../../../webview/seriesData';
import type { Ink, Surface } from '../../../webview/surface';

const frame = { left: 40, top: 10, width: 400, height: 100 };

/** Every colour by its own name. */
const named = new Proxy({} as Colours['of'], { get: (_, name) => name });

interface Stroke {
  readonly shape: 'line' | 'area' | 'dot' | 'text';
  readonly points: readonly number[];
  readonly ink?: Ink;
  readonly pattern?: string;
}

function strokesOf(scene: Scene, highContrast = false): Stroke[] {
  const strokes: Stroke[] = [];
  const surface: Surface = {
    line: (points, ink) => strokes.push({ shape: 'line', points, ink }),
    area: (points, ink, pattern) => strokes.push({ shape: 'area', points, ink, pattern }),
    dot: (x, y, _, ink) => strokes.push({ shape: 'dot', points: [x, y], ink }),
    text: (x, y) => strokes.push({ shape: 'text', points: [x, y] }),
  };
  paint(scene, surface, frame, { of: named, highContrast });
  return strokes;
}

function curve(values: readonly (readonly [low: number, high: number])[]): Drawn {
  return {
    x: Float64Array.from(values, (_, place) => place + 1),
    low: Float64Array.from(values, ([low]) => low),
    high: Float64Array.from(values, ([, high]) => high),
  };
}

const steady = (values: readonly number[]): Drawn => curve(values.map((value) => [value, value] as const));

function line(drawn: Drawn, over: Partial<SceneLine> = {}): SceneLine {
  const spec = { run: 0, metric: 'm', label: 'm', colour: 'rollout', dash: [], pattern: 'solid' } as const;
  return { ...drawn, spec, smooth: null, ...over };
}

function sceneWith(parts: Partial<Scene>): Scene {
  const empty = {
    x: [1, 100] as const,
    lines: [],
    layers: [],
    asBars: false,
    bands: [],
    heldOut: [],
    marks: [],
    floor: null,
  };
  const scene = { ...empty, ...parts };
  return { ...scene, ...linearRange(scene), ...parts };
}

const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
const envelope = fc
  .array(fc.tuple(number, number), { minLength: 2, maxLength: 80 })
  .map((pairs) => curve(pairs.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)));

describe('what is painted', () => {
  it('has every extreme of a curve, so that no spike of one step is lost', () => {
    fc.assert(
      fc.property(envelope, (drawn) => {
        const scene = sceneWith({ x: [1, drawn.x.length], lines: [line(drawn)] });
        const [stroke] = strokesOf(scene);
        const heights = new Set(stroke?.points.filter((_, place) => place % 2 === 1).map((y) => y.toFixed(6)));
        const [low, high] = scene.y;
        const heightOf = (value: number): string =>
          (frame.top + frame.height - ((value - low) * frame.height) / (high - low)).toFixed(6);
        for (const value of [...drawn.low, ...drawn.high]) assert.ok(heights.has(heightOf(value)));
      }),
    );
  });

  it('lies within the frame', () => {
    fc.assert(
      fc.property(envelope, fc.boolean(), (drawn, highContrast) => {
        const spec = { colour: 'demo', pattern: 'dots', dash: [2, 2] } as const;
        const layers = layersOf([{ spec, curve: drawn }]);
        const scene = sceneWith({ x: [1, drawn.x.length], lines: [line(drawn)], layers });
        for (const { shape, points } of strokesOf(scene, highContrast)) {
          if (shape === 'text') continue;
          points.forEach((at, place) => {
            const [from, size] = place % 2 === 0 ? [frame.left, frame.width] : [frame.top, frame.height];
            assert.ok(at >= from - 1e-6 && at <= from + size + 1e-6, `${shape}: ${at}`);
          });
        }
      }),
    );
  });

  it('a smoothed line keeps the raw one visible under it, and a gap stays a gap', () => {
    const drawn = steady([1, NaN, 3]);
    const [raw, smooth] = strokesOf(sceneWith({ x: [1, 3], lines: [line(drawn, { smooth: drawn.low })] }));
    assert.ok((raw?.ink?.alpha ?? 1) < (smooth?.ink?.alpha ?? 1));
    assert.ok(Number.isNaN(raw?.points[3]));
  });

  it('in high contrast no layer is filled, and no two of one colour look the same', () => {
    const parts = [
      { colour: 'demo', pattern: 'solid', dash: [] },
      { colour: 'demo', pattern: 'dots', dash: [6, 3] },
      { colour: 'demo', pattern: 'solid', dash: [2, 2] },
    ] as const;
    const layers = layersOf(parts.map((spec) => ({ spec, curve: steady([1, 2, 3]) })));
    const strokes = strokesOf(sceneWith({ x: [1, 3], layers }), true);
    const areas = strokes.filter(({ shape }) => shape === 'area');
    assert.deepEqual(
      areas.map(({ pattern, ink }) => [pattern, ink?.tint]),
      [['dots', 0]],
    );
    const edges = strokes.filter(({ shape, ink }) => shape === 'line' && ink?.colour === 'demo');
    assert.equal(new Set(edges.map(({ ink }) => String(ink?.dash))).size, parts.length);
  });
});

describe('a stack', () => {
  const spec = { colour: 'demo', pattern: 'solid', dash: [] } as const;

  it('adds up: its highest edge is the sum of what is above zero, its lowest of what is below', () => {
    const parts = fc.array(fc.array(number, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(parts, (columns) => {
        const layers = layersOf(columns.map((values) => ({ spec, curve: steady(values) })));
        for (let place = 0; place < 5; place += 1) {
          const edges = [0, ...layers.map(({ top }) => top[place] ?? NaN)];
          const sum = (sign: 1 | -1): number =>
            columns.reduce((total, values) => total + Math.max(0, sign * (values[place] ?? 0)), 0) * sign;
          assert.ok(Math.abs(Math.max(...edges) - sum(1)) < 1e-6);
          assert.ok(Math.abs(Math.min(...edges) - sum(-1)) < 1e-6);
        }
      }),
    );
  });

  it('layers lie on one another without gaps', () => {
    const layers = layersOf([1, 2, 4].map((value) => ({ spec, curve: steady([value, value]) })));
    assert.deepEqual(
      layers.map(({ base, top }) => [base[0], top[0]]),
      [
        [0, 1],
        [1, 3],
        [3, 7],
      ],
    );
  });

  it('takes the extreme further from zero, and nothing for what was not finite', () => {
    const [layer] = layersOf([
      {
        spec,
        curve: curve([
          [-1, 5],
          [NaN, NaN],
          [2, 3],
        ]),
      },
    ]);
    assert.deepEqual([...(layer?.top ?? [])], [5, 0, 3]);
  });

  it('without numbers is nothing', () => {
    assert.deepEqual(layersOf([{ spec, curve: null }]), []);
  });
});

describe('a marked trace', () => {
  it('is a diamond about its value, and the axis reaches it', () => {
    const scene = sceneWith({ x: [1, 3], lines: [line(steady([1, 2, 3]))], marks: [{ x: 2, value: 9 }] });
    assert.ok(scene.y[1] >= 9);
    const diamond = strokesOf(scene).at(-1) ?? assert.fail('nothing is drawn');
    assert.equal(diamond.ink?.colour, 'text');
    const [xs, ys] = [0, 1].map((side) => diamond.points.filter((_, place) => place % 2 === side));
    const middle = (values: readonly number[] = []): number => (Math.min(...values) + Math.max(...values)) / 2;
    assert.equal(middle(xs), frame.left + frame.width / 2);
    const [low, high] = scene.y;
    const height = frame.top + frame.height - ((9 - low) * frame.height) / (high - low);
    assert.ok(Math.abs(middle(ys) - height) < 1e-9);
  });

  it('out of view is not drawn, and moves no axis', () => {
    const scene = { x: [1, 3] as const, lines: [line(steady([1, 2, 3]))] };
    const [marked, plain] = [sceneWith({ ...scene, marks: [{ x: 4, value: 9 }] }), sceneWith(scene)];
    assert.deepEqual(marked.y, plain.y);
    assert.equal(strokesOf(marked).length, strokesOf(plain).length);
  });
});

describe('the linear axis', () => {
  it('shows every value in view', () => {
    fc.assert(
      fc.property(envelope, (drawn) => {
        const { y } = linearRange(sceneWith({ x: [1, drawn.x.length], lines: [line(drawn)] }));
        assert.ok(y[0] <= Math.min(...drawn.low) && y[1] >= Math.max(...drawn.high) && y[0] < y[1]);
      }),
    );
  });

  it('heeds what is shown alone, with one point beyond either end', () => {
    const drawn = steady([100, 1, 2, 3, 100]);
    assert.deepEqual(extremes(sceneWith({ x: [2.5, 3.5], lines: [line(drawn)] })), [1, 3]);
  });

  it('goes to a floor, but a floor alone is no axis', () => {
    assert.deepEqual(linearRange(sceneWith({ floor: 0.1 })).y, [0, 1]);
    assert.equal(linearRange(sceneWith({ floor: 0.1, lines: [line(steady([0.5, 0.6]))], x: [1, 2] })).y[0], 0);
  });
});

describe('a band of seeds', () => {
  it('goes from the least to the greatest with the mean between, and two runs are needed', () => {
    const [band] = bandOf([line(steady([1, 2])), line(steady([3, 8])), line(steady([5, 2]))], 'run0');
    assert.deepEqual([...(band?.base ?? [])], [1, 2]);
    assert.deepEqual([...(band?.top ?? [])], [5, 8]);
    assert.deepEqual([...(band?.mean ?? [])], [3, 4]);
    assert.deepEqual(bandOf([line(steady([1, 2]))], 'run0'), []);
  });

  it('is of those runs that have come so far', () => {
    const [band] = bandOf([line(steady([1, 2, 3])), line(steady([3, 4]))], 'run0');
    assert.deepEqual([...(band?.mean ?? [])], [2, 3, 3]);
  });
});
