import { setImmediate as turn } from 'node:timers/promises';
import { valueAt } from '../../core/columns';
import {
  addText,
  changesOf,
  corpus,
  exampleKey,
  type FrequencyChanges,
  type FrequencyExample,
} from '../../core/frequency';
import { broken, read, type Read } from '../../core/read';
import type { RolloutIndex } from '../../core/rolloutIndex';
import { snippetAt } from '../../core/snippet';
import type { StepRange } from '../../core/stepRange';
import { decodeUtf8 } from '../../core/utf8';
import { noTroubles, readTexts, troubleSentences } from './readTexts';
import { candidateRows, hitAt, type RolloutHit, type SearchedRun } from './searchRollouts';

export interface ComparedRanges {
  readonly before: StepRange;
  readonly after: StepRange;
}

/** What became more frequent, and of how much it was told. */
export interface WhatChanged extends FrequencyChanges {
  readonly ranges: ComparedRanges;
  /** The examples of all changes, by `exampleKey`. */
  readonly examples: ReadonlyMap<string, RolloutHit>;
  /** What was left out, a sentence each. */
  readonly troubles: readonly string[];
}

export interface WhatChangedOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

/** Of a range, so many rollouts and so many tokens at most are compared, taken evenly: memory has an end, and shares hardly move. */
const mostRollouts = 5000;
const mostTokens = 1_000_000;
const sliceMs = 8;

/** Compares what the policy wrote in two ranges of steps. An aborted signal is thrown. */
export async function whatChanged(
  { directory, index, model }: SearchedRun,
  ranges: ComparedRanges,
  { signal, onProgress }: WhatChangedOptions = {},
): Promise<Read<WhatChanged>> {
  const { before, after } = ranges;
  if (before.from <= after.to && after.from <= before.to) return broken('The two ranges overlap.');
  const rowsOf = (range: StepRange): Promise<readonly number[]> =>
    candidateRows(index, model.attempts, (row) => isWritten(index, row) && isInRange(index, row, range), signal);
  const all = { before: await rowsOf(before), after: await rowsOf(after) };
  for (const side of ['before', 'after'] as const) {
    const { from, to } = ranges[side];
    if (all[side].length === 0) return broken(`There are no rollouts in the steps ${from} to ${to}.`);
  }
  const taken = { before: sampled(all.before, index), after: sampled(all.after, index) };
  const isAfter = new Set(taken.after);
  const rows = [...taken.before, ...taken.after].sort((a, b) => a - b);
  const troubles = noTroubles();
  const words = corpus();
  let sliceEnd = performance.now() + sliceMs;
  const rest = async (): Promise<void> => {
    if (performance.now() < sliceEnd) return;
    await turn();
    signal?.throwIfAborted();
    sliceEnd = performance.now() + sliceMs;
  };
  for await (const batch of readTexts(directory, index, rows, troubles, signal)) {
    for (const [place, row] of batch.rows.entries()) {
      const text = decodeUtf8(batch.bytes.subarray(batch.from[place], batch.to[place]));
      addText(words, text, { row, isAfter: isAfter.has(row), isRight: valueAt(index.correct, row) === 1 });
      await rest();
    }
    onProgress?.((0.7 * words.documents.length) / rows.length);
  }
  const changing = changesOf(words);
  for (;;) {
    const next = changing.next();
    if (next.done === true) {
      const thinned = (['before', 'after'] as const).flatMap((side) => thinnedSentence(side, all[side], taken[side]));
      const examples = await readExamples({ directory, index }, next.value, signal);
      return read({ ...next.value, ranges, examples, troubles: [...thinned, ...troubleSentences(troubles)] });
    }
    await rest();
  }
}

/** The texts around the examples are read again: to keep them all would be to keep every text. */
async function readExamples(
  { directory, index }: Pick<SearchedRun, 'directory' | 'index'>,
  { openings, phrases }: FrequencyChanges,
  signal: AbortSignal | undefined,
): Promise<Map<string, RolloutHit>> {
  const byRow = new Map<number, FrequencyExample[]>();
  for (const example of [...openings, ...phrases].flatMap(({ examples }) => examples)) {
    byRow.set(example.row, [...(byRow.get(example.row) ?? []), example]);
  }
  const hits = new Map<string, RolloutHit>();
  const rows = [...byRow.keys()].sort((a, b) => a - b);
  for await (const batch of readTexts(directory, index, rows, noTroubles(), signal)) {
    for (const [place, row] of batch.rows.entries()) {
      const text = decodeUtf8(batch.bytes.subarray(batch.from[place], batch.to[place]));
      for (const example of byRow.get(row) ?? []) {
        const match = { ...example, count: 1 };
        hits.set(exampleKey(example), hitAt(index, row, snippetAt(text, match), match));
      }
    }
  }
  return hits;
}

/** What the policy wrote while it was trained; demonstrations and evaluations have other laws. */
function isWritten(index: RolloutIndex, row: number): boolean {
  const kind = index.kinds[row];
  return kind === 'rollout' || kind === 'hybrid';
}

function isInRange(index: RolloutIndex, row: number, { from, to }: StepRange): boolean {
  const step = valueAt(index.numbers.step, row);
  return step >= from && step <= to;
}

function sampled(rows: readonly number[], index: RolloutIndex): readonly number[] {
  const tokens = rows.reduce((sum, row) => sum + valueAt(index.numbers.tokens, row), 0);
  const share = Math.min(1, mostRollouts / rows.length, mostTokens / Math.max(1, tokens));
  // Evenly: row n is taken when n · share passes a whole number.
  return share === 1 ? rows : rows.filter((_, place) => Math.floor((place + 1) * share) > Math.floor(place * share));
}

function thinnedSentence(side: 'before' | 'after', all: readonly number[], taken: readonly number[]): string[] {
  if (taken.length === all.length) return [];
  return [
    `of ${all.length.toLocaleString('en')} rollouts ${side}, ${taken.length.toLocaleString('en')} were compared, taken evenly`,
  ];
}
