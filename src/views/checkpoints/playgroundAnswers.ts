import type { AnswerSampling, Prompt, ShownPrompt, ToPlaygroundView } from '../../../core/generated/playground';
import { Answer, type Answerer } from '../../checkpoints/answer';
import type { MadePrompt } from '../../checkpoints/answerPrompt';
import type { CheckpointPlace } from './checkpointPlaces';

/** Who has the answers made and hears of them. */
interface AnswerListener {
  readonly answererOf: (place: CheckpointPlace) => Answerer;
  /** An error that is no CheckpointProblem; what an answer says of it then. */
  readonly unexpected: (error: unknown) => string;
  /** Whether somebody hears what is sent now. */
  readonly isHeard: () => boolean;
  readonly send: (message: ToPlaygroundView) => void;
}

/** A page is told at most once in so many milliseconds, of one column each time. */
const tellEveryMs = 70;

/** The answers of a playground, one a column; they are made whether anybody hears of them or not. */
export class PlaygroundAnswers {
  private answers: readonly Answer[] = [];
  private current = new AbortController();
  private lastAnswer = 0;
  private timer: NodeJS.Timeout | undefined;
  private nextColumn = 0;
  /** Of each column, how many tokens the page has. */
  private readonly told: number[] = [];
  /** Columns of which there is news. */
  private readonly dirty = new Set<number>();

  constructor(private readonly listener: AnswerListener) {}

  /** The answer of a column; undefined before the first. */
  of(column: number): Answer | undefined {
    return this.answers[column];
  }

  /** Write no more. */
  stop(): void {
    this.current.abort();
  }

  /** What is under way is of no interest any more, and tells nothing. */
  abandon(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.current.abort();
    this.answers = [];
    this.current = new AbortController();
  }

  /** One is loaded after the other, so that what is free is known before the next; they write at the same time. */
  async ask(places: readonly CheckpointPlace[], prompt: Prompt, sampling: AnswerSampling): Promise<void> {
    this.abandon();
    const { current: stop } = this;
    this.answers = places.map((place, column) => {
      this.lastAnswer += 1;
      this.told[column] = 0;
      return new Answer(this.lastAnswer, this.listener.answererOf(place), {
        prompt,
        sampling,
        signal: stop.signal,
        onChange: () => {
          if (this.current === stop) this.changed(column);
        },
        onUnexpected: (error) => this.listener.unexpected(error),
      });
    });
    this.answers.forEach((_, column) => {
      this.changed(column);
    });
    const writing: Promise<void>[] = [];
    for (const [column, answer] of this.answers.entries()) {
      const isGood = await answer.begin();
      if (this.current !== stop) break;
      this.tellGiven(column, answer);
      if (isGood) writing.push(answer.write());
    }
    await Promise.all(writing);
  }

  /** Tell all there is: the page was made anew. */
  tellAgain(): void {
    this.answers.forEach((answer, column) => {
      this.told[column] = 0;
      this.tellGiven(column, answer);
      this.changed(column);
    });
  }

  private tellGiven(column: number, { given }: Answer): void {
    if (given !== undefined) this.listener.send(givenMessage(column, given));
  }

  private changed(column: number): void {
    this.dirty.add(column);
    this.timer ??= setTimeout(() => {
      this.tellNext();
    }, tellEveryMs);
  }

  /** Tells of one column, the columns taking turns. */
  private tellNext(): void {
    this.timer = undefined;
    const order = this.answers.map((_, place) => (this.nextColumn + place) % this.answers.length);
    const column = order.find((place) => this.dirty.has(place));
    const answer = column === undefined ? undefined : this.answers[column];
    if (column === undefined || answer === undefined) {
      this.dirty.clear();
      return;
    }
    this.nextColumn = column + 1;
    this.dirty.delete(column);
    if (this.listener.isHeard()) {
      // The text of the last token may have got its end.
      this.listener.send(answer.news(column, Math.max(0, (this.told[column] ?? 0) - 1)));
      this.told[column] = answer.tokens;
    }
    for (const other of this.dirty) this.changed(other);
  }
}

/** What a checkpoint is given, as the page is told of it. */
export function givenMessage(column: number, { ids, pieces, note }: MadePrompt): ShownPrompt {
  return { kind: 'prompt', column, pieces: [...pieces], tokens: ids.length, note, problem: '' };
}

/** An answer as Markdown; whatever it holds stands within its fence. */
export function markdownOf(name: string, answer: Answer): string {
  const { text } = answer;
  const longest = [...text.matchAll(/`{3,}/g)].reduce((most, [ticks]) => Math.max(most, ticks.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `**${name}**, ${answer.tokens} tokens\n\n${fence}text\n${text}\n${fence}\n`;
}
