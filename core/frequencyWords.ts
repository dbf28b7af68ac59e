import { withoutLeadingTags } from './rolloutList';

/** Words of a text by number, and where they stand in it. */
export interface WordsOfText {
  readonly words: Int32Array;
  /** UTF-16 units, one a word. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** The first word behind the tags a response begins with. */
  readonly opening: number;
}

/** Words that were met, numbered in the order of their first use. */
export interface Vocabulary {
  readonly numbers: Map<string, number>;
  readonly words: string[];
}

/** A text has so many words at most; the rest is left out. */
export const mostWords = 4000;

const longestWord = 60;
// A tag; one character of a script that has no spaces; what stands between white space.
const piece =
  /<\|?[A-Za-z_/]{1,20}\|?>|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[^\s<\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+|</gu;
const leadingMarks = /^[.,;:!?"'()[\]*_`“”‘’…]+(?=.)/u;
const trailingMarks = /(?<=.)[.,;:!?"'()[\]*_`“”‘’…]+$/u;

/** No words yet. */
export function vocabulary(): Vocabulary {
  return { numbers: new Map(), words: [] };
}

/** The words of a text, as they are counted: in lower case, every number alike, without the marks around them. */
export function wordsOf(text: string, known: Vocabulary): WordsOfText {
  const opens = text.length - withoutLeadingTags(text).length;
  const words: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  let opening = 0;
  for (const { index, 0: found } of text.matchAll(piece)) {
    if (words.length === mostWords) break;
    if (index < opens) opening += 1;
    words.push(numberOf(known, plainWord(found)));
    from.push(index);
    to.push(index + found.length);
  }
  return { words: Int32Array.from(words), from: Int32Array.from(from), to: Int32Array.from(to), opening };
}

/** A word in the form that is counted. */
export function plainWord(found: string): string {
  const bare = found.slice(0, longestWord).replace(leadingMarks, '').replace(trailingMarks, '');
  return bare.replaceAll(/\d+(?:[.,]\d+)*/g, '#').toLowerCase();
}

function numberOf(known: Vocabulary, word: string): number {
  const number = known.numbers.get(word);
  if (number !== undefined) return number;
  known.numbers.set(word, known.words.length);
  known.words.push(word);
  return known.words.length - 1;
}
