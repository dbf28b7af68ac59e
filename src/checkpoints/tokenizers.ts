import { Worker } from 'node:worker_threads';
import { CheckpointProblem } from '../inference/problem';
import { problemOf } from './failure';
import type { TokenizerAnswers, TokenizerQuestion } from './tokenizerAnswers';
import type { NumberedAnswer, NumberedQuestion } from './tokenizerThread';

export interface TokenizersOptions {
  /** The bundle of `tokenizerThread.ts`. */
  readonly script: string;
  /** How long a tokenizer is kept that nobody asks. */
  readonly idleMs: () => number;
  /** What only a log should hold. */
  readonly onLog: (text: string) => void;
  /** A question that takes longer ends its thread. */
  readonly patienceMs?: number;
}

/** Where the files of a tokenizer lie, and how a person knows the checkpoint. */
export interface TokenizerPlace {
  readonly folder: string;
  readonly name: string;
  /** Tokens that the model has an embedding for. */
  readonly vocabulary: number;
}

const defaultPatienceMs = 20_000;

/** Asks the tokenizers of checkpoints, each on a thread of its own, so that the one that answers people stays free. */
export class Tokenizers {
  private readonly seats = new Map<string, TokenizerSeat>();

  constructor(private readonly options: TokenizersOptions) {}

  /** Raises a CheckpointProblem for what cannot be read, or takes too long. */
  async ask<Q extends TokenizerQuestion>(place: TokenizerPlace, question: Q): Promise<TokenizerAnswers[Q['kind']]> {
    const seat =
      this.seats.get(place.folder) ??
      new TokenizerSeat(place, this.options, () => {
        this.forget(place.folder);
      });
    this.seats.set(place.folder, seat);
    return (await seat.ask(question)) as TokenizerAnswers[Q['kind']];
  }

  /** End all threads; who waits is told. */
  dispose(): void {
    for (const seat of [...this.seats.values()])
      seat.end(new DOMException('The extension has ended this.', 'AbortError'));
  }

  private forget(folder: string): void {
    this.seats.delete(folder);
  }
}

interface Waiting {
  readonly resolve: (answer: TokenizerAnswers[TokenizerQuestion['kind']]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** One thread, from its first question until nobody has asked for a while. */
class TokenizerSeat {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly place: TokenizerPlace,
    private readonly options: TokenizersOptions,
    private readonly onEnd: () => void,
  ) {
    this.worker = new Worker(options.script, { workerData: place });
    this.worker.unref();
    this.worker.on('message', (answer: NumberedAnswer) => {
      this.take(answer);
    });
    this.worker.on('error', (error) => {
      options.onLog(`${place.name}: ${error.stack ?? error.message}`);
      this.end(
        this.problem('its tokenizer could not be read to the end', 'choose a checkpoint with a smaller tokenizer'),
      );
    });
  }

  ask(question: TokenizerQuestion): Promise<TokenizerAnswers[TokenizerQuestion['kind']]> {
    clearTimeout(this.idle);
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      const patience = this.options.patienceMs ?? defaultPatienceMs;
      const timer = setTimeout(() => {
        const what = question.kind === 'render' ? 'its chat template' : 'its tokenizer';
        this.end(this.problem(`${what} took longer than ${patience / 1000} s and was ended`, 'try a shorter text'));
      }, patience);
      this.waiting.set(id, { resolve, reject, timer });
      this.worker.postMessage({ id, question } satisfies NumberedQuestion);
    });
  }

  end(reason: Error): void {
    clearTimeout(this.idle);
    this.onEnd();
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.waiting.clear();
    void this.worker.terminate();
  }

  private take(answer: NumberedAnswer): void {
    const waiting = this.waiting.get(answer.id);
    if (waiting === undefined) return;
    this.waiting.delete(answer.id);
    clearTimeout(waiting.timer);
    if (answer.kind === 'answer') waiting.resolve(answer.answer);
    else waiting.reject(problemOf(answer.failure, this.place.name, this.options.onLog));
    if (this.waiting.size === 0) this.rest();
  }

  private rest(): void {
    this.idle = setTimeout(() => {
      this.end(new Error('Nobody waits for it.'));
    }, this.options.idleMs());
    this.idle.unref();
  }

  private problem(fault: string, remedy: string): CheckpointProblem {
    return new CheckpointProblem(fault, this.place.name, remedy);
  }
}
