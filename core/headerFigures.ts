import type { Alert, Figure } from './generated/panel';
import { evaluationOf, isCurrentEvaluation } from './headerEvaluations';
import { lastStep, valueAtRow } from './progress';
import type { RunModel } from './runModel';

/** A change is told over so many steps. */
const lookBack = 20;

/** The six headline figures: is anything off, at a glance? */
export function figuresOf(model: RunModel, alerts: readonly Alert[]): Figure[] {
  const newest = model.steps.step.length - 1;
  const warned = new Set(alerts.filter(({ toStep }) => toStep === lastStep(model)).map(({ metric }) => metric));
  const figure = (key: string, label: string, unit: string, show: (value: number) => string, scale = 1): Figure => {
    const value = valueAtRow(model, key, newest);
    const before = valueAtRow(model, key, Math.max(0, newest - lookBack));
    const steps = Math.min(lookBack, newest);
    const detail =
      Number.isNaN(value - before) || steps <= 0 ? '' : `${signed((value - before) * scale, show)} in ${steps} steps`;
    return {
      key,
      label,
      value: Number.isFinite(value) ? value : null,
      text: Number.isNaN(value) ? '–' : show(value * scale),
      unit,
      detail,
      metric: key,
      warning: warned.has(key),
    };
  };
  const two = (value: number): string => value.toFixed(2);
  const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
  return [
    heldOutFigure(model),
    figure('reward/mean', 'Mean reward', '', two),
    figure('entropy/rollout', 'Rollout entropy', 'nats', (value) => value.toFixed(Math.abs(value) < 0.1 ? 3 : 2)),
    figure('length/rollout', 'Response length', 'tokens', (value) =>
      Math.abs(value) < 100 ? value.toFixed(1) : whole(value),
    ),
    figure('rollouts/truncated', 'Truncated', '%', (value) => value.toFixed(1), 100),
    figure('tokens_per_second', 'Speed', 'tokens/s', whole),
  ];
}

function heldOutFigure(model: RunModel): Figure {
  const evaluations = model.evaluations.filter(isCurrentEvaluation).flatMap(evaluationOf);
  const newest = evaluations.at(-1);
  const before = evaluations.at(-2);
  const half = newest === undefined ? 0 : ((newest.high - newest.low) / 2) * 100;
  return {
    key: 'heldOut',
    label: 'Held-out accuracy',
    value: newest?.value ?? null,
    text: newest === undefined ? '–' : (newest.value * 100).toFixed(1),
    unit: newest === undefined ? '%' : `% ± ${half.toFixed(1)}`,
    detail:
      newest === undefined || before === undefined
        ? ''
        : `${signed((newest.value - before.value) * 100, (value) => value.toFixed(1))} since step ${before.step}`,
    metric: null,
    warning: false,
  };
}

function signed(value: number, show: (value: number) => string): string {
  return `${value < 0 ? '−' : '+'}${show(Math.abs(value))}`;
}
