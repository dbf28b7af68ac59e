import type { Evaluation } from '../core/generated/panel';
import type { ColourName } from './colours';
import type { CurveSpec, HeldOutSpec, Pattern } from './panels';
import type { Scale, ScaledRange } from './scale';
import { firstAtLeast, middles, nearest, type Drawn } from './seriesData';

/** A curve with its numbers. */
export interface SceneLine extends Drawn {
  readonly spec: CurveSpec;
  /** The smoothed line over it; null when smoothing is off. */
  readonly smooth: Float64Array | null;
}

/** A layer of a stack. */
export interface SceneLayer {
  readonly colour: ColourName;
  readonly pattern: Pattern;
  readonly dash: readonly number[];
  readonly x: Float64Array;
  readonly base: Float64Array;
  readonly top: Float64Array;
}

/** An evaluation on the axis. */
export interface ScenePoint extends Evaluation {
  readonly x: number;
}

/** A figure of a marked trace on the axis. */
export interface SceneMark {
  readonly x: number;
  readonly value: number;
}

/** Everything of a panel that is drawn, in the units of its axes. */
export interface Scene {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly scale: Scale;
  readonly lines: readonly SceneLine[];
  readonly layers: readonly SceneLayer[];
  readonly asBars: boolean;
  readonly bands: readonly (SceneLayer & { readonly mean: Float64Array })[];
  readonly heldOut: readonly (Pick<HeldOutSpec, 'colour' | 'dash'> & {
    readonly points: readonly Pick<ScenePoint, 'x' | 'value' | 'low' | 'high'>[];
  })[];
  readonly marks: readonly SceneMark[];
  readonly floor: number | null;
}

/** A part of a stack; null has no numbers yet. */
export interface LayerSource {
  readonly spec: Pick<CurveSpec, 'colour' | 'pattern' | 'dash'>;
  readonly curve: Drawn | null;
}

/** Layers of a stack, upwards and downwards from zero. */
export function layersOf(drawn: readonly LayerSource[]): SceneLayer[] {
  const x = drawn.find(({ curve }) => curve !== null)?.curve?.x;
  if (x === undefined) return [];
  let above = new Float64Array(x.length);
  let below = new Float64Array(x.length);
  const layers: SceneLayer[] = [];
  for (const { spec, curve } of drawn) {
    if (curve === null) continue;
    const values = furthest(curve);
    for (const sign of [1, -1]) {
      const base = sign === 1 ? above : below;
      const top = base.map((value, place) => value + sign * Math.max(0, sign * (values[place] ?? 0)));
      if (top.every((value, place) => value === base[place])) continue;
      layers.push({ colour: spec.colour, pattern: spec.pattern, dash: spec.dash, x, base, top });
      if (sign === 1) above = top;
      else below = top;
    }
  }
  return layers;
}

/** The extreme that is further from zero, so that a spike of one step survives. */
function furthest({ low, high }: Drawn): Float64Array {
  return low.map((value, place) => {
    const other = high[place] ?? NaN;
    const chosen = Math.abs(other) >= Math.abs(value) ? other : value;
    return Number.isFinite(chosen) ? chosen : 0;
  });
}

/** From the least to the greatest of some runs' curves, with their mean; nothing of fewer than two. */
export function bandOf(members: readonly SceneLine[], colour: ColourName): (SceneLayer & { mean: Float64Array })[] {
  const first = members[0];
  if (first === undefined || members.length < 2) return [];
  const at = (line: SceneLine, x: number): number => {
    const place = nearest(line.x, x);
    const isOutside = x > (line.x.at(-1) ?? -Infinity) || x < (line.x[0] ?? Infinity);
    return isOutside ? NaN : ((line.smooth ?? middles(line))[place] ?? NaN);
  };
  const rows = Array.from(first.x, (x) => members.map((line) => at(line, x)).filter(Number.isFinite));
  return [
    {
      colour,
      pattern: 'solid',
      dash: [],
      x: first.x,
      base: Float64Array.from(rows, (values) => (values.length === 0 ? NaN : Math.min(...values))),
      top: Float64Array.from(rows, (values) => (values.length === 0 ? NaN : Math.max(...values))),
      mean: Float64Array.from(rows, (values) => values.reduce((sum, value) => sum + value, 0) / values.length),
    },
  ];
}

/** A scene before its axis is known. */
export type Rangeless = Omit<Scene, keyof ScaledRange>;

const leastSpan = 1e-200;

/** A linear axis on which everything has its place. */
export function linearRange(scene: Rangeless): ScaledRange {
  const scale: Scale = { kind: 'linear' };
  const [low, high] = extremes(scene);
  if (low > high) return { scale, y: [0, 1] };
  // A range that is as good as nothing would divide by nothing.
  const span = high - low > leastSpan ? high - low : Math.abs(high) > leastSpan ? Math.abs(high) : 1;
  const pad = span * 0.06;
  const fromZero = (scene.layers.length > 0 || scene.floor !== null) && low >= 0;
  return { scale, y: [fromZero ? 0 : low - pad, high + pad] };
}

/** Least and greatest shown value; nothing shown has its least above its greatest. */
export function extremes({ x: [from, to], lines, layers, heldOut, marks, floor }: Rangeless): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  const see = (value: number): void => {
    if (!Number.isFinite(value)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  const seeAll = (x: Float64Array, values: Float64Array): void => {
    const end = Math.min(values.length, firstAtLeast(x, to) + 1);
    for (let place = Math.max(0, firstAtLeast(x, from) - 1); place < end; place += 1) see(values[place] ?? NaN);
  };
  for (const line of lines) {
    seeAll(line.x, line.low);
    seeAll(line.x, line.high);
  }
  for (const layer of layers) {
    seeAll(layer.x, layer.base);
    seeAll(layer.x, layer.top);
  }
  for (const point of heldOut.flatMap(({ points }) => points)) {
    if (point.x < from || point.x > to) continue;
    see(point.low);
    see(point.high);
  }
  for (const { x, value } of marks) if (x >= from && x <= to) see(value);
  // A floor alone is no range.
  if (floor !== null && low <= high) see(floor);
  return [low, high];
}
