import type { RecordReaders } from './recordReader';
import { RunWatch, type RunChange } from './runWatch';
import type { Read } from '../../core/read';

/** Told after something new was read of a run. */
export type RunListener = (run: RunWatch, change: RunChange) => void;

/** How closely a run is followed. */
export type Attention =
  /** A panel shows it. */
  | 'close'
  /** It is in the tree and the status bar. */
  | 'loose';

interface Followed {
  readonly run: RunWatch;
  close: number;
  due: number;
  /** Looks in a row that brought nothing. */
  quiet: number;
}

const closeMs = 100;
const looseMs = 1000;
/** Nothing has come for a while: the next look may wait. */
const quietMs = 3000;
const quietLooks = 10;
/** A run that has ended may be resumed from a shell. */
const endedMs = 5000;

/**
 * Follows many runs with one timer, by looking at their files: a watcher of the system is unreliable on network disks
 * and costly on files that grow.
 */
export class RunWatches {
  private readonly followed = new Map<string, Followed>();
  private readonly opening = new Map<string, Promise<Read<RunWatch>>>();
  private readonly listeners = new Set<RunListener>();
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;
  private isOver = false;

  /** `readers` take over what is long. */
  constructor(
    private readonly report: (error: unknown, directory: string) => void,
    private readonly readers?: RecordReaders,
  ) {}

  /** The runs that are followed now. */
  get runs(): readonly RunWatch[] {
    return [...this.followed.values()].map(({ run }) => run);
  }

  /** The run of a directory, if it is followed. */
  of(directory: string): RunWatch | undefined {
    return this.followed.get(directory)?.run;
  }

  /** Follow a run from now on; the same directory is opened once. */
  open(directory: string): Promise<Read<RunWatch>> {
    const known = this.of(directory);
    if (known !== undefined) return Promise.resolve({ kind: 'read', value: known });
    const opening = this.opening.get(directory) ?? this.openNew(directory);
    this.opening.set(directory, opening);
    return opening;
  }

  /** Look at a run ten times a second until the result is called. */
  attend(run: RunWatch): () => void {
    const entry = this.followed.get(run.store.directory);
    if (entry === undefined) return () => undefined;
    entry.close += 1;
    entry.due = 0;
    this.schedule();
    let isHeld = true;
    return () => {
      if (isHeld) entry.close -= 1;
      isHeld = false;
    };
  }

  /** Follow a run no longer. */
  async forget(directory: string): Promise<void> {
    const entry = this.followed.get(directory);
    this.followed.delete(directory);
    await entry?.run.close();
  }

  /** Call `listener` with every change; the result ends that. */
  listen(listener: RunListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Let go of everything. */
  async close(): Promise<void> {
    this.isOver = true;
    clearTimeout(this.timer);
    await Promise.all([...this.followed.keys()].map((directory) => this.forget(directory)));
  }

  private async openNew(directory: string): Promise<Read<RunWatch>> {
    try {
      const opened = await RunWatch.open(directory, this.readers);
      if (opened.kind === 'broken') return opened;
      if (this.isOver) await opened.value.close();
      else this.follow(opened.value);
      return opened;
    } finally {
      this.opening.delete(directory);
    }
  }

  private follow(run: RunWatch): void {
    const entry = { run, close: 0, due: 0, quiet: 0 };
    this.followed.set(run.store.directory, entry);
    run.store.onReadOn = () => {
      entry.due = 0;
      this.schedule();
    };
    this.schedule();
  }

  private schedule(): void {
    if (this.isOver || this.isLooking) return;
    clearTimeout(this.timer);
    const due = Math.min(...[...this.followed.values()].map((entry) => entry.due));
    if (!Number.isFinite(due)) return;
    this.timer = setTimeout(() => void this.lookAtDue(), Math.max(0, due - performance.now()));
  }

  private async lookAtDue(): Promise<void> {
    this.isLooking = true;
    const now = performance.now();
    // A record that a panel shows is read to its end before those that nobody looks at.
    const isShownRead = [...this.followed.values()].some(({ run, close }) => close > 0 && run.isReading);
    for (const entry of [...this.followed.values()]) {
      const waits = isShownRead && entry.close === 0 && entry.run.isReading;
      if (entry.due <= now && !waits && !this.hasEnded()) await this.lookAt(entry);
    }
    this.isLooking = false;
    this.schedule();
  }

  private hasEnded(): boolean {
    return this.isOver;
  }

  private async lookAt(entry: Followed): Promise<void> {
    const { run } = entry;
    try {
      const change = await run.look(performance.now());
      const isNews = change.events || change.live || change.presence || change.restarted;
      // The seconds of a silence are told, and are no sign of life.
      entry.quiet = change.events || change.live || change.restarted ? 0 : entry.quiet + 1;
      if (isNews) for (const listener of this.listeners) listener(run, change);
    } catch (error) {
      this.report(error, run.store.directory);
    }
    const interval = intervalOf(entry);
    // On a common grid: one wake-up looks at all of them.
    entry.due = (Math.floor(performance.now() / interval) + 1) * interval;
  }
}

function intervalOf({ run, close, quiet }: Followed): number {
  if (run.isReading) return run.store.isReadElsewhere ? closeMs : 1;
  if (!run.isAlive) return endedMs;
  if (close > 0) return closeMs;
  return quiet < quietLooks ? looseMs : quietMs;
}
