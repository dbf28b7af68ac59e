import { valueAt } from './columns';
import type { RunModel } from './runModel';

/** The newest value of a metric; NaN when there is none. */
export function newestValue(model: RunModel, name: string): number {
  return valueAtRow(model, name, model.steps.step.length - 1);
}

/** The value of a metric at a row of the step table. */
export function valueAtRow(model: RunModel, name: string, row: number): number {
  const metric = model.steps.metrics.get(name);
  return metric === undefined ? NaN : valueAt(metric.curve.values, row);
}

/** The last finished step; 0 before the first. */
export function lastStep(model: RunModel): number {
  const value = valueAt(model.steps.step, model.steps.step.length - 1);
  return Number.isNaN(value) ? (model.attempts.at(-1)?.fromStep ?? 0) : value;
}

/** Seconds to the planned end, by the pace of the newest steps; NaN until two steps are done. */
export function remainingSeconds(model: RunModel): number {
  const { step, time } = model.steps;
  const last = step.length - 1;
  const first = Math.max(0, last - paceSteps);
  const seconds = valueAt(time, last) - valueAt(time, first);
  const steps = valueAt(step, last) - valueAt(step, first);
  return steps > 0 ? (seconds / steps) * ((model.stepsPlanned ?? NaN) - lastStep(model)) : NaN;
}

/** Seconds from the first event to the newest. */
export function elapsedSeconds(model: RunModel): number {
  return (model.lastTime ?? NaN) - (model.startedAt ?? NaN);
}

/** Parts of a step's time, in the order they are shown; they sum to `seconds/step`. */
export const ledgerParts = [
  'generate',
  'logprob',
  'reward',
  'train',
  'record',
  'evaluate',
  'checkpoint',
  'other',
] as const;

/** Seconds a part took over the newest `steps` steps. */
export function ledgerSeconds(model: RunModel, part: (typeof ledgerParts)[number], steps: number): number {
  const rows = model.steps.step.length;
  let sum = 0;
  for (let row = Math.max(0, rows - steps); row < rows; row += 1) {
    const seconds = valueAtRow(model, `seconds/${part}`, row);
    if (!Number.isNaN(seconds)) sum += seconds;
  }
  return sum;
}

const paceSteps = 12;
