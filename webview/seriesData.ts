import type { RangeCurves } from '../core/generated/panel';
import type { AxisKind } from './viewState';

/** A curve as it came: extremes of neighbouring ranges of rows. */
export interface Drawn {
  readonly x: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** How steps and the axis' units belong together in one run. */
export interface Timeline {
  readonly steps: Float64Array;
  readonly units: Float64Array;
}

/** Places along the axis of an answer's ranges. */
export function unitsOf(answer: RangeCurves, axis: AxisKind): Float64Array {
  switch (axis) {
    case 'step':
      return answer.step;
    case 'tokens':
      return answer.tokens;
    case 'time':
      return answer.seconds;
  }
}

/** Where a step stands on the axis. */
export function unitAtStep({ steps, units }: Timeline, step: number): number {
  return interpolated(steps, units, step);
}

/** The step, with its fraction, at a place of the axis. */
export function stepAtUnit({ steps, units }: Timeline, unit: number): number {
  return interpolated(units, steps, unit);
}

/** Place of the value nearest to `x` in an ascending array; -1 in an empty one. */
export function nearest(values: Float64Array, x: number): number {
  const after = firstAtLeast(values, x);
  if (after === values.length) return values.length - 1;
  if (after === 0) return 0;
  const isBefore = x - (values[after - 1] ?? NaN) < (values[after] ?? NaN) - x;
  return isBefore ? after - 1 : after;
}

/** Place of the first value that is not below `x` in an ascending array. */
export function firstAtLeast(values: Float64Array, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? NaN) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Middle of the extremes of each range. */
export function middles({ low, high }: Drawn): Float64Array {
  return low.map((value, place) => (value + (high[place] ?? NaN)) / 2);
}

/** Mean of the values from one place of the axis to another; null where ranges of rows stand for more than was kept. */
export function meanBetween({ x, low, high }: Drawn, from: number, to: number): number | null {
  let sum = 0;
  let count = 0;
  for (let place = firstAtLeast(x, from); place < x.length && (x[place] ?? NaN) <= to; place += 1) {
    const value = low[place] ?? NaN;
    if (Number.isNaN(value)) continue;
    if (value !== high[place]) return null;
    sum += value;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}

/** Exponential mean, free of the bias of its beginning; gaps stay gaps. */
export function smoothed(values: Float64Array, strength: number): Float64Array {
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return NaN;
    sum = strength * sum + (1 - strength) * value;
    weight = strength * weight + (1 - strength);
    return sum / weight;
  });
}

/** Beyond its ends a line goes on with the slope of the whole. */
function interpolated(from: Float64Array, to: Float64Array, x: number): number {
  const count = from.length;
  if (count < 2) return (to[0] ?? x) + (x - (from[0] ?? x));
  const firstFrom = from[0] ?? 0;
  const lastFrom = from[count - 1] ?? 0;
  const slope = ((to[count - 1] ?? 0) - (to[0] ?? 0)) / Math.max(1e-9, lastFrom - firstFrom);
  if (x <= firstFrom) return (to[0] ?? 0) - (firstFrom - x) * slope;
  if (x >= lastFrom) return (to[count - 1] ?? 0) + (x - lastFrom) * slope;
  const after = firstAtLeast(from, x);
  const a = from[after - 1] ?? 0;
  const b = from[after] ?? 0;
  const share = b === a ? 0 : (x - a) / (b - a);
  return (to[after - 1] ?? 0) + share * ((to[after] ?? 0) - (to[after - 1] ?? 0));
}
