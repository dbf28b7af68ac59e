import type { AnswerNews, AnswerSampling, Prompt } from '../../core/generated/playground';
import { utf8Stream } from '../../core/utf8';
import { CheckpointProblem } from '../inference/problem';
import { notFinite } from './checkpointFiles';
import { makePrompt, type MadePrompt, type PromptMaker } from './answerPrompt';
import type { WriteRequest, Written } from './languageModel';
import type { SpelledTokens } from './tokenizerAnswers';

/** A checkpoint that answers. Each question raises a CheckpointProblem, or the signal's reason. */
export interface Answerer extends PromptMaker {
  /** Loads it for a text of so many tokens. */
  load(
    tokens: number,
    signal: AbortSignal,
  ): Promise<{ readonly provider: string; readonly endTokens: readonly number[] }>;
  write(request: WriteRequest, signal: AbortSignal, onTokens: (tokens: readonly Written[]) => void): Promise<void>;
  /** Bytes of tokens. */
  spell(ids: Int32Array): Promise<SpelledTokens>;
}

/** What an answer is made with. */
export interface AnswerOptions {
  readonly prompt: Prompt;
  readonly sampling: AnswerSampling;
  readonly signal: AbortSignal;
  /** Told after every change. */
  readonly onChange: () => void;
  /** An error that is no CheckpointProblem; what the answer says of it then. */
  readonly onUnexpected: (error: unknown) => string;
}

type Settled = 'ended' | 'cut' | 'stopped' | 'failed';

/** One checkpoint's answer, from the question to its last token. */
export class Answer {
  private state: AnswerNews['state'] = 'waiting';
  private since = performance.now();
  private provider = '';
  private problem = '';
  private prompt: MadePrompt | undefined;
  private endTokens: readonly number[] = [];
  /** As they come; the first of them have a text already. */
  private readonly written: Written[] = [];
  private readonly texts: string[] = [];
  private readonly special: number[] = [];
  private readonly decode = utf8Stream();
  private spelling: Promise<void> = Promise.resolve();
  private isSpelling = false;
  private firstAt = NaN;
  private lastAt = NaN;

  constructor(
    /** Growing from one answer to the next. */
    readonly number: number,
    private readonly answerer: Answerer,
    private readonly options: AnswerOptions,
  ) {}

  /** What the checkpoint was given; undefined as long as that is not known. */
  get given(): MadePrompt | undefined {
    return this.prompt;
  }

  /** Nothing more will come. */
  get isSettled(): boolean {
    return this.state === 'ended' || this.state === 'cut' || this.state === 'stopped' || this.state === 'failed';
  }

  /** What was written, without the token that ended it. */
  get text(): string {
    const isEnded = this.state === 'ended';
    return this.texts.slice(0, isEnded ? -1 : undefined).join('');
  }

  /** How many tokens have a text. */
  get tokens(): number {
    return this.texts.length;
  }

  /** Makes the prompt and loads the checkpoint; false when the answer is over with that. */
  async begin(): Promise<boolean> {
    this.become('loading');
    try {
      const { prompt, sampling, signal } = this.options;
      signal.throwIfAborted();
      this.prompt = await makePrompt(this.answerer, prompt);
      const loaded = await this.answerer.load(this.prompt.ids.length + sampling.maxTokens, signal);
      this.provider = loaded.provider;
      this.endTokens = loaded.endTokens;
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Writes the answer; resolves when it is over, whatever ended it. */
  async write(): Promise<void> {
    const { sampling, signal } = this.options;
    this.become('writing');
    try {
      const request = requestOf(this.prompt?.ids ?? new Int32Array(0), sampling, this.endTokens);
      await this.answerer.write(request, signal, (tokens) => {
        this.take(tokens);
      });
      await this.spellAll();
      if (this.written.some(({ entropy }) => !Number.isFinite(entropy))) throw notFinite(this.answerer.name);
      this.become(this.endTokens.includes(this.written.at(-1)?.id ?? -1) ? 'ended' : 'cut');
    } catch (error) {
      await this.spellAll().catch(this.options.onUnexpected);
      this.fail(error);
    }
  }

  /** What the view should know, its tokens from `from` on. */
  news(column: number, from: number): AnswerNews {
    const first = Math.min(from, this.texts.length);
    const tokens = this.written.slice(first, this.texts.length);
    return {
      kind: 'answer',
      column,
      answer: this.number,
      state: this.state,
      seconds: (performance.now() - this.since) / 1000,
      provider: this.provider,
      problem: this.problem,
      speed: this.speed(),
      from: first,
      ids: Int32Array.from(tokens, ({ id }) => id),
      texts: this.texts.slice(first),
      special: Uint8Array.from(this.special.slice(first)),
      logProb: Float32Array.from(tokens, ({ logProb }) => logProb),
      entropy: Float32Array.from(tokens, ({ entropy }) => entropy),
    };
  }

  private take(tokens: readonly Written[]): void {
    this.lastAt = performance.now();
    if (this.written.length === 0) this.firstAt = this.lastAt;
    this.written.push(...tokens);
    if (this.isSpelling) return;
    this.isSpelling = true;
    this.spelling = this.spell();
    // Told by `spellAll`, which everybody comes to.
    this.spelling.catch(() => undefined);
  }

  /** What comes while a question is on its way is the next question. */
  private async spell(): Promise<void> {
    try {
      while (this.texts.length < this.written.length) {
        const ids = Int32Array.from(this.written.slice(this.texts.length), ({ id }) => id);
        const { bytes, lengths, special } = await this.answerer.spell(ids);
        let at = 0;
        lengths.forEach((length, token) => {
          this.texts.push(this.decode(bytes.subarray(at, at + length), false));
          this.special.push(special[token] ?? 0);
          at += length;
        });
        this.options.onChange();
      }
    } finally {
      this.isSpelling = false;
    }
  }

  private async spellAll(): Promise<void> {
    await this.spelling;
    const rest = this.decode(new Uint8Array(0), true);
    const last = this.texts.length - 1;
    if (rest !== '' && last >= 0) this.texts[last] = `${this.texts[last] ?? ''}${rest}`;
  }

  private fail(error: unknown): void {
    if (this.options.signal.aborted) {
      this.become('stopped');
      return;
    }
    this.problem = error instanceof CheckpointProblem ? error.message : this.options.onUnexpected(error);
    this.become('failed');
  }

  private become(state: 'loading' | 'writing' | Settled): void {
    this.state = state;
    this.since = performance.now();
    this.options.onChange();
  }

  /** Tokens a second from the first to the last; one token has no speed. */
  private speed(): number | null {
    const seconds = (this.lastAt - this.firstAt) / 1000;
    return seconds > 0 ? (this.written.length - 1) / seconds : null;
  }
}

function requestOf(prefix: Int32Array, sampling: AnswerSampling, endTokens: readonly number[]): WriteRequest {
  const { temperature, topK, topP, minP, maxTokens, seed } = sampling;
  return {
    prefix,
    seeds: [BigInt(seed)],
    firstPosition: 0,
    maxTokens,
    sampling: { temperature, topK, topP, minP },
    endTokens,
  };
}
