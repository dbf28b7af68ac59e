import type { ColourName } from './colours';
import type { Pattern } from './panels';
import { layersOf, linearRange, type Scene } from './sceneMaths';
import { middles, nearest, smoothed } from './seriesData';

/** Numbers of a plot that belong together, and how they are told apart. */
export interface PlotSeries {
  readonly label: string;
  /** A line through extremes, points with their intervals, or a layer of a stack. */
  readonly shape: 'line' | 'points' | 'layer';
  readonly side: 'left' | 'right';
  readonly colour: ColourName;
  readonly dash: readonly number[];
  readonly pattern: Pattern;
  readonly x: Float64Array;
  readonly value: Float64Array;
  /** Extremes of a range of steps, or ends of an interval. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** What the legend says while nothing is pointed at; undefined says nothing. */
  readonly newest: number | null | undefined;
}

/** What is at the foot of a plot: plots with the same share a cursor. Entropy goes by its decimal logarithm. */
export interface PlotAxis {
  readonly kind: 'step' | 'entropy' | 'position' | 'ratio';
  readonly label: string;
  readonly range: readonly [number, number];
}

/** What is at a side of a plot: a range that is given, that of the numbers, or that of their logarithms. */
export interface PlotSide {
  readonly label: string;
  readonly range: readonly [number, number] | null | 'logarithmic';
}

/** One pair, or three, of axes and what is drawn between them. */
export interface Plot {
  readonly name: string;
  readonly height: number;
  readonly x: PlotAxis;
  readonly left: PlotSide;
  readonly right: PlotSide | null;
  readonly series: readonly PlotSeries[];
  /** Places of the axis with something to say. */
  readonly marks: readonly { readonly x: number; readonly label: string }[];
  /** Layers are bars. */
  readonly asBars: boolean;
  readonly smoothing: number;
  /** What is said in place of a picture without numbers. */
  readonly otherwise: string;
}

/** A picture with its words. */
export interface AnalysisFigure {
  readonly id: string;
  readonly title: string;
  /** What it says. */
  readonly sentence: string;
  /** Which figure or equation of which paper it corresponds to. */
  readonly source: string;
  readonly plots: readonly Plot[];
}

/** A plot without numbers. */
export const blankPlot = {
  height: 150,
  right: null,
  series: [],
  marks: [],
  asBars: false,
  smoothing: 0,
} as const satisfies Partial<Plot>;

/** A series whose numbers are what they are. */
export function exactly(
  look: Pick<PlotSeries, 'label' | 'colour'> & Partial<PlotSeries>,
  x: Float64Array,
  value: Float64Array,
): PlotSeries {
  const rest = { side: 'left', dash: [], pattern: 'solid', low: value, high: value, newest: undefined } as const;
  return { shape: 'line', ...rest, ...look, x, value };
}

/** Does it have a number? */
export function hasNumbers({ value }: PlotSeries): boolean {
  return value.some((number) => Number.isFinite(number));
}

/** What of a plot is drawn by one of its sides. */
export function sceneOfSide(plot: Plot, side: 'left' | 'right'): Scene {
  const drawn = plot.series.filter((series) => series.side === side && hasNumbers(series));
  const of = (shape: PlotSeries['shape']): PlotSeries[] => drawn.filter((series) => series.shape === shape);
  const scene = {
    x: plot.x.range,
    lines: of('line').map((series) => ({
      spec: { run: 0, metric: series.label, ...series },
      ...{ x: series.x, low: series.low, high: series.high },
      smooth: plot.smoothing > 0 ? smoothed(middles(series), plot.smoothing) : null,
    })),
    layers: layersOf(of('layer').map((series) => ({ spec: series, curve: series }))),
    bands: [],
    marks: [],
    heldOut: of('points').map(({ colour, dash, x, value, low, high }) => ({
      colour,
      dash,
      points: Array.from(x, (at, place) => ({
        ...{ x: at, value: value[place] ?? NaN, low: low[place] ?? NaN, high: high[place] ?? NaN },
      })),
    })),
    floor: null,
    asBars: plot.asBars,
  };
  const range = (side === 'left' ? plot.left : plot.right)?.range ?? null;
  if (range === null) return { ...scene, ...linearRange(scene) };
  if (range !== 'logarithmic') return { ...scene, scale: { kind: 'linear' }, y: range };
  const numbers = drawn.flatMap(({ value }) => [...value].filter((number) => number > 0));
  // Nothing has no logarithm: what stands on it stands at the foot.
  const foot = numbers.length === 0 ? 0.1 : Math.min(...numbers) / 2;
  const raised = (values: Float64Array): Float64Array => values.map((number) => Math.max(foot, number));
  const layers = scene.layers.map((layer) => ({ ...layer, base: raised(layer.base), top: raised(layer.top) }));
  return { ...scene, layers, scale: { kind: 'log' }, y: [foot, Math.max(2 * foot, ...numbers) * 1.2] };
}

/** The number of a series that belongs to a place: points hold until the next one, others where they are near; -1 is none. */
export function numberNear({ shape, x }: PlotSeries, at: number): number {
  const place = nearest(x, at);
  const spacing = x.length < 2 ? 1 : ((x.at(-1) ?? 0) - (x[0] ?? 0)) / (x.length - 1);
  if (shape === 'points') return (x[place] ?? Infinity) <= at + spacing * 1e-6 ? place : place - 1;
  return Math.abs((x[place] ?? Infinity) - at) <= 0.75 * spacing + 1e-9 ? place : -1;
}

/** Places that a cursor goes through, ascending. */
export function placesOf(plot: Plot): Float64Array {
  const all = new Set(plot.series.filter(hasNumbers).flatMap(({ x }) => [...x]));
  return Float64Array.from(all).sort();
}

/** The place a way further; the last where none is chosen yet. */
export function placeBeside(places: Float64Array, at: number | null, by: number): number | null {
  if (places.length === 0) return null;
  const from = at === null ? (by < 0 ? places.length : places.length - 1 - by) : nearest(places, at);
  return places[Math.min(places.length - 1, Math.max(0, from + by))] ?? null;
}

/** At most so many places, the first and the last among them: rows of a table. */
export function thinnedPlaces(places: Float64Array, most: number): number[] {
  const count = Math.min(most, places.length);
  const wanted = Array.from({ length: count }, (_, row) =>
    count === 1 ? 0 : Math.round((row * (places.length - 1)) / (count - 1)),
  );
  return wanted.flatMap((place) => places[place] ?? []);
}
