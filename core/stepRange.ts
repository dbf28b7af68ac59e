/** Steps, both ends included. */
export interface StepRange {
  readonly from: number;
  readonly to: number;
}

/** The first fifth and the last fifth of the steps; undefined where there are not two to compare. */
export function firstAndLast(
  first: number,
  last: number,
): { readonly before: StepRange; readonly after: StepRange } | undefined {
  const steps = last - first + 1;
  if (!(steps >= 2)) return undefined;
  const fifth = Math.max(1, Math.floor(steps / 5));
  return { before: { from: first, to: first + fifth - 1 }, after: { from: last - fifth + 1, to: last } };
}

/** As many steps right before a range as it has, as far as there are any. */
export function rangeBefore({ from, to }: StepRange, first: number): StepRange | undefined {
  return from <= first ? undefined : { from: Math.max(first, from - (to - from + 1)), to: from - 1 };
}

/** `60-72` or `60`, as people write it; otherwise a sentence. */
export function parseStepRange(text: string): StepRange | string {
  const [, first, second] = /^\s*(\d{1,9})\s*(?:[-–]\s*(\d{1,9})\s*)?$/.exec(text) ?? [];
  if (first === undefined) return 'Write a range of steps, as in 60-72.';
  const range = { from: Number(first), to: Number(second ?? first) };
  return range.from > range.to ? 'The range ends before it begins.' : range;
}

/** The range as people write it. */
export function printStepRange({ from, to }: StepRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}
