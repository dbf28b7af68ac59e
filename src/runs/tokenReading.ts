import { setImmediate as turn } from 'node:timers/promises';
import { valueAt } from '../../core/columns';
import { ratioOfRecipe } from '../../core/demonstrationRatio';
import { sourceOf, type SequenceSource } from '../../core/pullStreams';
import { addressAt, isCurrent } from '../../core/rolloutIndex';
import {
  addSequence,
  addTokensThere,
  tokenAnalysis,
  type AnalysedSequence,
  type TokenAnalysis,
} from '../../core/tokenAnalysis';
import { seedOf } from '../../core/tokenSample';
import type { RunStore } from './runStore';

/** Steps to be read, both ends included; null goes on with the run. */
export interface ReadRange {
  readonly from: number;
  readonly to: number | null;
}

/** How far a reading is. */
export interface ReadingFigures {
  /** Sequences of training in the range, and their tokens. */
  readonly sequencesThere: number;
  readonly tokensThere: number;
  /** One sequence of so many is read. */
  readonly oneOf: number;
  /** Sequences that were to be read and whose tokens were not kept. */
  readonly notKept: number;
  /** Of those to be read, what is done. */
  readonly share: number;
  /** What could not be read, a sentence each. */
  readonly troubles: readonly string[];
}

/** What a reading needs of a run. */
export type ReadRun = Pick<RunStore, 'index' | 'model' | 'manifest' | 'readRollout'>;

export interface ReadingLimits {
  /** Of more tokens, half the sequences are read, or a quarter, … */
  readonly mostTokens: number;
  readonly mostPoints: number;
}

type Unread = Omit<AnalysedSequence, 'record'>;

const usualLimits: ReadingLimits = { mostTokens: 4_000_000, mostPoints: 1500 };
const mostAtOnce = 64;
const tokensAtOnce = 10_000;
const rowsBetweenTurns = 5000;

/**
 * The tokens of training of some steps, read as the run grows and taken together. Which sequences are read follows from
 * their ids, so that two readings of the same run say the same, and a longer one reads half of what a shorter one read.
 */
export class TokenReading {
  analysis: TokenAnalysis;

  private index: RunStore['index'];
  private attempts: number;
  private shift = 0;
  private counted = 0;
  private next = 0;
  private sequencesThere = 0;
  private tokensThere = 0;
  private notKept = 0;
  private readonly unreadable = new Map<string, number>();

  constructor(
    private readonly run: ReadRun,
    private readonly range: ReadRange,
    private readonly limits: ReadingLimits = usualLimits,
  ) {
    this.index = run.index;
    this.attempts = run.model.attempts.length;
    this.analysis = this.begun();
  }

  get figures(): ReadingFigures {
    return {
      sequencesThere: this.sequencesThere,
      tokensThere: this.tokensThere,
      oneOf: 2 ** this.shift,
      notKept: this.notKept,
      share: this.index.length === 0 ? 1 : Math.min(1, this.next / this.index.length),
      troubles: [...this.unreadable].map(
        ([reason, count]) => `${count === 1 ? '1 sequence' : `${count} sequences`} could not be read: ${reason}.`,
      ),
    };
  }

  /** Is there nothing that was not read? */
  get isDone(): boolean {
    return this.isSame() && this.next >= this.run.index.length;
  }

  /** Read what is there now. An aborted signal is thrown; what was read until then stays. */
  async advance(signal: AbortSignal, onProgress: () => void): Promise<void> {
    if (!this.isSame()) this.startOver();
    await this.count(signal);
    const end = this.counted;
    while (this.next < end) {
      const batch = this.batch(end);
      const records = await Promise.all(batch.rows.map(({ row }) => this.run.readRollout(row)));
      signal.throwIfAborted();
      // A run that was begun anew while it was read has other rows.
      if (!this.isSame()) return;
      for (const [place, record] of records.entries()) {
        const sequence = batch.rows[place];
        if (sequence === undefined) continue;
        if (record.kind === 'read') addSequence(this.analysis, { ...sequence, record: record.value });
        else this.unreadable.set(record.reason, (this.unreadable.get(record.reason) ?? 0) + 1);
      }
      this.notKept += batch.notKept;
      this.next = batch.end;
      onProgress();
      await turn();
      signal.throwIfAborted();
    }
  }

  private begun(): TokenAnalysis {
    return tokenAnalysis(ratioOfRecipe(this.run.manifest.recipe), this.limits.mostPoints);
  }

  /** Rows of a run that was resumed may have been dropped, and of one that was begun anew they are others. */
  private isSame(): boolean {
    return this.index === this.run.index && this.attempts === this.run.model.attempts.length;
  }

  private startOver(): void {
    this.index = this.run.index;
    this.attempts = this.run.model.attempts.length;
    this.shift = 0;
    this.sequencesThere = 0;
    this.tokensThere = 0;
    this.counted = 0;
    this.readAnew();
  }

  private readAnew(): void {
    this.next = 0;
    this.notKept = 0;
    this.unreadable.clear();
    this.analysis = this.begun();
  }

  /** What there is, by the index alone; more than may be read doubles of how many sequences one is read. */
  private async count(signal: AbortSignal): Promise<void> {
    const end = this.index.length;
    for (; this.counted < end; this.counted += 1) {
      if (this.counted % rowsBetweenTurns === rowsBetweenTurns - 1) {
        await turn();
        signal.throwIfAborted();
      }
      if (!this.noteThere(this.counted)) continue;
      this.sequencesThere += 1;
      this.tokensThere += valueAt(this.index.numbers.tokens, this.counted);
    }
    const { shift } = this;
    while (this.tokensThere > this.limits.mostTokens * 2 ** this.shift) this.shift += 1;
    if (this.shift === shift) return;
    this.readAnew();
    for (let row = 0; row < end; row += 1) this.noteThere(row);
  }

  /** Does a row count? Its tokens are then there, read or not. */
  private noteThere(row: number): boolean {
    const source = this.sourceAt(row);
    if (source === undefined) return false;
    const { step, tokens } = this.index.numbers;
    addTokensThere(this.analysis, valueAt(step, row), source, valueAt(tokens, row));
    return true;
  }

  /** The next sequences to be read together, and the row behind them. */
  private batch(last: number): { readonly rows: Unread[]; readonly notKept: number; readonly end: number } {
    const rows: Unread[] = [];
    const { ids, numbers } = this.index;
    let notKept = 0;
    let tokens = 0;
    let end = this.next;
    for (; end < last && rows.length < mostAtOnce && tokens < tokensAtOnce; end += 1) {
      const source = this.sourceAt(end);
      const seed = seedOf(ids[end] ?? '');
      if (source === undefined || seed % 2 ** this.shift !== 0) continue;
      if (addressAt(this.index, end) === undefined) {
        notKept += 1;
        continue;
      }
      rows.push({ row: end, step: valueAt(numbers.step, end), source, seed });
      tokens += valueAt(numbers.tokens, end);
    }
    return { rows, notKept, end };
  }

  private sourceAt(row: number): SequenceSource | undefined {
    const { kinds, numbers, correct } = this.index;
    const step = valueAt(numbers.step, row);
    if (step < this.range.from || (this.range.to !== null && step > this.range.to)) return undefined;
    const source = sourceOf(kinds[row] ?? '', valueAt(correct, row) === 1);
    return source !== undefined && isCurrent(this.index, row, this.run.model.attempts) ? source : undefined;
  }
}
