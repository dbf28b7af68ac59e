import type { StepRange } from './viewState';

/** The last of some ascending steps within a range; null when none is. */
export function lastWithin(steps: readonly number[], { from, to }: StepRange): number | null {
  return steps.findLast((step) => step >= from && step <= to) ?? null;
}

/** The last of some ascending steps before another; null when none is. */
export function lastBefore(steps: readonly number[], step: number): number | null {
  return steps.findLast((one) => one < step) ?? null;
}

/** The next of some ascending steps after another, and round to the first; `way` −1 goes the other way. */
export function neighbour(steps: readonly number[], step: number, way: 1 | -1): number | null {
  const next = way === 1 ? steps.find((one) => one > step) : steps.findLast((one) => one < step);
  return next ?? steps.at(way === 1 ? 0 : -1) ?? null;
}
