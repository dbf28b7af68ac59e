import type { Scores, ScoreRequest, WriteRequest, Written } from './languageModel';
import { ModelSeat, type ModelSource, type SeatRules } from './modelSeat';
import { Question, type Asking, type Reply, type Wish } from './question';

/** Threads of one checkpoint, so that training on the same processor is not starved. */
export const defaultThreads = 2;

export interface ModelHostOptions extends Pick<SeatRules, 'entry' | 'idleMs' | 'onNotice' | 'onLog'> {
  /** Checkpoints that are loaded at the same time; the one that was not asked for longest makes room. */
  readonly most?: number;
  /** How long an aborted question may go on computing before its process is ended. */
  readonly hangMs?: number;
}

/**
 * A checkpoint that can be asked. It is loaded by the first question, and again after it was freed.
 * Each question rejects with its signal's reason as soon as that is aborted, else with a CheckpointProblem.
 */
export interface OpenModel {
  /** Loads it, if that has not been done; what computes is its answer, such as `cpu`. */
  load(asking?: Asking): Promise<string>;
  /** `onProgress` is told how many tokens are scored. */
  score(request: ScoreRequest, asking?: Asking & { readonly onProgress?: (tokens: number) => void }): Promise<Scores>;
  /** Resolves when all rows have ended. Tokens come as they are written, in the order of each row. */
  write(
    request: WriteRequest,
    asking: Asking & { readonly onTokens: (tokens: readonly Written[]) => void },
  ): Promise<void>;
}

const mostLoaded = 3;
const defaultHangMs = 3000;

/**
 * Asks checkpoints in processes of their own: one for each that is loaded, questions one after the other within it.
 * The owner of a host disposes it.
 */
export class ModelHost {
  private readonly seats = new Map<string, ModelSeat>();
  /** Those that may not start yet, first come first served. */
  private readonly held = new Set<ModelSeat>();
  private readonly most: number;
  private readonly rules: SeatRules;
  private lastId = 0;
  private isMakingRoom = false;
  private isDisposed = false;

  constructor({ most = mostLoaded, hangMs = defaultHangMs, ...rest }: ModelHostOptions) {
    this.most = most;
    this.rules = {
      ...rest,
      hangMs,
      mayStart: (seat) => this.mayStart(seat),
      onRest: () => {
        this.tidy();
      },
    };
  }

  /** Starts nothing yet. */
  open(source: ModelSource): OpenModel {
    return {
      load: async (asking = {}) => (await this.ask(source, { kind: 'load' }, asking)).provider,
      score: async (request, asking = {}) =>
        (await this.ask(source, { kind: 'score', request, onProgress: asking.onProgress }, asking)).scores,
      write: async (request, asking) => {
        await this.ask(source, { kind: 'write', request, onTokens: asking.onTokens }, asking);
      },
    };
  }

  /** Whether a checkpoint is loaded, or being loaded. */
  isLoaded(key: string): boolean {
    return this.seats.get(key)?.isAsleep === false;
  }

  /** How many checkpoints are loaded, or being loaded. */
  get loaded(): number {
    return [...this.seats.values()].filter(({ isAsleep }) => !isAsleep).length;
  }

  /** Of the processes that there are, for the log. */
  get processIds(): readonly number[] {
    return [...this.seats.values()].map(({ processId }) => processId).filter((pid) => pid !== undefined);
  }

  /** End all processes at once; whoever waits for an answer is told that it was cancelled. */
  dispose(): void {
    this.isDisposed = true;
    for (const seat of [...this.seats.values()]) seat.close(cancelled());
  }

  private async ask<W extends Wish>(
    source: ModelSource,
    wish: W,
    asking: Asking,
  ): Promise<Extract<Reply, { kind: W['kind'] }>> {
    asking.signal?.throwIfAborted();
    if (this.isDisposed) throw cancelled();
    const seat = this.seatOf(source);
    this.lastId += 1;
    const question = new Question(this.lastId, wish, source.name, asking, (aborted) => {
      seat.abandon(aborted);
      this.tidy();
    });
    seat.ask(question);
    return (await question.reply) as Extract<Reply, { kind: W['kind'] }>;
  }

  private seatOf(source: ModelSource): ModelSeat {
    const seat = this.seats.get(source.key) ?? new ModelSeat(source, this.rules);
    this.seats.set(source.key, seat);
    return seat;
  }

  private mayStart(seat: ModelSeat): boolean {
    this.held.delete(seat);
    if (!this.isMakingRoom && this.loaded >= this.most) this.makeRoom(seat);
    if (!this.isMakingRoom && this.loaded < this.most) return true;
    this.held.add(seat);
    return false;
  }

  /** Ends a process that does nothing, else one that nobody waits for where a person waits for `seat`. */
  private makeRoom(seat: ModelSeat): void {
    const awake = [...this.seats.values()].filter(({ isAsleep }) => !isAsleep);
    const [oldest] = [
      ...awake.filter(({ waitedFor }) => waitedFor === 'nobody').sort(byUse),
      ...(seat.waitedFor === 'user' ? awake.filter(({ waitedFor }) => waitedFor === 'background').sort(byUse) : []),
    ];
    // Its slot is for who asked: others that are held are not told.
    this.isMakingRoom = true;
    oldest?.sleep();
    this.isMakingRoom = false;
  }

  /** Forget checkpoints that are neither loaded nor asked, and let those go on that wait for room. */
  private tidy(): void {
    for (const [key, seat] of this.seats) {
      if (!seat.isAsleep || seat.waitedFor !== 'nobody') continue;
      this.seats.delete(key);
      this.held.delete(seat);
    }
    if (this.isMakingRoom || this.isDisposed) return;
    for (const seat of [...this.held]) seat.goOn();
  }
}

function byUse(one: ModelSeat, other: ModelSeat): number {
  return one.lastUsed - other.lastUsed;
}

function cancelled(): DOMException {
  return new DOMException('The extension has ended this.', 'AbortError');
}
