import type { Evaluation } from '../core/generated/panel';
import { colours, type ColourName } from './colours';
import { answerFor, axis, curves, shownUnits, timelines } from './curves';
import { runs, usualSmoothing } from './page';
import type { CurveSpec, HeldOutSpec, PanelSpec, Pattern } from './panels';
import { logScaleFor, type Scale, type ScaledRange } from './scale';
import { firstAtLeast, middles, nearest, smoothed, unitAtStep, unitsOf, type Drawn } from './seriesData';
import { view } from './viewState';
import { follow } from './follow';

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

/** Everything of a panel that is drawn, in the units of its axes. */
export interface Scene {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly scale: Scale;
  readonly lines: readonly SceneLine[];
  readonly layers: readonly SceneLayer[];
  readonly asBars: boolean;
  readonly bands: readonly (SceneLayer & { readonly mean: Float64Array })[];
  readonly heldOut: readonly (Pick<HeldOutSpec, 'colour' | 'dash'> & { readonly points: readonly ScenePoint[] })[];
  readonly floor: number | null;
}

/** How much lines are smoothed, 0 to 1. */
export function smoothingNow(): number {
  return view.value.smoothing ?? usualSmoothing.value;
}

/** What a panel shows now. Reads signals: a change of any of them makes another scene. */
export function sceneOf(spec: PanelSpec): Scene {
  follow(curves, colours);
  const x = shownUnits.value;
  const log = isLogarithmic(spec);
  // Heights of a logarithmic axis do not add up, so that there the parts of a stack are lines.
  const lines = [...(log ? spec.stack : []), ...spec.lines].flatMap((curve) => lineOf(curve, smoothingNow()));
  const layers = log ? [] : layersOf(spec.stack);
  const heldOut = spec.heldOut.map(({ run, colour, dash }) => ({ colour, dash, points: heldOutPoints(run) }));
  const bands = spec.bands.flatMap(({ runs: members, colour }) =>
    bandOf(
      lines.filter((line) => members.includes(line.spec.run)),
      colour,
    ),
  );
  const scene = { x, lines, layers, bands, heldOut, floor: spec.floor, asBars: spec.id === 'time' };
  return { ...scene, ...(log ? logScaleFor(...extremes(scene)) : linearRange(scene)) };
}

/** Did the person choose a logarithmic axis for a panel? */
export function isLogarithmic({ id }: Pick<PanelSpec, 'id'>): boolean {
  return view.value.logPanels.includes(id);
}

/** The numbers of a curve as they are now drawn. */
export function drawnCurve({ run, metric }: CurveSpec): Drawn | null {
  const answer = answerFor(run);
  const found = answer?.curves.find((curve) => curve.metric === metric);
  return answer === null || found === undefined
    ? null
    : { x: unitsOf(answer, axis.value), low: found.low, high: found.high };
}

/** Held-out evaluations of a run, in order. */
export function heldOutPoints(run: number): ScenePoint[] {
  const timeline = timelines.value[run];
  const evaluations = runs.value[run]?.evaluations ?? [];
  return evaluations
    .filter(({ name, checkpoint }) => name === 'evaluation' && checkpoint === 'current')
    .map((evaluation) => ({
      ...evaluation,
      x: timeline === undefined ? evaluation.step : unitAtStep(timeline, evaluation.step),
    }));
}

function lineOf(spec: CurveSpec, strength: number): SceneLine[] {
  const drawn = drawnCurve(spec);
  if (drawn === null) return [];
  return [{ ...drawn, spec, smooth: strength > 0 ? smoothed(middles(drawn), strength) : null }];
}

function layersOf(stack: readonly CurveSpec[]): SceneLayer[] {
  const drawn = stack.map((spec) => ({ spec, curve: drawnCurve(spec) }));
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

function bandOf(members: readonly SceneLine[], colour: ColourName): (SceneLayer & { mean: Float64Array })[] {
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

type Rangeless = Omit<Scene, keyof ScaledRange>;

function linearRange(scene: Rangeless): ScaledRange {
  const scale: Scale = { kind: 'linear' };
  const [low, high] = extremes(scene);
  if (low > high) return { scale, y: [0, 1] };
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  const fromZero = (scene.layers.length > 0 || scene.floor !== null) && low >= 0;
  return { scale, y: [fromZero ? 0 : low - pad, high + pad] };
}

/** Least and greatest shown value; nothing shown has its least above its greatest. */
function extremes({ x: [from, to], lines, layers, heldOut, floor }: Rangeless): [number, number] {
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
  // A floor alone is no range.
  if (floor !== null && low <= high) see(floor);
  return [low, high];
}
