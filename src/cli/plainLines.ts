import { valueAt } from '../../core/columns';
import { formatCount, formatDuration, formatNumber } from '../../core/format';
import { lastStep, newestValue, remainingSeconds } from '../../core/progress';
import type { EvaluationEvent } from '../../core/generated/wire';
import type { RunModel } from '../../core/runModel';
import { accuracyOf } from './picture';
import { oneLine } from './terminalText';

/** What has been told of a run so far. */
export interface Told {
  readonly step: number;
  readonly evaluations: number;
  readonly notices: number;
  readonly stage: string;
}

/** Nothing yet. */
export const nothingTold: Told = { step: 0, evaluations: 0, notices: 0, stage: '' };

const everySteps = 5;

/** Lines for a log or a pipe: what is new since `told`, about one line each five steps. `stage` counts until the first step. */
export function plainLines(model: RunModel, stage: string, told: Told): { lines: string[]; told: Told } {
  const step = lastStep(model);
  const due =
    model.steps.step.length > 0 && (step >= told.step + everySteps || (model.end !== null && step > told.step));
  const starting = model.steps.step.length === 0 && stage !== told.stage && stage !== '';
  const evaluations = model.evaluations.slice(told.evaluations);
  const notices = model.notices.slice(told.notices);
  const evaluated = (event: EvaluationEvent): string => {
    const which = event.checkpoint === 'current' ? '' : `, ${event.checkpoint} checkpoint on the final set`;
    return `step ${event.step}: held-out accuracy ${formatNumber(accuracyOf(event))}${which}`;
  };
  // An evaluation follows the step it is of.
  const lines = [
    ...(starting ? [oneLine(stage)] : []),
    ...evaluations.filter((event) => event.step < step || step === 0).map(evaluated),
    ...(due ? [stepLine(model, step)] : []),
    ...evaluations.filter((event) => event.step >= step && step > 0).map(evaluated),
    ...notices.map((event) => `step ${event.step}: ${oneLine(event.message)}`),
  ];
  return {
    lines,
    told: {
      step: due ? step : told.step,
      evaluations: model.evaluations.length,
      notices: model.notices.length,
      stage,
    },
  };
}

function stepLine(model: RunModel, step: number): string {
  const remaining = remainingSeconds(model);
  const parts = [
    `step ${step}/${model.stepsPlanned ?? '?'}`,
    `reward ${formatNumber(newestValue(model, 'reward/mean'))}`,
    `entropy ${formatNumber(newestValue(model, 'entropy/rollout'))} own, ${formatNumber(newestValue(model, 'entropy/demonstration'))} demo`,
    `w_SFT ${formatNumber(newestValue(model, 'weight/sft'))}`,
    `w_RL ${formatNumber(newestValue(model, 'weight/rl'))}`,
    `${formatCount(valueAt(model.steps.tokens, model.steps.tokens.length - 1))} tokens`,
  ];
  const eta = Number.isNaN(remaining) || model.end !== null ? [] : [`about ${formatDuration(remaining)} to go`];
  return [...parts, ...eta].join('  ');
}
