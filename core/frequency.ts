import { countOpenings, countPhrases, totalsOf, type Counted, type CountedDocument } from './frequencyCount';
import {
  explains,
  foldPhrases,
  order,
  partsOfOpening,
  partsOfPhrase,
  type Candidate,
  type PartsOf,
} from './frequencyFold';
import { signedDeviance, surelyAbove, type Counts } from './frequencyScore';
import { vocabulary, wordsOf, type Vocabulary } from './frequencyWords';

/** Rollouts of two ranges of steps, as words. */
export interface Corpus {
  readonly vocabulary: Vocabulary;
  readonly documents: CorpusDocument[];
}

/** One rollout. */
export interface CorpusDocument extends CountedDocument {
  readonly row: number;
}

/** A phrase, or the beginning of responses, whose share changed. */
export interface FrequencyChange {
  readonly words: string;
  /** Rollouts that have it. */
  readonly counts: Counts;
  /** Positive: more frequent after; see `signedDeviance`. */
  readonly score: number;
  /** Not by chance, however many phrases were looked at. */
  readonly isSure: boolean;
  /** Phrases whose change is told by this one. */
  readonly folded: readonly string[];
  readonly examples: readonly FrequencyExample[];
}

/** Where a rollout has the phrase, in UTF-16 units of its text. */
export interface FrequencyExample {
  readonly row: number;
  readonly from: number;
  readonly to: number;
}

/** Tells one example from all others. */
export function exampleKey({ row, from, to }: FrequencyExample): string {
  return `${row} ${from} ${to}`;
}

/** The clearest changes first. */
export interface FrequencyChanges {
  /** All rollouts, and those of them that are right. */
  readonly totals: Counts;
  readonly openings: readonly FrequencyChange[];
  readonly phrases: readonly FrequencyChange[];
}

/** Changes that are told of each kind, upwards and downwards. */
const mostTold = 30;
const leastScore = 2;
const examplesEach = 2;
const longestGrown = 12;

/** No rollouts yet. */
export function corpus(): Corpus {
  return { vocabulary: vocabulary(), documents: [] };
}

/** Take one rollout. */
export function addText(into: Corpus, text: string, about: Pick<CorpusDocument, 'row' | 'isAfter' | 'isRight'>): void {
  into.documents.push({ ...wordsOf(text, into.vocabulary), ...about });
}

/**
 * What became more and less frequent: the share of rollouts that have a phrase, not how often it stands in them. Yields
 * now and then, so that others have their turn.
 */
export function* changesOf(of: Corpus): Generator<undefined, FrequencyChanges, undefined> {
  const { documents } = of;
  const totals = totalsOf(documents);
  const openings = yield* tell(of, totals, countOpenings(documents), openingKind);
  const counted = yield* countPhrases(documents, of.vocabulary.words.length);
  return { totals, openings, phrases: yield* tell(of, totals, counted, phraseKind) };
}

/** What openings and phrases have in common. */
interface Kind {
  readonly partsOf: PartsOf;
  /** Does the first stand in whatever the second stands in? */
  readonly isWithin: (part: string, whole: string) => boolean;
  /** Where a document has it, as a word of it, or −1. */
  readonly placeIn: (document: CorpusDocument, phrase: readonly number[]) => number;
  readonly growsBackwards: boolean;
}

const openingKind: Kind = {
  partsOf: partsOfOpening,
  isWithin: (part, whole) => `${whole} `.startsWith(`${part} `),
  placeIn: openingAt,
  growsBackwards: false,
};

const phraseKind: Kind = {
  partsOf: partsOfPhrase,
  isWithin: (part, whole) => ` ${whole} `.includes(` ${part} `),
  placeIn: phraseAt,
  growsBackwards: true,
};

function* tell(
  { vocabulary: known, documents }: Corpus,
  totals: Counts,
  counted: readonly Counted[],
  kind: Kind,
): Generator<undefined, FrequencyChange[], undefined> {
  const shown = (words: readonly number[]): string => words.map((word) => known.words[word] ?? '').join(' ');
  const sure = surelyAbove(counted.length);
  const noticed = counted.flatMap(({ words, counts }): Candidate[] => {
    const score = signedDeviance(counts.before, totals.before, counts.after, totals.after);
    return Math.abs(score) < leastScore ? [] : [{ words, counts, score, text: shown(words) }];
  });
  yield;
  const folded = yield* foldPhrases(noticed, totals, kind.partsOf);
  folded.sort((a, b) => order(a.candidate, b.candidate));
  const told: Grown[] = [];
  const room = { up: mostTold, down: mostTold };
  for (const { candidate, folded: members } of folded) {
    yield;
    const teller = told.find((one) => isToldBy(candidate, one, totals, kind));
    if (teller !== undefined) {
      teller.folded.push(candidate, ...members);
      continue;
    }
    const way = candidate.score > 0 ? 'up' : 'down';
    if (room[way] === 0) continue;
    room[way] -= 1;
    const words = grow(documents, candidate.words, known, kind);
    told.push({ grown: { ...candidate, words, text: shown(words) }, folded: [...members] });
  }
  const changes: FrequencyChange[] = [];
  for (const { grown, folded: members } of told) {
    yield;
    changes.push({
      words: grown.text,
      counts: grown.counts,
      score: grown.score,
      isSure: Math.abs(grown.score) >= sure,
      folded: members.map(({ text }) => text),
      examples: examplesOf(documents, grown, kind),
    });
  }
  return changes;
}

/** A change that is told, and the phrases that it tells it for. */
interface Grown {
  readonly grown: Candidate;
  readonly folded: Candidate[];
}

/**
 * Does a phrase, none of whose parts is told, belong to one that is? Windows of four words overlap: it is another window of
 * what the told one has grown to, or it goes on from a window that the same rollouts have.
 */
function isToldBy(candidate: Candidate, { grown, folded }: Grown, totals: Counts, { isWithin }: Kind): boolean {
  if (isWithin(candidate.text, grown.text) && explains(grown, candidate, totals)) return true;
  if (Math.sign(candidate.score) !== Math.sign(grown.score)) return false;
  if (Math.abs(candidate.score) > Math.abs(grown.score)) return false;
  return [grown, ...folded].some(
    (window) => isWithin(window.text, candidate.text) && sizeOf(window) <= 1.1 * sizeOf(grown),
  );
}

function sizeOf({ counts }: Candidate): number {
  return counts.before + counts.after;
}

/** The phrase with what always follows it, and what always stands before it, in every rollout that has it. */
function grow(
  documents: readonly CorpusDocument[],
  phrase: readonly number[],
  known: Vocabulary,
  { placeIn, growsBackwards }: Kind,
): readonly number[] {
  const having = documents.flatMap((document) => {
    const at = placeIn(document, phrase);
    return at === -1 ? [] : [{ document, at }];
  });
  const always = (distance: number): number | undefined => {
    const [first] = having;
    const word = first?.document.words[first.at + distance];
    if (word === undefined || known.words[word]?.startsWith('<') === true) return undefined;
    return having.every(({ document, at }) => document.words[at + distance] === word) ? word : undefined;
  };
  const grown = [...phrase];
  for (
    let next = always(grown.length);
    next !== undefined && grown.length < longestGrown;
    next = always(grown.length)
  ) {
    grown.push(next);
  }
  if (!growsBackwards) return grown;
  for (let before = 1, next = always(-1); next !== undefined && grown.length < longestGrown; next = always(-before)) {
    grown.unshift(next);
    before += 1;
  }
  return grown;
}

/** Some rollouts of the range that has the phrase more often, right ones and wrong ones, the newest first. */
function examplesOf(
  documents: readonly CorpusDocument[],
  { words, score }: Candidate,
  { placeIn }: Kind,
): FrequencyExample[] {
  const right: FrequencyExample[] = [];
  const wrong: FrequencyExample[] = [];
  for (const document of documents.toReversed()) {
    const some = document.isRight ? right : wrong;
    if (document.isAfter !== score > 0 || some.length === examplesEach) continue;
    const place = placeIn(document, words);
    if (place === -1) continue;
    const { row, from, to } = document;
    some.push({ row, from: from[place] ?? 0, to: to[place + words.length - 1] ?? 0 });
    if (right.length + wrong.length === 2 * examplesEach) break;
  }
  return [...right, ...wrong];
}

function openingAt(document: CorpusDocument, phrase: readonly number[]): number {
  return isAt(document, phrase, document.opening) ? document.opening : -1;
}

function phraseAt(document: CorpusDocument, phrase: readonly number[]): number {
  const { words } = document;
  const first = phrase[0] ?? -1;
  for (let at = words.indexOf(first); at !== -1; at = words.indexOf(first, at + 1)) {
    if (isAt(document, phrase, at)) return at;
  }
  return -1;
}

function isAt({ words }: CorpusDocument, phrase: readonly number[], at: number): boolean {
  return phrase.every((word, place) => words[at + place] === word);
}
