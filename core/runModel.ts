import { assertNever } from './assertNever';
import { append, countUpTo, numberColumn, padTo, truncate, valueAt, type NumberColumn } from './columns';
import { appendValue, curve, truncateCurve, type Curve } from './curves';
import type { LogEntry, UnknownEvent } from './events';
import type {
  CheckpointEvent,
  ControlEvent,
  Device,
  EndReason,
  EvaluationEvent,
  NonFiniteEvent,
  NoticeEvent,
  RunEvent,
  StepEvent,
} from './generated/wire';

/** A run as its events tell it. `fold` owns every buffer in it: it appends to them and never copies a series. */
export interface RunModel {
  /** The `seq` the next event should have. */
  nextSeq: number;
  /** Time of the newest event, seconds since 1970. */
  lastTime: number | null;
  startedAt: number | null;
  stepsPlanned: number | null;
  attempts: Attempt[];
  steps: StepTable;
  phases: PhaseChange[];
  evaluations: EvaluationEvent[];
  checkpoints: CheckpointEvent[];
  /** Steps whose checkpoint was deleted since. */
  removedCheckpoints: Set<number>;
  controls: ControlEvent[];
  nonFinite: NonFiniteEvent[];
  notices: NoticeEvent[];
  end: { readonly step: number; readonly reason: EndReason } | null;
  /** Acknowledged length of `rollouts/index.jsonl`: nothing beyond it is there yet. */
  indexBytes: number;
  oddities: Oddities;
}

/** One start of the trainer. */
export interface Attempt {
  readonly attempt: number;
  /** Steps above it, written by earlier attempts, do not count; null for the first attempt. */
  readonly fromStep: number | null;
  readonly time: number;
  /** Steps of earlier attempts that this one dropped. */
  readonly droppedSteps: number;
  readonly device: Device | null;
  readonly versions: Readonly<Record<string, string>> | null;
}

/** One row a step, in ascending order of step. */
export interface StepTable {
  readonly step: NumberColumn;
  /** Seconds since 1970. */
  readonly time: NumberColumn;
  /** Response tokens since the run began. */
  readonly tokens: NumberColumn;
  /** One curve a metric, as long as `step`; NaN stands for null or not reported. */
  readonly metrics: Map<string, Metric>;
  /** Steps that carried keys this release does not know. */
  extras: { readonly step: number; readonly values: Readonly<Record<string, unknown>> }[];
}

/** One metric over all steps. */
export interface Metric {
  readonly curve: Curve;
  /** The first row that reported it. */
  readonly firstRow: number;
}

/** From row `row` of the step table on, `phase` is at work. */
export interface PhaseChange {
  readonly row: number;
  readonly phase: string;
}

/** What a reader of this release did not understand or expect; shown, never hidden. */
export interface Oddities {
  unknownEvents: UnknownEvent[];
  /** How often each `kind.key` was seen that this release does not know. */
  unknownKeys: Map<string, number>;
  malformedLines: number;
  lastMalformed: string | null;
  /** Events missing between two `seq`. */
  missingEvents: number;
  /** Events seen twice, and steps out of order: left out. */
  repeatedEvents: number;
}

/** A run of which nothing is known yet. */
export function emptyRun(): RunModel {
  return {
    nextSeq: 0,
    lastTime: null,
    startedAt: null,
    stepsPlanned: null,
    attempts: [],
    steps: { step: numberColumn(), time: numberColumn(), tokens: numberColumn(), metrics: new Map(), extras: [] },
    phases: [],
    evaluations: [],
    checkpoints: [],
    removedCheckpoints: new Set(),
    controls: [],
    nonFinite: [],
    notices: [],
    end: null,
    indexBytes: 0,
    oddities: {
      unknownEvents: [],
      unknownKeys: new Map(),
      malformedLines: 0,
      lastMalformed: null,
      missingEvents: 0,
      repeatedEvents: 0,
    },
  };
}

/** Take one more line of the log into the model, in place; returns the same model. */
export function fold(model: RunModel, entry: LogEntry): RunModel {
  if (entry.kind === 'malformed') {
    model.oddities.malformedLines += 1;
    model.oddities.lastMalformed = entry.reason;
    return model;
  }
  if (!takeSequenceNumber(model, entry.event.seq)) return model;
  model.lastTime = entry.event.time;
  if (entry.kind === 'unknown') {
    model.oddities.unknownEvents.push(entry.event);
    // Whatever the kind: an event with this key acknowledges the index so far.
    const reach = entry.event['index_bytes'];
    if (typeof reach === 'number') model.indexBytes = Math.max(model.indexBytes, reach);
    return model;
  }
  countUnknownKeys(model, entry.event.kind, entry.unknownKeys);
  foldKnown(model, entry.event, entry.unknownKeys);
  return model;
}

function takeSequenceNumber(model: RunModel, seq: number): boolean {
  if (seq < model.nextSeq) {
    model.oddities.repeatedEvents += 1;
    return false;
  }
  model.oddities.missingEvents += seq - model.nextSeq;
  model.nextSeq = seq + 1;
  return true;
}

function countUnknownKeys(model: RunModel, kind: string, keys: readonly string[]): void {
  const counts = model.oddities.unknownKeys;
  for (const key of keys) {
    const name = `${kind}.${key}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}

function foldKnown(model: RunModel, event: RunEvent, unknownKeys: readonly string[]): void {
  switch (event.kind) {
    case 'started':
      model.startedAt = event.time;
      model.stepsPlanned = event.steps;
      model.attempts.push(firstAttempt(event.attempt, event.time));
      return;
    case 'resumed':
      foldResumed(model, event);
      return;
    case 'step':
      foldStep(model, event, unknownKeys);
      return;
    case 'phase':
      changePhase(model, event.phase);
      return;
    case 'evaluation':
      putEvaluation(model, event);
      return;
    case 'checkpoint':
      putCheckpoint(model, event);
      return;
    case 'control':
      model.controls.push(event);
      return;
    case 'non_finite':
      model.nonFinite.push(event);
      return;
    case 'notice':
      model.notices.push(event);
      return;
    case 'ended':
      model.end = { step: event.step, reason: event.end };
      return;
    default:
      assertNever(event);
  }
}

function firstAttempt(attempt: number, time: number): Attempt {
  return { attempt, fromStep: null, time, droppedSteps: 0, device: null, versions: null };
}

function foldResumed(model: RunModel, event: Extract<RunEvent, { kind: 'resumed' }>): void {
  const before = model.steps.step.length;
  dropAfter(model, event.from_step);
  model.end = null;
  model.attempts.push({
    attempt: event.attempt,
    fromStep: event.from_step,
    time: event.time,
    droppedSteps: before - model.steps.step.length,
    device: event.device,
    versions: event.versions,
  });
}

function dropAfter(model: RunModel, step: number): void {
  const rows = countUpTo(model.steps.step, step);
  truncate(model.steps.step, rows);
  truncate(model.steps.time, rows);
  truncate(model.steps.tokens, rows);
  for (const [name, metric] of model.steps.metrics) {
    if (metric.firstRow >= rows) model.steps.metrics.delete(name);
    else truncateCurve(metric.curve, rows);
  }
  const upToStep = (item: { readonly step: number }): boolean => item.step <= step;
  model.steps.extras = model.steps.extras.filter(upToStep);
  // A phase may have been announced before its first step, at the row that is now the next one: its step decides.
  model.phases = model.phases.filter((change) => change.row < rows);
  model.evaluations = model.evaluations.filter(upToStep);
  model.checkpoints = model.checkpoints.filter(upToStep);
  model.controls = model.controls.filter(upToStep);
  model.nonFinite = model.nonFinite.filter(upToStep);
  model.notices = model.notices.filter(upToStep);
}

function foldStep(model: RunModel, event: StepEvent, unknownKeys: readonly string[]): void {
  const { steps } = model;
  const row = steps.step.length;
  if (row > 0 && event.step <= valueAt(steps.step, row - 1)) {
    model.oddities.repeatedEvents += 1;
    return;
  }
  append(steps.step, event.step);
  append(steps.time, event.time);
  append(steps.tokens, event.tokens);
  let reported = 0;
  for (const name in event.metrics) {
    putMetric(steps, name, row, event.metrics[name] ?? null);
    reported += 1;
  }
  // A run of 100,000 steps comes here for each of them: most report all that the run has.
  if (reported < steps.metrics.size)
    for (const { curve: known } of steps.metrics.values()) padTo(known.values, row + 1);
  if (unknownKeys.length > 0) steps.extras.push({ step: event.step, values: picked(event, unknownKeys) });
  if (model.phases.at(-1)?.phase !== event.phase) model.phases.push({ row, phase: event.phase });
  model.indexBytes = Math.max(model.indexBytes, event.index_bytes);
}

function putMetric(steps: StepTable, name: string, row: number, value: number | null): void {
  let metric = steps.metrics.get(name);
  if (metric === undefined) {
    metric = { curve: curve(), firstRow: row };
    steps.metrics.set(name, metric);
  }
  padTo(metric.curve.values, row);
  appendValue(metric.curve, value ?? NaN);
}

function changePhase(model: RunModel, phase: string): void {
  if (model.phases.at(-1)?.phase !== phase) model.phases.push({ row: model.steps.step.length, phase });
}

function putEvaluation(model: RunModel, event: EvaluationEvent): void {
  // A resumed attempt may ask the problems of its first step again; the newer answer stands.
  const same = model.evaluations.findIndex(
    (known) => known.step === event.step && known.name === event.name && known.checkpoint === event.checkpoint,
  );
  if (same === -1) model.evaluations.push(event);
  else model.evaluations[same] = event;
  model.indexBytes = Math.max(model.indexBytes, event.index_bytes);
}

function putCheckpoint(model: RunModel, event: CheckpointEvent): void {
  model.checkpoints = model.checkpoints.filter((known) => known.step !== event.step);
  model.checkpoints.push(event);
  model.removedCheckpoints.delete(event.step);
  for (const step of event.removed) model.removedCheckpoints.add(step);
}

function picked(event: StepEvent, keys: readonly string[]): Record<string, unknown> {
  const values = event as unknown as Readonly<Record<string, unknown>>;
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}
