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

const documentsBetweenTurns = 20;

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
    tally.before + tally.after >= leastRollouts ? [{ words, counts: countsOf(tally) }] : [],
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
  const levels = [wordLevel(vocabularySize)];
  for (let length = 1; length <= longestPhrase; length += 1) {
    const level = levels[length - 1] ?? wordLevel(0);
    yield* countLevel(level, documents, numbers);
    for (let number = 0; number < level.before.length; number += 1) {
      if (number % phrasesBetweenTurns === 0) yield;
      if (!isFrequentIn(level, number)) continue;
      result.push({ words: wordsOfPhrase(levels, length - 1, number), counts: countsIn(level, number) });
    }
    if (length < longestPhrase) levels.push(yield* longerLevel(level, documents, numbers, length, vocabularySize));
  }
  return result;
}

const phrasesBetweenTurns = 10_000;

/** All phrases of one length in columns: there may be a million of them. */
interface Level {
  /** The phrase without its last word, as a number of the level below. */
  readonly first: number[];
  readonly word: number[];
  readonly before: number[];
  readonly after: number[];
  readonly rightBefore: number[];
  readonly rightAfter: number[];
  /** The document that counted last: each counts once. */
  readonly last: number[];
}

function emptyLevel(): Level {
  return { first: [], word: [], before: [], after: [], rightBefore: [], rightAfter: [], last: [] };
}

function wordLevel(vocabularySize: number): Level {
  const level = emptyLevel();
  for (let word = 0; word < vocabularySize; word += 1) addPhrase(level, -1, word);
  return level;
}

function addPhrase(level: Level, first: number, word: number): number {
  level.first.push(first);
  level.word.push(word);
  level.before.push(0);
  level.after.push(0);
  level.rightBefore.push(0);
  level.rightAfter.push(0);
  level.last.push(-1);
  return level.last.length - 1;
}

function wordsOfPhrase(levels: readonly Level[], at: number, number: number): number[] {
  const level = levels[at];
  if (level === undefined) return [];
  return [...wordsOfPhrase(levels, at - 1, level.first[number] ?? -1), level.word[number] ?? -1];
}

function* countLevel(
  level: Level,
  documents: readonly CountedDocument[],
  numbers: readonly Int32Array[],
): Generator<undefined, void, undefined> {
  for (const [place, { isAfter, isRight }] of documents.entries()) {
    if (place % documentsBetweenTurns === 0) yield;
    const counts = isAfter ? level.after : level.before;
    const right = isAfter ? level.rightAfter : level.rightBefore;
    for (const number of numbers[place] ?? []) {
      if (number < 0 || level.last[number] === place) continue;
      level.last[number] = place;
      counts[number] = (counts[number] ?? 0) + 1;
      if (isRight) right[number] = (right[number] ?? 0) + 1;
    }
  }
}

/** Writes the numbers of the phrases that are one word longer over those of the present ones. */
function* longerLevel(
  level: Level,
  documents: readonly CountedDocument[],
  numbers: readonly Int32Array[],
  length: number,
  vocabularySize: number,
): Generator<undefined, Level, undefined> {
  const longer = emptyLevel();
  const known = new Map<number, number>();
  const numberOf = (first: number, word: number): number => {
    const key = first * vocabularySize + word;
    const number = known.get(key);
    if (number !== undefined) return number;
    const added = addPhrase(longer, first, word);
    known.set(key, added);
    return added;
  };
  for (const [place, { words }] of documents.entries()) {
    if (place % documentsBetweenTurns === 0) yield;
    const here = numbers[place] ?? new Int32Array(0);
    for (let at = 0; at < here.length; at += 1) {
      const first = here[at] ?? -1;
      const word = words[at + length];
      const isLookedAt = word !== undefined && isFrequentIn(level, first) && isFrequentIn(level, here[at + 1] ?? -1);
      here[at] = isLookedAt ? numberOf(first, word) : -1;
    }
  }
  return longer;
}

function isFrequentIn({ before, after }: Level, number: number): boolean {
  return number >= 0 && (before[number] ?? 0) + (after[number] ?? 0) >= leastRollouts;
}

function countsIn({ before, after, rightBefore, rightAfter }: Level, number: number): Counts {
  return {
    before: before[number] ?? 0,
    after: after[number] ?? 0,
    rightBefore: rightBefore[number] ?? 0,
    rightAfter: rightAfter[number] ?? 0,
  };
}

interface Tally extends Record<keyof Counts, number> {
  last: number;
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

function countsOf({ before, after, rightBefore, rightAfter }: Tally): Counts {
  return { before, after, rightBefore, rightAfter };
}
