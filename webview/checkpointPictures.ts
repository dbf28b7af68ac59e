import { binEdges, type DifferenceCounts } from '../core/checkpointDifference';
import type { PathMessage } from '../core/generated/checkpoints';
import { roundTicks } from './ticks';

/** A rectangle, in pixels from the upper left. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A bar of the histogram. */
export interface Bar extends Box {
  readonly from: number;
  readonly to: number;
  readonly tokens: number;
  /** The middle bin holds what did not move. */
  readonly side: 'down' | 'middle' | 'up';
}

/** Less than a token has no logarithm that could be drawn. */
const foot = 0.5;

/** Bars of the bins that hold something, upwards by the logarithm of their tokens, and round numbers at the side. */
export function histogramOf(
  { bins }: DifferenceCounts,
  frame: Box,
): { readonly bars: readonly Bar[]; readonly ticks: readonly { readonly tokens: number; readonly top: number }[] } {
  const most = Math.max(1, ...bins);
  const share = (tokens: number): number => Math.log(tokens / foot) / Math.log((most * 1.2) / foot);
  const width = frame.width / bins.length;
  const bars = bins.flatMap((tokens, bin): Bar[] => {
    if (tokens === 0) return [];
    const [from, to] = binEdges(bin);
    const height = share(tokens) * frame.height;
    const side = from > 0 ? 'up' : to < 0 ? 'down' : 'middle';
    return [
      { left: frame.left + bin * width, top: frame.top + frame.height - height, width, height, from, to, tokens, side },
    ];
  });
  const decades = Math.floor(Math.log10(most)) + 1;
  const ticks = Array.from({ length: decades }, (_, decade) => {
    const tokens = 10 ** decade;
    return { tokens, top: frame.top + frame.height * (1 - share(tokens)) };
  });
  return { bars, ticks };
}

/** A checkpoint where two reference sets put it. */
export interface PlacedPoint {
  readonly name: string;
  readonly left: number;
  readonly top: number;
}

/** The path: points in the order of training, and round numbers at both axes. */
export interface PathPicture {
  readonly points: readonly PlacedPoint[];
  readonly across: readonly { readonly value: number; readonly left: number }[];
  readonly upwards: readonly { readonly value: number; readonly top: number }[];
}

const pixelsATick = 80;

/** Where checkpoints stand by two of the reference sets; those of which one is not known are left out. */
export function pathPicture(
  points: PathMessage['points'],
  { across, upwards }: { readonly across: number; readonly upwards: number },
  frame: Box,
): PathPicture {
  const placed = points.flatMap(({ name, surprise }) => {
    const [x, y] = [surprise[across] ?? null, surprise[upwards] ?? null];
    return x === null || y === null ? [] : [{ name, x, y }];
  });
  if (placed.length === 0) return { points: [], across: [], upwards: [] };
  const xs = rangeOf(placed.map(({ x }) => x));
  const ys = rangeOf(placed.map(({ y }) => y));
  const leftOf = (value: number): number => frame.left + ((value - xs[0]) / (xs[1] - xs[0])) * frame.width;
  const topOf = (value: number): number => frame.top + frame.height * (1 - (value - ys[0]) / (ys[1] - ys[0]));
  return {
    points: placed.map(({ name, x, y }) => ({ name, left: leftOf(x), top: topOf(y) })),
    across: roundTicks(...xs, frame.width / pixelsATick, 'tokens').map((value) => ({ value, left: leftOf(value) })),
    upwards: roundTicks(...ys, frame.height / pixelsATick, 'tokens').map((value) => ({ value, top: topOf(value) })),
  };
}

/** The next token that is not similar, from one on; the same where there is none. */
export function changedBeside(levels: ArrayLike<number>, from: number, by: 1 | -1): number {
  for (let place = from + by; place >= 0 && place < levels.length; place += by) {
    if (levels[place] !== 0) return place;
  }
  return from;
}

/** The token a key leads to among so many; undefined for a key that leads nowhere. */
export function tokenOfKey(key: string, at: number, levels: ArrayLike<number>): number | undefined {
  const last = levels.length - 1;
  switch (key) {
    case 'ArrowRight':
      return Math.min(last, at + 1);
    case 'ArrowLeft':
      return Math.max(0, at - 1);
    case 'ArrowDown':
      return Math.max(0, changedBeside(levels, at, 1));
    case 'ArrowUp':
      return Math.max(0, changedBeside(levels, at < 0 ? levels.length : at, -1));
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}

/** A cell of a grid that a key leads to; undefined for a key that leads nowhere. */
export function cellOfKey(
  key: string,
  { row, column }: { readonly row: number; readonly column: number },
  rows: number,
  columns: number,
): { readonly row: number; readonly column: number } | undefined {
  const inside = (place: number, count: number): number => Math.min(count - 1, Math.max(0, place));
  switch (key) {
    case 'ArrowRight':
      return { row, column: inside(column + 1, columns) };
    case 'ArrowLeft':
      return { row, column: inside(column - 1, columns) };
    case 'ArrowDown':
      return { row: inside(row + 1, rows), column };
    case 'ArrowUp':
      return { row: inside(row - 1, rows), column };
    case 'Home':
      return { row, column: 0 };
    case 'End':
      return { row, column: columns - 1 };
    default:
      return undefined;
  }
}

/** A number at an axis, with as many digits as tell it from the next. */
export function tickText(value: number, ticks: readonly { readonly value: number }[]): string {
  const distance = Math.abs((ticks[1]?.value ?? 1) - (ticks[0]?.value ?? 0));
  // Round places are 1, 2, 2.5 or 5 times a power of ten.
  const digits = [0, 1, 2, 3, 4, 5, 6].find((count) => isWhole(distance * 10 ** count)) ?? 6;
  return value.toFixed(digits);
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-6 && value > 0.5;
}

/** `+0.35`, `−0.02`. */
export function signedText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value).toFixed(2);
  return Number(size) === 0 ? '0.00' : `${value < 0 ? '−' : '+'}${size}`;
}

/** `0.35`; a dash where it is not known. */
export function probabilityText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value > 0 && value < 0.005 ? value.toExponential(0).replace('-', '−') : value.toFixed(2);
}

function rangeOf(values: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max((high - low) * 0.12, 0.001);
  return [low - pad, high + pad];
}
