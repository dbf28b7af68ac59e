import type { Counts } from './frequencyScore';
import type { WordsOfText } from './frequencyWords';

/** One rollout, as it is counted. */
export interface CountedDocument extends WordsOfText {
  readonly isAfter: boolean;
  readonly isRight: boolean;
}

/** A phrase, and the rollouts that have it. */
export interface Counted {
  readonly words: readonly number[];
  readonly counts: Counts;
}

/** Phrases have so many words at most. */
export const longestPhrase = 4;
/** A phrase that fewer rollouts have is not looked at. */
export const leastRollouts = 4;

const documentsBetweenTurns = 50;

/** All of them, and those that are right. */
export function totalsOf(documents: readonly CountedDocument[]): Counts {
  const tally = emptyTally();
  documents.forEach((document, place) => {
    countOnce(tally, document, place);
  });
  return countsOf(tally);
}

/** The first one to four words of each rollout. */
export function countOpenings(documents: readonly CountedDocument[]): Counted[] {
  const tallies = new Map<string, { readonly words: readonly number[]; readonly tally: Tally }>();
  documents.forEach((document, place) => {
    for (let length = 1; length <= longestPhrase; length += 1) {
      const words = [...document.words.subarray(document.opening, document.opening + length)];
      if (words.length < length) break;
      const key = words.join(' ');
      const known = tallies.get(key) ?? { words, tally: emptyTally() };
      tallies.set(key, known);
      countOnce(known.tally, document, place);
    }
  });
  return [...tallies.values()].flatMap(({ words, tally }) =>
    isFrequent(tally) ? [{ words, counts: countsOf(tally) }] : [],
  );
}

/**
 * Phrases that enough rollouts have. They are counted by length: a phrase is looked at only where both of its longest parts
 * are frequent, for it cannot be more frequent than they are. Yields now and then, so that others have their turn.
 */
export function* countPhrases(
  documents: readonly CountedDocument[],
  vocabularySize: number,
): Generator<undefined, Counted[], undefined> {
  const result: Counted[] = [];
  // Of each document, the number of the phrase that begins at each of its words; −1 where there is none to look at.
  const numbers = documents.map(({ words }) => words.slice());
  let level: Level = { tallies: [], phrases: Array.from({ length: vocabularySize }, (_, word) => [word]) };
  for (let length = 1; length <= longestPhrase; length += 1) {
    yield* countLevel(level, documents, numbers);
    for (const [number, words] of level.phrases.entries()) {
      const tally = level.tallies[number];
      if (isFrequent(tally)) result.push({ words, counts: countsOf(tally) });
    }
    if (length < longestPhrase) level = yield* longerLevel(level, documents, numbers, length, vocabularySize);
  }
  return result;
}

/** All phrases of one length. */
interface Level {
  readonly tallies: (Tally | undefined)[];
  readonly phrases: (readonly number[])[];
}

interface Tally extends Record<keyof Counts, number> {
  /** The document it counted last: each counts once. */
  last: number;
}

function* countLevel(
  { tallies }: Level,
  documents: readonly CountedDocument[],
  numbers: readonly Int32Array[],
): Generator<undefined, void, undefined> {
  for (const [place, document] of documents.entries()) {
    if (place % documentsBetweenTurns === 0) yield;
    for (const number of numbers[place] ?? []) {
      if (number >= 0) countOnce((tallies[number] ??= emptyTally()), document, place);
    }
  }
}

/** Writes the numbers of the phrases that are one word longer over those of the present ones. */
function* longerLevel(
  { tallies, phrases }: Level,
  documents: readonly CountedDocument[],
  numbers: readonly Int32Array[],
  length: number,
  vocabularySize: number,
): Generator<undefined, Level, undefined> {
  const longer: Level = { tallies: [], phrases: [] };
  const known = new Map<number, number>();
  const numberOf = (first: number, word: number): number => {
    const key = first * vocabularySize + word;
    const number = known.get(key);
    if (number !== undefined) return number;
    known.set(key, longer.phrases.length);
    longer.phrases.push([...(phrases[first] ?? []), word]);
    return longer.phrases.length - 1;
  };
  for (const [place, { words }] of documents.entries()) {
    if (place % documentsBetweenTurns === 0) yield;
    const here = numbers[place] ?? new Int32Array(0);
    for (let at = 0; at < here.length; at += 1) {
      const first = here[at] ?? -1;
      const second = here[at + 1] ?? -1;
      const word = words[at + length];
      const isLookedAt = word !== undefined && isFrequent(tallies[first]) && isFrequent(tallies[second]);
      here[at] = isLookedAt ? numberOf(first, word) : -1;
    }
  }
  return longer;
}

function emptyTally(): Tally {
  return { before: 0, after: 0, rightBefore: 0, rightAfter: 0, last: -1 };
}

function countOnce(tally: Tally, { isAfter, isRight }: CountedDocument, place: number): void {
  if (tally.last === place) return;
  tally.last = place;
  if (isAfter) tally.after += 1;
  else tally.before += 1;
  if (isRight && isAfter) tally.rightAfter += 1;
  if (isRight && !isAfter) tally.rightBefore += 1;
}

function isFrequent(tally: Tally | undefined): tally is Tally {
  return tally !== undefined && tally.before + tally.after >= leastRollouts;
}

function countsOf({ before, after, rightBefore, rightAfter }: Tally): Counts {
  return { before, after, rightBefore, rightAfter };
}
