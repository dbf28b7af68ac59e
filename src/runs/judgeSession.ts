import { judgeReply, type NewVerdict } from '../../core/judgeAgain';
import { callTrainer, type TrainerAnswer, type TrainerCall } from './trainerCall';

/** What a judge that stays says to a question. */
export type JudgeAnswer =
  | { readonly kind: 'verdict'; readonly verdict: Omit<NewVerdict, 'row'> }
  | { readonly kind: 'refused'; readonly reason: string }
  /** It is no more; `reason` is null where it was closed. */
  | { readonly kind: 'ended'; readonly reason: string | null };

/** One `srft verify` that stays, for who asks again and again: one question at a time. */
export class JudgeSession {
  private readonly stop = new AbortController();
  private readonly questions = new Questions();
  private waiting: ((answer: JudgeAnswer) => void) | undefined;
  private ended: JudgeAnswer | undefined;

  constructor(call: Pick<TrainerCall, 'python' | 'trainerFolder' | 'env' | 'onWords'> & { readonly recipe: string }) {
    const { recipe, ...rest } = call;
    const end = (answer: JudgeAnswer): void => {
      this.ended = answer;
      this.settle(answer);
    };
    callTrainer({
      ...rest,
      args: ['verify', recipe],
      input: this.questions,
      signal: this.stop.signal,
      onLine: (line) => {
        const reply = judgeReply(line, 0);
        if (reply === undefined) return;
        this.settle(
          'refusal' in reply ? { kind: 'refused', reason: reply.refusal } : { kind: 'verdict', verdict: reply },
        );
      },
    }).then(
      (answer) => {
        end({ kind: 'ended', reason: reasonOf(answer) });
      },
      (error: unknown) => {
        end({ kind: 'ended', reason: error instanceof Error ? error.message : String(error) });
      },
    );
  }

  /** Ask with a line of JSON; the answer to the one before must have come. */
  ask(request: string): Promise<JudgeAnswer> {
    if (this.ended !== undefined) return Promise.resolve(this.ended);
    return new Promise((settle) => {
      this.waiting = settle;
      this.questions.add(request);
    });
  }

  /** End the judge, whatever it is busy with. */
  close(): void {
    this.questions.close();
    this.stop.abort();
  }

  private settle(answer: JudgeAnswer): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.(answer);
  }
}

function reasonOf(answer: TrainerAnswer): string | null {
  switch (answer.kind) {
    case 'cancelled':
      return null;
    case 'failed':
      return answer.message;
    case 'answered':
      return (answer.errorLines.at(-1) ?? 'the judge ended early').replace(/^srft: /, '');
  }
}

/** Lines that are not there yet. */
class Questions implements AsyncIterable<string>, AsyncIterator<string> {
  private readonly kept: string[] = [];
  private wake: (() => void) | undefined;
  private isClosed = false;

  add(line: string): void {
    this.kept.push(line);
    this.wake?.();
  }

  close(): void {
    this.isClosed = true;
    this.wake?.();
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    while (this.kept.length === 0 && !this.isClosed) {
      await new Promise<void>((wake) => {
        this.wake = wake;
      });
    }
    const value = this.kept.shift();
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  return(): Promise<IteratorResult<string, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
