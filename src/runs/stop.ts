import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndReason } from '../../core/generated/wire';
import { requestControl } from './control';
import { askToEnd, endTree } from './endProcess';
import { readStatus } from './readStatus';
import { absentAsUndefined } from './tail';
import { trainerProcess } from './trainerProcess';

/** What stopping is at. */
export type StopStage =
  /** The request lies there; the trainer looks at it between steps. */
  | 'requested'
  /** The trainer has taken it, and writes its checkpoint or ends. */
  | 'obeyed'
  | 'asked to end'
  | 'ended by force';

/** A stage, the seconds spent in it, and the seconds after which the next one begins; null where none does. */
export interface StopProgress {
  readonly stage: StopStage;
  readonly seconds: number;
  readonly nextAfter: number | null;
}

/** How a run is stopped. */
export interface StopOptions {
  readonly runDirectory: string;
  /** Who asks, for people. */
  readonly by: string;
  readonly checkpointFirst: boolean;
  readonly signal?: AbortSignal;
  readonly onStage?: (progress: StopProgress) => void;
  readonly patience?: Partial<StopPatience>;
}

/** Seconds before each escalation. */
export interface StopPatience {
  /** For the trainer to take the request. */
  readonly request: number;
  /** For a trainer that has taken it to end: a checkpoint of a large model takes its time. */
  readonly obeyed: number;
  /** After SIGTERM, which also asks for a checkpoint. */
  readonly term: number;
  /** For a process that was ended by force to disappear. */
  readonly kill: number;
}

/** How it came out. */
export type Stopped =
  | { readonly kind: 'ended'; readonly end: EndReason | null }
  /** Its process is gone and wrote no end; the run can be resumed from what it acknowledged. */
  | { readonly kind: 'gone' }
  /** The request lies there; more cannot be done from this machine. */
  | { readonly kind: 'asked'; readonly reason: string }
  /** The person no longer waits; what was asked stands. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly reason: string };

const defaultPatience: StopPatience = { request: 30, obeyed: 300, term: 10, kill: 10 };
const lookMs = 100;

/**
 * Stop a trainer: by request, then by SIGTERM, then by force (Windows: by request, then by force). Signals go only to a
 * process that is known to be this run's trainer; elsewhere the request is all.
 */
export async function stopTrainer(options: StopOptions): Promise<Stopped> {
  const patience = { ...defaultPatience, ...options.patience };
  const status = await readStatus(options.runDirectory);
  if (status.kind === 'broken') return { kind: 'failed', reason: status.reason };
  if (status.value.state === 'ended') return { kind: 'ended', end: status.value.end };
  const before = await trainerProcess(status.value);
  if (before.kind === 'gone') return { kind: 'gone' };
  const request = await requested(options);
  if (request.kind === 'failed' && before.kind === 'unknown') return request;
  if (request.kind === 'asked') {
    const isTaken = (): Promise<boolean> => isAbsent(request.file);
    const taken = await waited('requested', patience.request, options, isTaken);
    if (taken !== 'over' && taken !== 'condition') return taken;
    if (taken === 'condition') {
      const ended = await waited('obeyed', patience.obeyed, options);
      if (ended !== 'over' && ended !== 'condition') return ended;
    }
  }
  return escalated(options, patience);
}

async function escalated(options: StopOptions, patience: StopPatience): Promise<Stopped> {
  // Looked up anew: the pid may be another's by now, or another attempt's.
  const status = await readStatus(options.runDirectory);
  if (status.kind === 'broken') return { kind: 'failed', reason: status.reason };
  const found = await trainerProcess(status.value);
  if (found.kind === 'gone') return goneOrEnded(options.runDirectory);
  if (found.kind === 'unknown')
    return { kind: 'asked', reason: `${found.reason}; the request lies in its folder control` };
  if (process.platform !== 'win32') {
    const sent = askToEnd(found.pid);
    if (sent.kind === 'refused')
      return { kind: 'failed', reason: `process ${found.pid} cannot be ended: ${sent.reason}` };
    const ended = await waited('asked to end', patience.term, options);
    if (ended !== 'over' && ended !== 'condition') return ended;
  }
  const still = await trainerProcess(status.value);
  if (still.kind !== 'here') return goneOrEnded(options.runDirectory);
  const killed = await endTree(still.pid);
  if (killed.kind === 'refused')
    return { kind: 'failed', reason: `process ${still.pid} cannot be ended: ${killed.reason}` };
  const ended = await waited('ended by force', patience.kill, options);
  if (ended !== 'over' && ended !== 'condition') return ended;
  return {
    kind: 'failed',
    reason: `process ${still.pid} was ended by force and is still there; it may wait for a disk or a GPU driver`,
  };
}

/** Wait in a stage until the run has ended, `condition` holds, or the patience is over. */
async function waited(
  stage: StopStage,
  seconds: number,
  { runDirectory, signal, onStage }: StopOptions,
  condition: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<Stopped | 'over' | 'condition'> {
  const since = performance.now();
  for (let told = -1; ;) {
    const spent = (performance.now() - since) / 1000;
    const whole = Math.floor(spent);
    if (whole > told) onStage?.({ stage, seconds: whole, nextAfter: stage === 'ended by force' ? null : seconds });
    told = Math.max(told, whole);
    const status = await readStatus(runDirectory);
    if (status.kind === 'broken') return { kind: 'failed', reason: status.reason };
    if (status.value.state === 'ended') return { kind: 'ended', end: status.value.end };
    if ((await trainerProcess(status.value)).kind === 'gone') return goneOrEnded(runDirectory);
    if (await condition()) return 'condition';
    if (signal?.aborted === true) return { kind: 'cancelled' };
    if (spent >= seconds) return 'over';
    await sleep(lookMs);
  }
}

/** The trainer writes its end just before it goes: between two looks both may have happened. */
async function goneOrEnded(runDirectory: string): Promise<Stopped> {
  const last = await readStatus(runDirectory);
  const hasEnded = last.kind === 'read' && last.value.state === 'ended';
  return hasEnded ? { kind: 'ended', end: last.value.end } : { kind: 'gone' };
}

async function requested(
  options: StopOptions,
): Promise<{ readonly kind: 'asked'; readonly file: string } | { readonly kind: 'failed'; readonly reason: string }> {
  try {
    const wishes = options.checkpointFirst ? { checkpoint: true } : {};
    const name = await requestControl(options.runDirectory, 'stop', options.by, wishes);
    return { kind: 'asked', file: join(options.runDirectory, 'control', `${name}.json`) };
  } catch (error) {
    // A full disk must not keep anybody from stopping: the signals are left.
    return {
      kind: 'failed',
      reason: `the request could not be written: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

async function isAbsent(path: string): Promise<boolean> {
  return (await absentAsUndefined(stat(path))) === undefined;
}
