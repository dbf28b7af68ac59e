import type { Evaluation, SummaryRow } from './generated/panel';
import type { EvaluationEvent } from './generated/wire';
import type { RunModel } from './runModel';

/** A pass over the held-out set with the weights of its step. */
export function isCurrentEvaluation({ name, checkpoint }: EvaluationEvent): boolean {
  return name === 'evaluation' && checkpoint === 'current';
}

/** Its greedy accuracy; none where it has none. */
export function evaluationOf({ step, name, checkpoint, greedy }: EvaluationEvent): Evaluation[] {
  const accuracy = greedy['accuracy'];
  return accuracy === undefined ? [] : [{ step, name, checkpoint, ...accuracy }];
}

/** The first and the newest held-out evaluation, the best between them, and those of the final set. */
export function summaryOf(model: RunModel): SummaryRow[] {
  const current = model.evaluations.filter(isCurrentEvaluation);
  const first = current[0];
  const last = current.at(-1);
  const best = current.reduce<EvaluationEvent | undefined>(
    (found, event) => (accuracy(event) > accuracy(found) ? event : found),
    undefined,
  );
  const chosen = [first, best, last].filter((event, place, all) => event !== undefined && all.indexOf(event) === place);
  const rows = chosen.map((event) =>
    summaryRow(event, event === first && event?.step === 0 ? 'base model' : `step ${event?.step ?? 0}`, event === best),
  );
  const finals = model.evaluations
    .filter(({ name }) => name === 'final_evaluation')
    .map((event) => summaryRow(event, `${event.checkpoint}, final set`, false));
  return [...rows, ...finals];
}

function accuracy(event: EvaluationEvent | undefined): number {
  return event?.greedy['accuracy']?.value ?? -1;
}

function summaryRow(event: EvaluationEvent | undefined, label: string, best: boolean): SummaryRow {
  const interval = event?.greedy['accuracy'];
  const metric = (name: string, show: (value: number) => string): string => {
    const value = event?.metrics[name];
    return typeof value === 'number' ? show(value) : '–';
  };
  return {
    label,
    accuracy:
      interval === undefined
        ? '–'
        : `${(interval.value * 100).toFixed(1)} % (${(interval.low * 100).toFixed(1)}–${(interval.high * 100).toFixed(1)})`,
    entropy: metric('entropy', (value) => value.toFixed(3)),
    length: metric('length', (value) => value.toFixed(1)),
    truncated: metric('truncated', (value) => `${(value * 100).toFixed(1)} %`),
    best,
  };
}
