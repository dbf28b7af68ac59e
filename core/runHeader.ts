import { alertsOf, type AlertThresholds } from './alerts';
import { valueAt } from './columns';
import type { Alert, Failure, LaneItem, RunHeader, RunState, Stage } from './generated/panel';
import { formatVersion } from './generated/wireFacts';
import type { RunManifest, Status } from './generated/wire';
import { evaluationOf, summaryOf } from './headerEvaluations';
import { figuresOf } from './headerFigures';
import { elapsedSeconds, lastStep, newestValue, remainingSeconds } from './progress';
import type { RunModel } from './runModel';
import { checkFormat } from './version';
import { visibleWords } from './visibleWords';

/** Who runs, as far as the reader can know, or that its record is still being read; see `src/runs/liveness.ts`. */
export type Presence = 'reading' | 'running' | 'ended' | 'gone' | 'silent' | 'watching';

/** What a header is made from. */
export interface HeaderSource {
  readonly name: string;
  readonly manifest: RunManifest;
  readonly model: RunModel;
  readonly status: Status | null;
  readonly presence: Presence;
  /** For how long nothing came, by the reader's clock. */
  readonly stillSeconds: number | null;
  readonly stages: readonly Stage[];
  readonly indexRows: number;
  readonly restarts: number;
  readonly thresholds: AlertThresholds;
  readonly dismissed: ReadonlySet<string>;
  readonly troubles: readonly string[];
  /** Requests reach the trainer, and this window may make them. */
  readonly canControl: boolean;
  readonly canStart: boolean;
}

/** A run without its curves and rollouts, as panels, trees and the status bar show it. */
export function runHeader(source: HeaderSource): RunHeader {
  const { model, manifest, status } = source;
  const state = stateOf(source);
  const alerts = alertsOf(model, source.thresholds);
  const isOver = hasEnded(state);
  return {
    // Shown where no markup can set it apart: in tabs, trees and notifications.
    name: visibleWords(source.name),
    runId: manifest.run_id,
    attempt: model.attempts.at(-1)?.attempt ?? 1,
    state,
    stateText: stateWords(state, source),
    stages: [...source.stages],
    step: lastStep(model),
    steps: model.stepsPlanned ?? status?.steps ?? null,
    elapsedSeconds: finite(elapsedSeconds(model)),
    remainingSeconds: isOver ? null : finite(remainingSeconds(model)),
    stillSeconds: source.stillSeconds,
    tokensPerSecond: finite(newestValue(model, 'tokens_per_second')),
    device: deviceWords(source),
    method: model.phases.at(-1)?.phase ?? '',
    rows: model.steps.step.length,
    indexRows: source.indexRows,
    restarts: source.restarts,
    metrics: [...model.steps.metrics.keys()],
    figures: figuresOf(model, alerts),
    evaluations: model.evaluations.flatMap(evaluationOf),
    lane: laneOf(model, alerts),
    alerts: alerts.filter((alert) => !source.dismissed.has(alert.id)),
    phases: model.phases.map(({ row, phase }) => ({ step: stepOfRow(model, row), name: phase })),
    floors: { entropy: source.thresholds.entropyFloor },
    failure: failureOf(model, state),
    summary: summaryOf(model),
    recipe: flattened(manifest.recipe),
    oddities: odditiesOf(model, source.troubles),
    newerMinor: isNewerMinor(manifest.format),
    canControl: source.canControl && !isOver,
    canResume: source.canStart && isOver && state !== 'finished' && model.checkpoints.length > 0,
    forkSteps: source.canStart ? keptCheckpoints(model) : [],
  };
}

/** Has the run come to an end, whatever the way? */
export function hasEnded(state: RunState): boolean {
  return state === 'finished' || state === 'stopped' || state === 'failed' || state === 'gone';
}

/** The end comes from an event; a process that is missing without one is another state. */
function stateOf({ model, status, presence }: HeaderSource): RunState {
  if (presence === 'reading') return 'starting';
  if (model.end !== null) return endState(model.end.reason.kind);
  if (presence === 'ended' || presence === 'gone') return 'gone';
  if (presence === 'silent' || presence === 'watching') return presence;
  switch (status?.state) {
    case 'paused':
    case 'stopping':
      return status.state;
    case 'ended':
      return 'gone';
    case 'starting':
    case 'running':
    case undefined:
      return model.steps.step.length === 0 ? 'starting' : 'running';
  }
}

function endState(kind: 'finished' | 'stopped' | 'failed' | 'stopped_on_collapse'): RunState {
  return kind === 'stopped_on_collapse' ? 'stopped' : kind;
}

function stateWords(state: RunState, source: HeaderSource): string {
  switch (state) {
    case 'starting':
      return source.presence === 'reading' ? 'Reading its record' : 'Starting';
    case 'running':
      return 'Running';
    case 'paused':
      return 'Paused';
    case 'stopping':
      return 'Stopping at the next safe point';
    case 'finished':
      return 'Finished';
    case 'stopped':
      return source.model.end?.reason.kind === 'stopped_on_collapse' ? 'Stopped on collapse' : 'Stopped';
    case 'failed':
      return 'Stopped by an error';
    case 'gone':
      return 'Ended without a word: its process is gone';
    case 'silent':
      return `No sign of life for ${Math.round(source.stillSeconds ?? 0)} s`;
    case 'watching':
      return 'Runs elsewhere; waiting for a sign of life';
  }
}

function deviceWords({ manifest, model }: HeaderSource): string {
  const { name, kind, count } = model.attempts.at(-1)?.device ?? manifest.device;
  return visibleWords(`${count > 1 ? `${count} × ` : ''}${name === '' ? kind : name}`);
}

function laneOf(model: RunModel, alerts: readonly Alert[]): LaneItem[] {
  const items: LaneItem[] = [
    ...model.checkpoints.map(({ step, best, accuracy }): LaneItem => ({
      step,
      mark: best ? 'best' : 'checkpoint',
      text: `Checkpoint of step ${step}${best ? ', the best so far' : ''}${accuracy === null ? '' : `: ${(accuracy * 100).toFixed(1)} % held-out`}${model.removedCheckpoints.has(step) ? ' (deleted since)' : ''}`,
    })),
    ...alerts.map(({ fromStep, fact }): LaneItem => ({ step: fromStep, mark: 'alert', text: fact })),
    ...model.attempts
      .filter(({ fromStep }) => fromStep !== null)
      .map(({ attempt, fromStep, droppedSteps }): LaneItem => ({
        step: fromStep ?? 0,
        mark: 'resumed',
        text: `Attempt ${attempt} resumed from step ${fromStep ?? 0}${droppedSteps > 0 ? `; ${droppedSteps} later steps were dropped` : ''}`,
      })),
    ...model.phases.slice(1).map(({ row, phase }): LaneItem => ({
      step: stepOfRow(model, row),
      mark: 'phase',
      text: `From here on: ${phase}`,
    })),
    ...model.notices.map(({ step, message }): LaneItem => ({ step, mark: 'notice', text: message })),
    ...model.controls.map(({ step, asked, outcome, reason }): LaneItem => ({
      step,
      mark: 'control',
      text: `${asked}: ${outcome}${reason === null ? '' : ` (${reason})`}`,
    })),
  ];
  const { end } = model;
  if (end !== null) items.push({ step: end.step, mark: 'end', text: end.reason.message ?? end.reason.kind });
  return items.sort((a, b) => a.step - b.step);
}

/** A step that was saved twice, before and after a resume, is one. */
function keptCheckpoints({ checkpoints, removedCheckpoints }: RunModel): number[] {
  const steps = new Set(checkpoints.map(({ step }) => step));
  return [...steps].filter((step) => !removedCheckpoints.has(step)).sort((a, b) => a - b);
}

/** A phase may be announced before its first step is done. */
function stepOfRow(model: RunModel, row: number): number {
  const step = valueAt(model.steps.step, row);
  return Number.isNaN(step) ? lastStep(model) + 1 : step;
}

function failureOf(model: RunModel, state: RunState): Failure | null {
  const newest = model.checkpoints.at(-1)?.step;
  const remedy =
    newest === undefined
      ? 'There is no checkpoint to resume from: start it again.'
      : `Resume goes on from step ${newest}.`;
  if (state === 'gone') {
    return {
      message: `The trainer's process is gone, and it wrote no end; steps up to ${lastStep(model)} are whole.`,
      remedy,
    };
  }
  const reason = model.end?.reason;
  if (reason?.kind !== 'failed' && reason?.kind !== 'stopped_on_collapse') return null;
  return { message: reason.message ?? 'The trainer gave no reason; its log may.', remedy };
}

function odditiesOf({ oddities }: RunModel, troubles: readonly string[]): string[] {
  const { unknownEvents, unknownKeys, missingEvents, repeatedEvents } = oddities;
  const kinds = [...new Set(unknownEvents.map(({ kind }) => kind))];
  return [
    ...troubles,
    ...(kinds.length === 0
      ? []
      : [`${unknownEvents.length} events of kinds this release does not know: ${kinds.join(', ')}`]),
    ...(unknownKeys.size === 0 ? [] : [`keys this release does not know: ${[...unknownKeys.keys()].join(', ')}`]),
    ...(missingEvents === 0 ? [] : [`${missingEvents} events are missing`]),
    ...(repeatedEvents === 0 ? [] : [`${repeatedEvents} events came twice and were left out`]),
  ];
}

function isNewerMinor(format: string): boolean {
  const theirs = checkFormat(format, 'run.json');
  const ours = checkFormat(formatVersion, 'this release');
  return theirs.kind === 'readable' && ours.kind === 'readable' && theirs.minor > ours.minor;
}

/** The recipe as `key: value` lines with dotted keys, in its own order. */
export function flattened(recipe: Readonly<Record<string, unknown>>): { key: string; value: string }[] {
  const lines: { key: string; value: string }[] = [];
  const walk = (value: unknown, key: string): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) walk(inner, key === '' ? name : `${key}.${name}`);
    } else lines.push({ key, value: typeof value === 'string' ? value : JSON.stringify(value) });
  };
  walk(recipe, '');
  return lines;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The header of a run that has no files yet: its trainer is being started. */
export function startingHeader(
  name: string,
  stages: readonly Stage[],
  failure: Failure | null,
  canStop: boolean,
): RunHeader {
  return {
    name,
    runId: '',
    attempt: 1,
    state: failure === null ? 'starting' : 'failed',
    stateText: failure === null ? 'Starting' : 'Did not start',
    stages: [...stages],
    step: 0,
    steps: null,
    elapsedSeconds: null,
    remainingSeconds: null,
    stillSeconds: null,
    tokensPerSecond: null,
    device: '',
    method: '',
    rows: 0,
    indexRows: 0,
    restarts: 0,
    metrics: [],
    figures: [],
    evaluations: [],
    lane: [],
    alerts: [],
    phases: [],
    floors: { entropy: null },
    failure,
    summary: [],
    recipe: [],
    oddities: [],
    newerMinor: false,
    canControl: canStop,
    canResume: false,
    forkSteps: [],
  };
}
