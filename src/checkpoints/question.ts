import { problemOf } from './failure';
import type { Scores, ScoreRequest, WriteRequest, Written } from './languageModel';
import type { FromModel, ToModel, WrittenColumns } from './protocol';

/** Who asks: a person who waits is served before what runs by itself. */
export type Priority = 'user' | 'background';

/** How a question is asked. */
export interface Asking {
  readonly signal?: AbortSignal;
  /** `user` where it is not said. */
  readonly priority?: Priority;
}

/** What is asked of a checkpoint. */
export type Wish =
  | { readonly kind: 'load' }
  | {
      readonly kind: 'score';
      readonly request: ScoreRequest;
      readonly onProgress: ((tokens: number) => void) | undefined;
    }
  | { readonly kind: 'write'; readonly request: WriteRequest; readonly onTokens: (tokens: readonly Written[]) => void };

/** What it answers; `load` with the provider that computes. */
export type Reply =
  | { readonly kind: 'load'; readonly provider: string }
  | { readonly kind: 'score'; readonly scores: Scores }
  | { readonly kind: 'write' };

/** One question: settled once, and silent afterwards. It can be asked again of a new process, and repeats nothing. */
export class Question {
  readonly priority: Priority;
  readonly reply: Promise<Reply>;
  private resolve!: (reply: Reply) => void;
  private refuse!: (reason: unknown) => void;
  private scored = 0;
  private readonly seen = new Map<number, number>();
  private skipped = new Map<number, number>();
  private isOver = false;

  /** `onAbort` is told when the signal ended it, after the asker was. */
  constructor(
    readonly id: number,
    readonly wish: Wish,
    readonly name: string,
    private readonly asking: Asking,
    private readonly onAbort: (question: Question) => void,
  ) {
    this.priority = asking.priority ?? 'user';
    this.reply = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.refuse = reject;
    });
    asking.signal?.addEventListener('abort', this.abort, { once: true });
  }

  /** Nobody waits for it any more. */
  get isSettled(): boolean {
    return this.isOver;
  }

  /** The message that asks it; null for what is answered by loading alone. */
  message(): ToModel | null {
    this.skipped = new Map();
    const { id, wish } = this;
    return wish.kind === 'load' ? null : ({ kind: wish.kind, id, request: wish.request } as ToModel);
  }

  /** Take a message about this question. Returns whether it was the last one. */
  take(
    message: Exclude<Extract<FromModel, { id: number }>, { kind: 'stopped' }>,
    log: (text: string) => void,
  ): boolean {
    switch (message.kind) {
      case 'progress':
        this.report(message.tokens);
        return false;
      case 'written':
        this.hand(message.tokens);
        return false;
      case 'scored':
        this.settle({ kind: 'score', scores: message.scores });
        return true;
      case 'done':
        this.settle({ kind: 'write' });
        return true;
      case 'failed':
        this.reject(problemOf(message.failure, this.name, log));
        return true;
    }
  }

  settle(reply: Reply): void {
    if (this.over()) this.resolve(reply);
  }

  reject(reason: unknown): void {
    if (this.over()) this.refuse(reason);
  }

  private readonly abort = (): void => {
    this.reject(this.asking.signal?.reason);
    this.onAbort(this);
  };

  private over(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.asking.signal?.removeEventListener('abort', this.abort);
    return true;
  }

  private report(tokens: number): void {
    if (this.isOver || this.wish.kind !== 'score' || tokens <= this.scored) return;
    const { onProgress } = this.wish;
    this.scored = tokens;
    this.tell(() => onProgress?.(tokens));
  }

  /** A continuation follows from its seeds, so a second process begins with what the first one wrote. */
  private hand(columns: WrittenColumns): void {
    if (this.isOver || this.wish.kind !== 'write') return;
    const fresh = rowsOf(columns).filter(({ row }) => {
      const skipped = this.skipped.get(row) ?? 0;
      const seen = this.seen.get(row) ?? 0;
      this.skipped.set(row, skipped + 1);
      if (skipped < seen) return false;
      this.seen.set(row, seen + 1);
      return true;
    });
    const { onTokens } = this.wish;
    if (fresh.length > 0) {
      this.tell(() => {
        onTokens(fresh);
      });
    }
  }

  /** An asker that cannot take what it asked for is told its own error, and nobody else is. */
  private tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reject(error);
      this.onAbort(this);
    }
  }
}

function rowsOf({ row, id, logProb, entropy }: WrittenColumns): Written[] {
  return Array.from(row, (value, at) => ({
    row: value,
    id: id[at] ?? 0,
    logProb: logProb[at] ?? NaN,
    entropy: entropy[at] ?? NaN,
  }));
}
