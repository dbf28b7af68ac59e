import type { TextTerm } from './rolloutMatch';

/** Where a text has what was searched for: the first place, in UTF-16 units, and how many there are. */
export interface TextMatch {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Finds one term in a text. */
export type FindInText = (text: string) => TextMatch | undefined;

/** Nobody reads further, and an empty match would be counted at every character. */
export const mostCounted = 999;

/** The search for one term over decoded texts, whatever its sign. */
export function finderOf(term: TextTerm): FindInText {
  if (term.kind === 'expression') return expressionFinder(new RegExp(term.source, `${term.flags}g`));
  if (isExact(term.text)) return (text) => findLiteral(text, term.text);
  const needle = foldCase(term.text);
  return (text) => findLiteral(foldCase(text), needle);
}

/** Every term has to hold; the places are those of the first term that is not negated. */
export function findAll(
  text: string,
  finders: readonly { readonly negated: boolean; readonly find: FindInText }[],
): TextMatch | undefined {
  let first: TextMatch | undefined;
  for (const { negated, find } of finders) {
    const match = find(text);
    if ((match === undefined) !== negated) return undefined;
    first ??= match;
  }
  return first ?? { from: 0, to: 0, count: 0 };
}

/** As in the search of many tools, a word with a capital means just that, and others any case. */
export function isExact(text: string): boolean {
  return text !== text.toLowerCase();
}

/** Whether a word can be looked for among the bytes of a text, which are UTF-8. */
export function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text);
}

/** Where `needle` is; overlapping places count once. */
export function findLiteral(text: string, needle: string): TextMatch | undefined {
  const from = text.indexOf(needle);
  if (from === -1) return undefined;
  let count = 1;
  for (let at = from + needle.length; count < mostCounted; count += 1) {
    at = text.indexOf(needle, at);
    if (at === -1) break;
    at += needle.length;
  }
  return { from, to: from + needle.length, count };
}

/**
 * Text in lower case, as long as before, so that places in it are places in the text. The Kelvin sign stays, or letters
 * that are ASCII would be found among bytes that are not; the two small sigmas are one.
 */
export function foldCase(text: string): string {
  const folded = text.toLowerCase();
  if (folded.length === text.length && !text.includes(kelvin)) return folded.replaceAll('ς', 'σ');
  let result = '';
  for (const character of text) {
    const lower = character.toLowerCase();
    result += lower.length === character.length && character !== kelvin ? lower : character;
  }
  return result.replaceAll('ς', 'σ');
}

const kelvin = '\u212a';

function expressionFinder(expression: RegExp): FindInText {
  return (text) => {
    expression.lastIndex = 0;
    const first = expression.exec(text);
    if (first === null) return undefined;
    let count = 1;
    for (let last = first; count < mostCounted; count += 1) {
      // An empty match does not move on by itself.
      if (last[0] === '') expression.lastIndex += expression.unicode ? unitsAt(text, expression.lastIndex) : 1;
      const next = expression.exec(text);
      if (next === null) break;
      last = next;
    }
    return { from: first.index, to: first.index + first[0].length, count };
  };
}

/** UTF-16 units of the character at a place. */
function unitsAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
