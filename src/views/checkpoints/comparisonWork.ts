import { decodeUtf8 } from '../../../core/utf8';
import { comparedCsv, comparedJson, type ComparedRow } from '../../../core/comparedTable';
import type {
  Alternative,
  AlternativesMessage,
  ComparedSequence,
  ComparisonMessage,
  ToCheckpointsView,
} from '../../../core/generated/checkpoints';
import { tokenCount, tokenText } from '../../../core/trace';
import { visibleWords } from '../../../core/visibleWords';
import { compareEach, type ResponseScores } from '../../checkpoints/underCheckpoints';
import { CheckpointProblem } from '../../inference/problem';
import type { ReadSequences, WholeSequence } from '../../runs/comparedRows';
import type { RunWatch } from '../../runs/runWatch';
import type { CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';
import { noteEnd } from './noteEnd';

/** What two checkpoints are compared on. */
export interface ComparisonOrder {
  readonly generation: number;
  readonly run: RunWatch;
  readonly before: CheckpointPlace;
  readonly after: CheckpointPlace;
  /** As a person reads it. */
  readonly set: string;
  readonly read: ReadSequences;
}

interface Compared {
  readonly sequence: WholeSequence;
  readonly before: ResponseScores;
  readonly after: ResponseScores;
}

/** Likeliest tokens that are told of a place. */
const toldAlternatives = 5;

/** One comparison: what it brought so far can be told again, exported and asked about. */
export class ComparisonWork {
  private readonly stop = new AbortController();
  private readonly compared: Compared[] = [];
  private state: ComparisonMessage['state'] = 'scoring';
  private readonly problems: string[] = [];

  constructor(
    private readonly order: ComparisonOrder,
    private readonly service: CheckpointService,
    private readonly send: (message: ToCheckpointsView) => void,
  ) {}

  get generation(): number {
    return this.order.generation;
  }

  get isUnderWay(): boolean {
    return this.state === 'scoring';
  }

  /** Compare; what goes wrong is part of what is told. What is no fault of a checkpoint is raised. */
  async run(): Promise<void> {
    const { before, after, read } = this.order;
    const { signal } = this.stop;
    this.tell();
    try {
      await this.refuseOtherTokenizers();
      await compareEach(
        { before, after },
        read.sequences,
        (place, ids, from) => this.service.score(place, ids, { from, signal }),
        (sequence, first, second) => {
          this.compared.push({ sequence, before: first, after: second });
          this.send(this.told(this.compared.length - 1));
          this.tell();
        },
      );
      this.state = 'done';
    } catch (error) {
      this.state = signal.aborted ? 'cancelled' : 'failed';
      noteEnd(error, signal, this.problems);
    } finally {
      this.tell();
    }
  }

  cancel(): void {
    this.stop.abort(new DOMException('The comparison was cancelled.', 'AbortError'));
  }

  /** Everything that is known, for a view that is drawn anew. */
  tellAll(): void {
    this.tell();
    for (let place = 0; place < this.compared.length; place += 1) this.send(this.told(place));
  }

  /** Where a token stands; undefined where there is none. */
  sequenceAt(sequence: number): WholeSequence | undefined {
    return this.compared[sequence]?.sequence;
  }

  /** The likeliest tokens in the place of one, under both checkpoints. */
  async alternatives(sequence: number, token: number): Promise<AlternativesMessage | undefined> {
    const known = this.compared[sequence];
    if (known === undefined || token >= tokenCount(known.sequence.trace)) return undefined;
    const { before, after } = this.order;
    const [first, second] = await Promise.all([
      this.wordsOf(before, known.before, token),
      this.wordsOf(after, known.after, token),
    ]);
    return { kind: 'alternatives', generation: this.generation, sequence, token, before: first, after: second };
  }

  /** All that was compared, as a file. */
  table(format: 'csv' | 'json'): string {
    const { run, before, after, set } = this.order;
    const rows = this.compared.map(rowOf);
    const about = { run: run.name, before: before.name, after: after.name, on: set };
    return format === 'csv' ? comparedCsv(rows) : comparedJson(rows, about);
  }

  private tell(): void {
    const { generation, before, after, set, read } = this.order;
    this.send({
      kind: 'comparison',
      generation,
      state: this.state,
      before: nameOf(before, this.order.run),
      after: nameOf(after, this.order.run),
      set,
      done: this.compared.length,
      of: read.sequences.length,
      notes: [...read.notes, ...this.problems].map(visibleWords),
    });
  }

  private told(place: number): ComparedSequence {
    const { sequence, before, after } = this.compared[place] as Compared;
    const { trace, label, step, prompt, verdict } = sequence;
    return {
      kind: 'compared',
      generation: this.generation,
      sequence: place,
      ...{ label, step, prompt, verdict },
      text: trace.text,
      starts: Int32Array.from(trace.starts),
      before: before.logProb,
      after: after.logProb,
      rankBefore: before.rank,
      rankAfter: after.rank,
      entropyBefore: before.entropy,
      entropyAfter: after.entropy,
    };
  }

  /** A checkpoint of the run reads its tokens as they were written; any other has to show that it does. */
  private async refuseOtherTokenizers(): Promise<void> {
    const [first] = this.order.read.sequences;
    if (first === undefined) return;
    const ids = first.ids.subarray(first.promptTokens);
    for (const place of [this.order.before, this.order.after]) {
      if (place.run === this.order.run) continue;
      const { bytes } = await this.service.ask(place, { kind: 'bytes', ids });
      if (isEqual(bytes, first.trace.record.text)) continue;
      throw new CheckpointProblem(
        'it has another tokenizer than the run: to it these tokens are another text',
        place.folder,
        'choose a checkpoint with the tokenizer of the run',
      );
    }
  }

  private async wordsOf(place: CheckpointPlace, scores: ResponseScores, token: number): Promise<Alternative[]> {
    const kept = scores.topIds.length / Math.max(1, scores.logProb.length);
    const ids = scores.topIds.slice(token * kept, token * kept + Math.min(kept, toldAlternatives));
    if (ids.length === 0 || (ids[0] ?? -1) < 0) return [];
    const words = await this.spelled(place, ids);
    return Array.from(ids, (id, rank) => ({
      words: words?.[rank] ?? `token ${id}`,
      probability: Math.exp(scores.topLogProbs[token * kept + rank] ?? NaN),
    })).filter(({ probability }) => Number.isFinite(probability));
  }

  /** Undefined where the tokenizer cannot be read: numbers then stand for the words. */
  private async spelled(place: CheckpointPlace, ids: Int32Array): Promise<string[] | undefined> {
    try {
      const { bytes, lengths } = await this.service.ask(place, { kind: 'bytes', ids });
      let from = 0;
      return Array.from(lengths, (length) => {
        from += length;
        return shownText(decodeUtf8(bytes.subarray(from - length, from)));
      });
    } catch (error) {
      if (error instanceof CheckpointProblem) return undefined;
      throw error;
    }
  }
}

/** `step 60`, or with its run where that is another. */
export function nameOf(place: CheckpointPlace, run: RunWatch): string {
  return place.run === undefined || place.run === run ? place.name : `${place.name} of ${place.run.name}`;
}

/** A token as people read it: what breaks a line is shown by a sign. */
export function shownText(text: string): string {
  return visibleWords(text.replaceAll('\n', '⏎').replaceAll('\t', '⇥'));
}

function rowOf({ sequence, before, after }: Compared): ComparedRow {
  const { trace, id, step, prompt, verdict, ids, promptTokens } = sequence;
  return {
    rollout: id,
    ...{ step, prompt, verdict, before, after },
    ids: ids.subarray(promptTokens),
    words: Array.from({ length: tokenCount(trace) }, (_, token) => tokenText(trace, token)),
  };
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}
