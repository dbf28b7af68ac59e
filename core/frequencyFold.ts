import { signedDeviance, type Counts, type Sides } from './frequencyScore';

/** A phrase that was counted, before it is decided whether it is told by itself. */
export interface Candidate {
  /** Numbers of its words. */
  readonly words: readonly number[];
  readonly text: string;
  readonly counts: Counts;
  readonly score: number;
}

/** A candidate that is told, and those that it stands for. */
export interface Told<C extends Candidate> {
  readonly candidate: C;
  readonly folded: readonly C[];
}

/** What a phrase contains: whatever has the phrase has these. */
export type PartsOf = (words: readonly number[]) => readonly (readonly number[])[];

/** Every phrase within a phrase, the longest first. */
export function partsOfPhrase(words: readonly number[]): (readonly number[])[] {
  const parts: (readonly number[])[] = [];
  for (let length = words.length - 1; length > 0; length -= 1) {
    for (let from = 0; from + length <= words.length; from += 1) parts.push(words.slice(from, from + length));
  }
  return parts;
}

/** Every beginning of an opening, the longest first. */
export function partsOfOpening(words: readonly number[]): (readonly number[])[] {
  return words.slice(1).map((_, left) => words.slice(0, words.length - 1 - left));
}

/** A rest whose score is below this is no change of its own. */
const noticeable = 2;
const candidatesBetweenTurns = 200;

/**
 * Tells every change once. A phrase goes into the longest phrase around it that explains it: what is left of it without
 * that one changed no more than chance would. And a longer phrase goes into a part of it that is told and changed at least
 * as clearly: it is but one of the ways in which that part is used.
 */
export function* foldPhrases<C extends Candidate>(
  candidates: readonly C[],
  totals: Sides,
  shorter: PartsOf,
): Generator<undefined, Told<C>[], undefined> {
  const byWords = new Map(candidates.map((candidate) => [keyOf(candidate.words), candidate]));
  const into = new Map<C, C>();
  const partsOf = (candidate: C): C[] => shorter(candidate.words).flatMap((words) => byWords.get(keyOf(words)) ?? []);
  const longestFirst = [...candidates].sort((a, b) => b.words.length - a.words.length || order(a, b));
  for (const [place, longer] of longestFirst.entries()) {
    if (place % candidatesBetweenTurns === 0) yield;
    for (const part of partsOf(longer)) {
      if (!into.has(part) && explains(longer, part, totals)) into.set(part, longer);
    }
  }
  for (const [place, longer] of longestFirst.toReversed().entries()) {
    if (place % candidatesBetweenTurns === 0) yield;
    if (into.has(longer)) continue;
    const stronger = partsOf(longer).find(
      (part) => !into.has(part) && isSameWay(part, longer) && Math.abs(part.score) >= Math.abs(longer.score),
    );
    if (stronger !== undefined) into.set(longer, stronger);
  }
  const folded = new Map<C, C[]>();
  for (const candidate of candidates) {
    const root = rootOf(candidate, into);
    const members = folded.get(root) ?? [];
    folded.set(root, members);
    if (root !== candidate) members.push(candidate);
  }
  return [...folded].map(([candidate, members]) => ({ candidate, folded: members.sort(order) }));
}

/** The clearest first, the longest among equals; the text decides the rest, so that the order is always the same. */
export function order(a: Candidate, b: Candidate): number {
  return Math.abs(b.score) - Math.abs(a.score) || b.words.length - a.words.length || (a.text < b.text ? -1 : 1);
}

/** Is what is left of a part, without the longer phrase that contains it, no change of its own? */
export function explains(longer: Candidate, part: Candidate, totals: Sides): boolean {
  if (!isSameWay(longer, part)) return false;
  const restBefore = part.counts.before - longer.counts.before;
  const restAfter = part.counts.after - longer.counts.after;
  return Math.abs(signedDeviance(restBefore, totals.before, restAfter, totals.after)) < noticeable;
}

function isSameWay(a: Candidate, b: Candidate): boolean {
  return Math.sign(a.score) === Math.sign(b.score);
}

function rootOf<C>(candidate: C, into: ReadonlyMap<C, C>): C {
  let root = candidate;
  for (let next = into.get(root); next !== undefined; next = into.get(root)) root = next;
  return root;
}

function keyOf(words: readonly number[]): string {
  return words.join(' ');
}
