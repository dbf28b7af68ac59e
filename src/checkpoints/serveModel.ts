import { constants, getPriority, setPriority } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { isMainThread, workerData } from 'node:worker_threads';
import { CheckpointProblem } from '../inference/problem';
import { failureOf } from './failure';
import type { LanguageModel, LoadLanguageModel, Written } from './languageModel';
import { startParentWatch, watchParent } from './parentWatch';
import type { FromModel, ToModel, WrittenColumns } from './protocol';
import { scoreFault, writeFault } from './requestFault';

/** Tokens that go into one message at most; what is written between two turns of the model goes together. */
const mostInMessage = 1024;
/** Messages on their way before the model waits for its reader. */
const mostUnderWay = 16;

/** Another error in the place of one, for a person to read; the same where there is none. */
export type Explain = (error: unknown) => unknown;

/** The whole life of a forked process: it loads one checkpoint, answers questions, and ends when its parent does. */
export function serveModel(load: LoadLanguageModel, explain: Explain): void {
  if (!isMainThread) {
    void watchParent((workerData as { readonly parent: number }).parent);
    return;
  }
  // Before any thread of the library begins: on Linux threads inherit it, and training goes first.
  yieldToOthers();
  // At once: native code may take its time to exit, and there is nothing to be kept.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  startParentWatch();
  const server = new ModelServer(load, explain);
  process.on('message', (message: ToModel) => {
    server.take(message);
  });
}

function yieldToOthers(): void {
  const below = constants.priority.PRIORITY_BELOW_NORMAL;
  try {
    // A greater number is a lower priority; one that was lowered further stays there.
    if (getPriority() < below) setPriority(below);
  } catch (error) {
    // A system that does not allow it computes all the same; the log says so.
    process.stderr.write(`The priority cannot be lowered: ${String(error)}\n`);
  }
}

/** Takes messages as they come; its answers go through the channel. */
class ModelServer {
  private readonly channel = new Channel();
  private model: Promise<{ readonly model: LanguageModel; readonly vocabulary: number } | undefined> | undefined;
  private cancelled: number | undefined;

  constructor(
    private readonly load: LoadLanguageModel,
    private readonly explain: Explain,
  ) {}

  take(message: ToModel): void {
    switch (message.kind) {
      case 'load':
        this.model = this.loaded(message);
        return;
      case 'cancel':
        this.cancelled = message.id;
        return;
      case 'score':
      case 'write':
        // One that was put off is asked again.
        if (this.cancelled === message.id) this.cancelled = undefined;
        void this.answer(message);
    }
  }

  private async loaded({ parts, options }: Extract<ToModel, { kind: 'load' }>) {
    try {
      const model = await this.load(parts, options);
      this.channel.send({ kind: 'loaded', provider: model.provider });
      return { model, vocabulary: parts.config.vocabulary };
    } catch (error) {
      this.channel.send({ kind: 'refused', failure: failureOf(this.explain(error)) });
      return undefined;
    }
  }

  private async answer(message: Extract<ToModel, { kind: 'score' | 'write' }>): Promise<void> {
    const { id } = message;
    try {
      const ready = await this.model;
      if (ready === undefined) throw new Error('A question came to a process without a checkpoint.');
      this.channel.send(await this.answerOf(message, ready.model, ready.vocabulary));
    } catch (error) {
      this.channel.send({ kind: 'failed', id, failure: failureOf(this.explain(error)) });
    }
  }

  private async answerOf(
    message: Extract<ToModel, { kind: 'score' | 'write' }>,
    model: LanguageModel,
    vocabulary: number,
  ): Promise<FromModel> {
    const { id } = message;
    const fault =
      message.kind === 'score' ? scoreFault(message.request, vocabulary) : writeFault(message.request, vocabulary);
    if (fault !== undefined)
      throw new CheckpointProblem(fault, 'the question', 'ask it with tokens of this checkpoint');
    const goOn = async (): Promise<boolean> => {
      await turn();
      await this.channel.drained();
      return this.cancelled !== id;
    };
    if (message.kind === 'score') {
      const scores = await model.score(message.request, goOn, (tokens) => {
        this.channel.send({ kind: 'progress', id, tokens });
      });
      return scores === undefined ? { kind: 'stopped', id } : { kind: 'scored', id, scores };
    }
    const isDone = await model.write(message.request, goOn, (tokens) => {
      for (let first = 0; first < tokens.length; first += mostInMessage) {
        this.channel.send({ kind: 'written', id, tokens: columnsOf(tokens.slice(first, first + mostInMessage)) });
      }
    });
    return { kind: isDone ? 'done' : 'stopped', id };
  }
}

/** Messages to the parent, with a count of those that are still under way. */
class Channel {
  private underWay = 0;
  private wake: (() => void) | undefined;

  send(message: FromModel): void {
    // The parent may be gone already; then this process is about to end.
    if (!process.connected) return;
    this.underWay += 1;
    process.send?.(message, undefined, undefined, () => {
      this.underWay -= 1;
      if (this.underWay < mostUnderWay) this.wake?.();
    });
  }

  /** Resolves when the parent keeps up. */
  async drained(): Promise<void> {
    while (this.underWay >= mostUnderWay) {
      await new Promise<void>((wake) => {
        this.wake = wake;
      });
    }
  }
}

function columnsOf(tokens: readonly Written[]): WrittenColumns {
  return {
    row: Int32Array.from(tokens, ({ row }) => row),
    id: Int32Array.from(tokens, ({ id }) => id),
    logProb: Float32Array.from(tokens, ({ logProb }) => logProb),
    entropy: Float32Array.from(tokens, ({ entropy }) => entropy),
  };
}
