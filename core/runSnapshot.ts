import { columnOf, valuesOf } from './columns';
import { curve } from './curves';
import type { RunModel, StepTable } from './runModel';

/** A copy of a model as plain values and typed arrays that `structuredClone` and messages can carry. */
export interface RunSnapshot extends Omit<RunModel, 'steps'> {
  readonly steps: {
    readonly step: Float64Array;
    readonly time: Float64Array;
    readonly tokens: Float64Array;
    readonly metrics: ReadonlyMap<string, { readonly values: Float64Array; readonly firstRow: number }>;
    readonly extras: StepTable['extras'];
  };
}

/** `fold(restore(snapshot(model)), rest)` equals folding everything. */
export function snapshot(model: RunModel): RunSnapshot {
  const { step, time, tokens, metrics, extras } = model.steps;
  const copies = new Map(
    [...metrics].map(([name, metric]) => [name, { values: valuesOf(metric.curve.values), firstRow: metric.firstRow }]),
  );
  return {
    ...ownedParts(model),
    steps: {
      step: valuesOf(step),
      time: valuesOf(time),
      tokens: valuesOf(tokens),
      metrics: copies,
      extras: [...extras],
    },
  };
}

/** A model that shares no buffer with the snapshot. */
export function restore(source: RunSnapshot): RunModel {
  const { step, time, tokens, metrics, extras } = source.steps;
  const curves = new Map(
    [...metrics].map(([name, metric]) => [name, { curve: curve(columnOf(metric.values)), firstRow: metric.firstRow }]),
  );
  return {
    ...ownedParts(source),
    steps: {
      step: columnOf(step),
      time: columnOf(time),
      tokens: columnOf(tokens),
      metrics: curves,
      extras: [...extras],
    },
  };
}

function ownedParts(source: Omit<RunModel, 'steps'>): Omit<RunModel, 'steps'> {
  const { oddities } = source;
  return {
    nextSeq: source.nextSeq,
    lastTime: source.lastTime,
    startedAt: source.startedAt,
    stepsPlanned: source.stepsPlanned,
    attempts: [...source.attempts],
    phases: [...source.phases],
    evaluations: [...source.evaluations],
    checkpoints: [...source.checkpoints],
    removedCheckpoints: new Set(source.removedCheckpoints),
    controls: [...source.controls],
    nonFinite: [...source.nonFinite],
    notices: [...source.notices],
    end: source.end,
    indexBytes: source.indexBytes,
    oddities: {
      ...oddities,
      unknownEvents: [...oddities.unknownEvents],
      unknownKeys: new Map(oddities.unknownKeys),
    },
  };
}
