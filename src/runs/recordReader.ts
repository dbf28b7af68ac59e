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

/** Whoever opens a long run wants to see its beginning: a panel is made sooner while nothing else is at work. */
const startAfterMs = 220;

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

  /**
   * `script`: the bundle of `recordThread.ts`. A log with no more than `fromBytes` left is read sooner than a thread is
   * made and its columns are handed over.
   */
  constructor(
    private readonly script: string,
    readonly fromBytes = 32 * 1024 * 1024,
  ) {}

  /** Read from `order.state` to the end of the file. `fail` is called instead of the last news. */
  read(order: RecordOrder, tell: (news: RecordNews) => void, fail: (error: Error) => void): RecordReading {
    let worker: Worker | undefined;
    let isCancelled = false;
    const start = (): void => {
      if (isCancelled) return;
      this.free -= 1;
      let isOver = false;
      worker = new Worker(this.script, { workerData: order });
      worker.on('message', (news: RecordNews) => {
        isOver = news.isOver;
        if (!isCancelled) tell(news);
      });
      worker.on('error', (error) => {
        isOver = true;
        if (!isCancelled) fail(error);
      });
      worker.on('exit', () => {
        this.free += 1;
        this.waiting.shift()?.();
        if (!isOver && !isCancelled) fail(new Error(`the reader of ${order.path} ended before its end`));
      });
    };
    const timer = setTimeout(() => {
      if (this.free > 0) start();
      else this.waiting.push(start);
    }, startAfterMs);
    return {
      cancel: () => {
        isCancelled = true;
        clearTimeout(timer);
        void worker?.terminate();
      },
    };
  }
}
