import { countUpTo, valueAt } from './columns';
import type { OpenExtreme } from './generated/panel';
import { isCurrent, type RolloutIndex } from './rolloutIndex';
import type { Attempt, StepTable } from './runModel';
import type { Trace } from './trace';
import { totalPull } from './traceOverlays';

/** What a peak of a curve is made of, where the index alone says which trace that is. */
export type Extreme = Exclude<OpenExtreme['extreme'], typeof steepest>;
export const extremes: readonly Extreme[] = ['longest', 'most uncertain', 'lowest reward'];

/** A peak that several traces make together: gradients of single traces are not recorded, their pulls are. */
export const steepest = 'highest gradient norm';
export const gradientNorm = 'gradient/norm';

/** The model's own rollout of a range of steps, both ends included, that stands out; of equals the first. */
export function extremeRow(
  index: RolloutIndex,
  attempts: readonly Attempt[],
  fromStep: number,
  toStep: number,
  extreme: Extreme,
): number | undefined {
  let best: number | undefined;
  let most = -Infinity;
  for (let row = 0; row < index.length; row += 1) {
    const step = valueAt(index.numbers.step, row);
    if (!(step >= fromStep && step <= toStep)) continue;
    if (index.kinds[row] !== 'rollout' && index.kinds[row] !== 'hybrid') continue;
    const size = sizeOf(index, row, extreme);
    if (size > most && isCurrent(index, row, attempts)) [best, most] = [row, size];
  }
  return best;
}

function sizeOf({ numbers }: RolloutIndex, row: number, extreme: Extreme): number {
  switch (extreme) {
    case 'longest':
      return valueAt(numbers.tokens, row);
    case 'most uncertain':
      return valueAt(numbers.entropy, row);
    case 'lowest reward':
      return -valueAt(numbers.reward, row);
  }
}

/** The step of a range, both ends included, with the highest gradient norm; of equals the first. */
export function steepestStep(
  { step, metrics }: StepTable,
  fromStep: number,
  toStep: number,
): { readonly step: number; readonly norm: number } | undefined {
  const norms = metrics.get(gradientNorm)?.curve.values;
  if (norms === undefined) return undefined;
  let best: { readonly step: number; readonly norm: number } | undefined;
  const end = countUpTo(step, toStep);
  for (let row = countUpTo(step, fromStep - 1); row < end; row += 1) {
    const norm = valueAt(norms, row);
    if (norm > (best?.norm ?? -Infinity)) best = { step: valueAt(step, row), norm };
  }
  return best;
}

/** The rows that one step trained on. */
export function trainedRows(index: RolloutIndex, attempts: readonly Attempt[], step: number): number[] {
  return Array.from({ length: index.length }, (_, row) => row).filter(
    (row) =>
      valueAt(index.numbers.step, row) === step &&
      trainedKinds.includes(index.kinds[row] ?? '') &&
      isCurrent(index, row, attempts),
  );
}

const trainedKinds = ['rollout', 'hybrid', 'demonstration'];

/** Σ |pull| over the tokens of a trace, the pulls of all terms taken together; undefined where none was stored. */
export function pullSize(trace: Pick<Trace, 'record'>): number | undefined {
  return totalPull(trace)?.reduce((sum, pull) => sum + (Number.isFinite(pull) ? Math.abs(pull) : 0), 0);
}
