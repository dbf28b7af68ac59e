import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { EventLogState } from './eventLog';

/** What a reader on another thread is told to do. */
export interface RecordOrder {
  readonly path: string;
  readonly state: EventLogState;
}

/** How far it came. */
export interface RecordNews {
  readonly state: EventLogState;
  readonly count: number;
  readonly restarted: boolean;
  /** Its last word. */
  readonly isOver: boolean;
}

/** Whoever opens a run has so long to say that something else comes first. */
const startAfterMs = 60;

/** A reading that is under way. */
export interface RecordReading {
  /** End it; nothing more is told. */
  cancel(): void;
}

/**
 * Reads long event logs on threads of their own, so that the one that answers questions stays free. No more at a time
 * than leave a core to it; the others wait.
 */
export class RecordReaders {
  private readonly waiting: (() => void)[] = [];
  private free = Math.max(1, availableParallelism() - 1);
  private holds = 0;

  /**
   * `script`: the bundle of `recordThread.ts`. A log with no more than `fromBytes` left is read sooner than a thread is
   * made and its columns are handed over.
   */
  constructor(
    private readonly script: string,
    readonly fromBytes = 32 * 1024 * 1024,
  ) {}

  /** Begin no reading until the result is called: something that a person waits for needs the cores. */
  hold(): () => void {
    this.holds += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.holds -= 1;
      isHeld = false;
      this.startNext();
    };
  }

  /** Read from `order.state` to the end of the file. `fail` is called instead of the last news. */
  read(order: RecordOrder, tell: (news: RecordNews) => void, fail: (error: Error) => void): RecordReading {
    let worker: Worker | undefined;
    let isOver = false;
    const start = (): void => {
      this.free -= 1;
      worker = new Worker(this.script, { workerData: order });
      worker.on('message', (news: RecordNews) => {
        if (!isOver) tell(news);
        isOver ||= news.isOver;
      });
      worker.on('error', (error) => {
        if (!isOver) fail(error);
        isOver = true;
      });
      worker.on('exit', () => {
        this.free += 1;
        this.startNext();
        if (!isOver) fail(new Error(`the reader of ${order.path} ended before its end`));
      });
    };
    const timer = setTimeout(() => {
      this.waiting.push(start);
      this.startNext();
    }, startAfterMs);
    return {
      cancel: () => {
        isOver = true;
        clearTimeout(timer);
        const place = this.waiting.indexOf(start);
        if (place !== -1) this.waiting.splice(place, 1);
        void worker?.terminate();
      },
    };
  }

  private startNext(): void {
    while (this.holds === 0 && this.free > 0) {
      const start = this.waiting.shift();
      if (start === undefined) return;
      start();
    }
  }
}
