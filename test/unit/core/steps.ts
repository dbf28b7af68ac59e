import { emptyRun, fold, type RunModel } from '../../../core/runModel';

/** Values of metrics by step, from step 1 on; a function gives one for each step. */
export type Metrics = Readonly<Record<string, (step: number) => number | null>>;

/** A run of `steps` steps with these metrics, as its events would tell it. */
export function runOf(steps: number, metrics: Metrics): RunModel {
  const model = emptyRun();
  let seq = 0;
  const tell = (event: Readonly<Record<string, unknown>>): void => {
    fold(model, { kind: 'known', event: { seq, time: 1000 + seq, ...event } as never, unknownKeys: [] });
    seq += 1;
  };
  tell({ kind: 'started', attempt: 1, steps });
  for (let step = 1; step <= steps; step += 1) {
    const values = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value(step)]));
    tell({ kind: 'step', step, phase: 'srft', metrics: values, index_bytes: 0, tokens: step * 100 });
  }
  return model;
}

/** One more event of a run made by `runOf`. */
export function tell(model: RunModel, event: Readonly<Record<string, unknown>>): void {
  const seq = model.nextSeq;
  fold(model, { kind: 'known', event: { seq, time: 1000 + seq, ...event } as never, unknownKeys: [] });
}
