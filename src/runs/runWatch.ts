import { basename } from 'node:path';
import type { Stage } from '../../core/generated/panel';
import type { Read } from '../../core/read';
import { broken, read } from '../../core/read';
import type { Presence } from '../../core/runHeader';
import { watchHeartbeat, type HeartbeatWatch, type Liveness } from './liveness';
import type { RecordReaders } from './recordReader';
import { RunStore } from './runStore';
import { whoRuns } from './whoRuns';

/** What changed in a run since its listeners were told last. */
export interface RunChange {
  readonly events: boolean;
  readonly live: boolean;
  readonly presence: boolean;
  readonly restarted: boolean;
}

/** A run that is looked at again and again, by its files alone: growing, replaced, silent or gone. */
export class RunWatch {
  presence: Presence = 'watching';
  /** Grows when rows seen before lost their meaning. */
  restarts = 0;
  /** What the trainer was busy with before its first step, in order. */
  readonly stages: Stage[] = [];
  /** A long record is read in slices: what is known so far is its beginning. */
  isReading = false;
  private heartbeat: HeartbeatWatch | undefined;
  private stillMs: number | null = null;
  private stageSince = 0;
  private presenceAsked = -Infinity;

  private constructor(readonly store: RunStore) {}

  /** Open a run directory and read the beginning of its record; what is none is refused in words. */
  static async open(directory: string, readers?: RecordReaders): Promise<Read<RunWatch>> {
    const store = await RunStore.open(directory, 0, readers);
    if (store.kind === 'broken') return broken(store.reason);
    const watch = new RunWatch(store.value);
    await watch.look(performance.now(), 0);
    return read(watch);
  }

  /** Name of the run: that of its folder. */
  get name(): string {
    return basename(this.store.directory);
  }

  /** Seconds for which a trainer elsewhere, or a step here, has brought nothing. */
  get stillSeconds(): number | null {
    return this.stillMs === null ? null : this.stillMs / 1000;
  }

  /** Is a trainer at work, as far as can be known? */
  get isAlive(): boolean {
    return this.presence !== 'ended' && this.presence !== 'gone';
  }

  /** Read what is new. `nowMs` is of a clock that never jumps. */
  async look(nowMs: number, forMs = sliceMs): Promise<RunChange> {
    const wasReading = this.isReading;
    const wasState = this.store.status?.state;
    const refreshed = await this.store.refresh(forMs);
    this.isReading = refreshed.more;
    if (refreshed.restarted) this.restarts += 1;
    const presence = await this.lookForTrainer(nowMs, refreshed.status || refreshed.events > 0);
    const staged = this.noteStage(nowMs);
    return {
      // The trainer tells of a pause in its status after the event that answers the request.
      events: refreshed.events > 0 || staged || wasReading !== this.isReading || this.store.status?.state !== wasState,
      live: refreshed.live,
      presence,
      restarted: refreshed.restarted,
    };
  }

  /** Let go of the files. */
  close(): Promise<void> {
    return this.store.close();
  }

  private async lookForTrainer(nowMs: number, isNews: boolean): Promise<boolean> {
    const { status } = this.store;
    const isDue = this.presence !== 'ended' && nowMs - this.presenceAsked >= presenceEveryMs;
    if (status === null || (!isNews && !isDue)) return false;
    this.presenceAsked = nowMs;
    this.heartbeat = watchHeartbeat(this.heartbeat, status, nowMs);
    const before = this.presence;
    const verdict = await whoRuns(status, this.heartbeat, nowMs);
    this.presence = verdict.kind;
    const stillBefore = this.stillMs;
    this.stillMs = stillTime(verdict);
    return before !== this.presence || stillBefore !== this.stillMs;
  }

  /** The stages are those this reader has seen; a run opened later has none, and needs none. */
  private noteStage(nowMs: number): boolean {
    const { status, model } = this.store;
    const isStarting = status !== null && model.steps.step.length === 0 && status.state !== 'ended';
    const current = this.stages.at(-1);
    if (!isStarting) {
      if (current === undefined || current.done) return false;
      current.done = true;
      return true;
    }
    if (current?.name === status.stage) {
      const seconds = Math.floor((nowMs - this.stageSince) / 1000);
      if (seconds === current.seconds) return false;
      current.seconds = seconds;
      return true;
    }
    if (current !== undefined) current.done = true;
    this.stageSince = nowMs;
    this.stages.push({ name: status.stage, seconds: 0, done: false });
    return true;
  }
}

/** So long a question of a panel waits at most while a record is being read. */
const sliceMs = 40;

/** A process is looked up this often, and whenever something came. */
const presenceEveryMs = 2000;

function stillTime(verdict: Liveness): number | null {
  return verdict.kind === 'silent' ? Math.floor(verdict.seconds) * 1000 : null;
}
