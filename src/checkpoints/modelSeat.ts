import type { DecoderParts } from '../inference/model';
import { crashProblem } from './crashProblem';
import { problemOf } from './failure';
import type { LoadOptions } from './languageModel';
import { ModelChild, type ChildEnd } from './modelChild';
import type { FromModel } from './protocol';
import type { Priority, Question } from './question';

/** A checkpoint, and how it is loaded. */
export interface ModelSource {
  /** Tells checkpoints apart: a hash of its files, and of its adapter's. */
  readonly key: string;
  /** As a person knows it, such as `step 100`. */
  readonly name: string;
  readonly parts: DecoderParts;
  readonly options: LoadOptions;
}

/** What the seats of a host share. */
export interface SeatRules {
  /** Script of the forked process. */
  readonly entry: string;
  /** How long a process is kept that nobody asks anything. */
  readonly idleMs: () => number;
  /** How long a question that was aborted may go on computing before its process is ended. */
  readonly hangMs: number;
  /** Something a person may want to know, as a sentence. */
  readonly onNotice: (sentence: string) => void;
  /** What only a log should hold. */
  readonly onLog: (text: string) => void;
  /** Whether a process may be started now; otherwise the seat is told to go on later. */
  readonly mayStart: (seat: ModelSeat) => boolean;
  /** A process has ended, or has nothing to do. */
  readonly onRest: () => void;
}

type Stage =
  | { readonly kind: 'asleep' }
  | { readonly kind: 'loading'; readonly child: ModelChild }
  | { readonly kind: 'ready'; readonly child: ModelChild; readonly provider: string };

/** The second crash without an answer between them ends the attempts. */
const mostCrashes = 2;

/** One checkpoint with its questions, and its process while there is one. */
export class ModelSeat {
  /** By `performance.now()`. */
  lastUsed = performance.now();
  private stage: Stage = { kind: 'asleep' };
  private waiting: Question[] = [];
  private current: Question | undefined;
  private crashes = 0;
  private idleTimer: NodeJS.Timeout | undefined;
  private hangTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly source: ModelSource,
    private readonly rules: SeatRules,
  ) {}

  get isAsleep(): boolean {
    return this.stage.kind === 'asleep';
  }

  get processId(): number | undefined {
    return this.stage.kind === 'asleep' ? undefined : this.stage.child.pid;
  }

  /** Who waits for it. */
  get waitedFor(): Priority | 'nobody' {
    const all = [this.current, ...this.waiting].filter((question) => question !== undefined);
    if (all.length === 0) return 'nobody';
    return all.some(({ priority, isSettled }) => priority === 'user' && !isSettled) ? 'user' : 'background';
  }

  ask(question: Question): void {
    this.place(question, this.waiting);
    // A person is not kept waiting; what is put off is asked again.
    if (question.priority === 'user' && this.current?.priority === 'background') this.stopCurrent();
    this.goOn();
  }

  /** The asker of `question` waits no more. */
  abandon(question: Question): void {
    if (question === this.current) {
      this.stopCurrent();
      return;
    }
    this.waiting = this.waiting.filter((other) => other !== question);
    // What is loaded for nobody would only take time from others.
    if (this.waitedFor === 'nobody' && this.stage.kind === 'loading') this.sleep();
  }

  /** End the process and free its memory; questions that wait start another one. */
  sleep(): void {
    if (this.stage.kind !== 'asleep') this.stage.child.kill();
    this.fallAsleep();
    this.goOn();
  }

  /** End everything; whoever waits is told `reason`. */
  close(reason: unknown): void {
    for (const question of this.takeAll()) question.reject(reason);
    this.sleep();
  }

  /** Do what can be done next. */
  goOn(): void {
    clearTimeout(this.idleTimer);
    if (this.current !== undefined) return;
    const [next] = this.waiting;
    if (next === undefined) {
      this.rest();
      return;
    }
    if (this.stage.kind === 'asleep' && this.rules.mayStart(this)) this.start();
    if (this.stage.kind === 'ready') this.put(next, this.stage);
  }

  private put(question: Question, { child, provider }: Extract<Stage, { kind: 'ready' }>): void {
    this.waiting.shift();
    this.lastUsed = performance.now();
    const message = question.message();
    if (message === null) {
      question.settle({ kind: 'load', provider });
      this.goOn();
      return;
    }
    this.current = question;
    child.send(message);
  }

  private start(): void {
    const { parts, options } = this.source;
    const child: ModelChild = new ModelChild(this.rules.entry, {
      message: (message) => {
        this.take(message, child);
      },
      ended: (end) => {
        this.crashed(end);
      },
    });
    this.stage = { kind: 'loading', child };
    child.send({ kind: 'load', parts, options });
  }

  private take(message: FromModel, child: ModelChild): void {
    if (message.kind === 'loaded') {
      this.stage = { kind: 'ready', child, provider: message.provider };
      this.goOn();
    } else if (message.kind === 'refused') {
      this.close(problemOf(message.failure, this.source.name, this.rules.onLog));
    } else this.hear(message);
  }

  private hear(message: Extract<FromModel, { id: number }>): void {
    const { current } = this;
    if (current?.id !== message.id) return;
    const isOver = message.kind === 'stopped' || current.take(message, this.rules.onLog);
    if (!isOver) return;
    clearTimeout(this.hangTimer);
    this.crashes = 0;
    this.putBack();
    this.lastUsed = performance.now();
    this.goOn();
  }

  private crashed(end: ChildEnd): void {
    const problem = crashProblem(end, this.source.name);
    this.rules.onLog(`${problem.message}\n${end.words}`);
    this.fallAsleep();
    this.crashes += 1;
    if (this.crashes >= mostCrashes) {
      this.crashes = 0;
      this.close(problem);
      return;
    }
    const when = this.waitedFor === 'nobody' ? 'when it is next asked' : 'now';
    this.rules.onNotice(`${problem.message} It is started again ${when}.`);
    this.goOn();
  }

  /** The current question is not needed, or not now: its process stops, or is ended. */
  private stopCurrent(): void {
    if (this.stage.kind !== 'ready' || this.current === undefined) return;
    this.stage.child.send({ kind: 'cancel', id: this.current.id });
    clearTimeout(this.hangTimer);
    this.hangTimer = setTimeout(() => {
      this.rules.onLog(`${this.source.name}: its process did not stop in ${this.rules.hangMs} ms and was ended`);
      this.sleep();
    }, this.rules.hangMs);
  }

  private fallAsleep(): void {
    clearTimeout(this.hangTimer);
    clearTimeout(this.idleTimer);
    this.stage = { kind: 'asleep' };
    this.putBack();
  }

  /** What was interrupted comes first again, among those that are as urgent. */
  private putBack(): void {
    const { current, waiting } = this;
    this.current = undefined;
    if (current === undefined || current.isSettled) return;
    this.waiting = [current];
    for (const question of waiting) this.place(question, this.waiting);
  }

  private place(question: Question, queue: Question[]): void {
    const isBehind = (other: Question): boolean => question.priority === 'user' && other.priority === 'background';
    const at = queue.findIndex(isBehind);
    queue.splice(at < 0 ? queue.length : at, 0, question);
  }

  private rest(): void {
    if (this.stage.kind === 'ready') {
      this.idleTimer = setTimeout(() => {
        this.sleep();
      }, this.rules.idleMs());
    }
    this.rules.onRest();
  }

  private takeAll(): Question[] {
    const all = this.current === undefined ? this.waiting : [this.current, ...this.waiting];
    this.current = undefined;
    this.waiting = [];
    return all;
  }
}
