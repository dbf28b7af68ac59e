import { setImmediate as turn } from 'node:timers/promises';
import { valueAt } from '../../core/columns';
import { isCurrent, type RolloutIndex } from '../../core/rolloutIndex';
import { rowTest, textTerms, type TextTerm } from '../../core/rolloutMatch';
import type { RolloutQuery } from '../../core/rolloutQuery';
import type { ShownHit } from '../../core/searchNodes';
import { snippetAt, type Snippet } from '../../core/snippet';
import { findAll, finderOf, findLiteral, foldCase, isAscii, isExact, type TextMatch } from '../../core/textMatch';
import { decodeUtf8 } from '../../core/utf8';
import { inSlices } from './bounded';
import { noTroubles, readTexts, troubleSentences, type TextBatch } from './readTexts';
import type { RunStore } from './runStore';

/** A rollout that a search found. */
export interface RolloutHit extends ShownHit {
  readonly row: number;
}

export interface SearchProgress {
  /** Rollouts whose text was looked at, of those that the figures allow. */
  readonly searched: number;
  readonly candidates: number;
}

/** What a search that came to its end says of itself. */
export interface SearchSummary extends SearchProgress {
  /** What was not searched, a sentence each. */
  readonly troubles: readonly string[];
}

export interface SearchOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SearchProgress) => void;
}

/** What a search needs of a run. */
export type SearchedRun = Pick<RunStore, 'directory' | 'index' | 'model'>;

/** After so many rollouts on which an expression takes too long, it is not tried on others. */
export const mostGivenUp = 20;

/**
 * The rollouts of a run that a query finds, in the order of the file: figures first, then the texts of those that are left,
 * read in large pieces. Bounded in memory, never at work for long without a turn of the event loop; an aborted signal is
 * thrown. Rows that a resumed attempt dropped do not count, nor do those that come meanwhile.
 */
export async function* searchRollouts(
  { directory, index, model }: SearchedRun,
  query: RolloutQuery,
  { signal, onProgress }: SearchOptions = {},
): AsyncGenerator<RolloutHit, SearchSummary, undefined> {
  const rows = await candidateRows(index, model.attempts, rowTest(query, index), signal);
  const terms = textTerms(query);
  const candidates = rows.length;
  if (terms.length === 0) {
    for (const [place, row] of rows.entries()) {
      if (place % mostAtOnce === 0) {
        signal?.throwIfAborted();
        onProgress?.({ searched: place, candidates });
        await turn();
      }
      yield hitAt(index, row, { before: '', match: '', after: index.heads[row] ?? '' }, nowhere);
    }
    return { searched: candidates, candidates, troubles: [] };
  }
  const troubles = noTroubles();
  const search = textSearch(terms, signal);
  let searched = 0;
  let sliceEnd = performance.now() + sliceMs;
  for await (const batch of readTexts(directory, index, rows, troubles, signal)) {
    // A slow expression shows what it finds, and how far it is, long before it is through with a batch.
    for (let from = 0; from < batch.rows.length && search.givenUp < mostGivenUp; from += textsAtOnce) {
      const { found, done } = await search.matchesIn(batch, from, Math.min(batch.rows.length, from + textsAtOnce));
      for (const { place, text, match } of found) {
        yield hitAt(index, batch.rows[place] ?? 0, snippetAt(text, match), match);
      }
      searched += done;
      onProgress?.({ searched, candidates });
      if (performance.now() < sliceEnd) continue;
      await turn();
      signal?.throwIfAborted();
      sliceEnd = performance.now() + sliceMs;
    }
    if (search.givenUp >= mostGivenUp) break;
  }
  return {
    searched,
    candidates,
    troubles: [...slowSentences(search.givenUp, searched, candidates), ...troubleSentences(troubles)],
  };
}

const nowhere: TextMatch = { from: 0, to: 0, count: 0 };
const mostAtOnce = 500;
const textsAtOnce = 250;
const rowsBetweenTurns = 5000;
const sliceMs = 8;

/** Rows that count and that pass, ascending. */
export async function candidateRows(
  index: RolloutIndex,
  attempts: SearchedRun['model']['attempts'],
  passes: (row: number) => boolean,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  const end = index.length;
  const mayBeDropped = attempts.length > 1;
  const rows: number[] = [];
  for (let row = 0; row < end; row += 1) {
    if (row % rowsBetweenTurns === rowsBetweenTurns - 1) {
      await turn();
      signal?.throwIfAborted();
    }
    if ((!mayBeDropped || isCurrent(index, row, attempts)) && passes(row)) rows.push(row);
  }
  return rows;
}

interface FoundText {
  readonly place: number;
  readonly text: string;
  readonly match: TextMatch;
}

interface TextSearch {
  /** What is found in some texts of a batch, as far as it came. */
  readonly matchesIn: (
    batch: TextBatch,
    from: number,
    to: number,
  ) => Promise<{ readonly found: readonly FoundText[]; readonly done: number }>;
  /** Texts on which the expression took too long. */
  readonly givenUp: number;
}

function textSearch(terms: readonly TextTerm[], signal: AbortSignal | undefined): TextSearch {
  const literals = terms.flatMap((term) => (term.kind === 'text' && isAscii(term.text) ? [term] : []));
  if (literals.length === terms.length) return byteSearch(literals);
  const finders = terms.map((term) => ({ negated: term.negated, find: finderOf(term) }));
  let givenUp = 0;
  return {
    async matchesIn(batch, from, to) {
      const found: FoundText[] = [];
      const work = (item: number): void => {
        const place = from + item;
        const text = decodeUtf8(batch.bytes.subarray(batch.from[place], batch.to[place]));
        const match = findAll(text, finders);
        if (match !== undefined) found.push({ place, text, match });
      };
      const sliced = await inSlices(to - from, work, mostGivenUp - givenUp, signal);
      givenUp += sliced.givenUp;
      return { found, done: sliced.done };
    },
    get givenUp() {
      return givenUp;
    },
  };
}

/**
 * Words of ASCII are looked for among the bytes, each taken as a character: no byte of another character is ASCII, so what
 * is found is what would be found in the text. Only texts that have it are decoded.
 */
function byteSearch(terms: readonly Extract<TextTerm, { kind: 'text' }>[]): TextSearch {
  const needles = terms.map(({ text, negated }) => ({
    negated,
    exact: isExact(text),
    text: isExact(text) ? text : foldCase(text),
  }));
  const hasFolded = needles.some(({ exact }) => !exact);
  const matchIn = (bytes: string): TextMatch | undefined => {
    const folded = hasFolded ? bytes.toLowerCase() : bytes;
    return findAll(
      bytes,
      needles.map(({ negated, exact, text }) => ({ negated, find: () => findLiteral(exact ? bytes : folded, text) })),
    );
  };
  return {
    matchesIn({ bytes, from, to }, start, end) {
      const found: FoundText[] = [];
      for (let place = start; place < end; place += 1) {
        const match = matchIn(bytes.toString('latin1', from[place], to[place]));
        if (match === undefined) continue;
        const text = decodeUtf8(bytes.subarray(from[place], to[place]));
        found.push({ place, text, match: inCharacters(bytes, from[place] ?? 0, to[place] ?? 0, text, match) });
      }
      return Promise.resolve({ found, done: end - start });
    },
    givenUp: 0,
  };
}

/** A match counted in bytes as one counted in UTF-16 units; what was found is ASCII, and as long in both. */
function inCharacters(bytes: Buffer, start: number, end: number, text: string, match: TextMatch): TextMatch {
  if (text.length === end - start) return match;
  const from = decodeUtf8(bytes.subarray(start, start + match.from)).length;
  return { from, to: from + match.to - match.from, count: match.count };
}

/** What is said of a rollout that has a match. */
export function hitAt(index: RolloutIndex, row: number, snippet: Snippet, { from, to, count }: TextMatch): RolloutHit {
  const reward = valueAt(index.numbers.reward, row);
  return {
    row,
    id: index.ids[row] ?? '',
    step: valueAt(index.numbers.step, row),
    reward: Number.isNaN(reward) ? null : reward,
    correct: valueAt(index.correct, row) === 1,
    snippet,
    from,
    to,
    count,
  };
}

function slowSentences(givenUp: number, searched: number, candidates: number): string[] {
  if (givenUp === 0) return [];
  const slow = `the expression took longer than 20 ms on ${givenUp === 1 ? '1 rollout' : `${givenUp} rollouts`}`;
  if (givenUp < mostGivenUp) return [`${slow}; not searched there`];
  return [`${slow}; the search ended after ${searched.toLocaleString('en')} of ${candidates.toLocaleString('en')}`];
}
