import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { isFields, notUnderstood, type Fields } from './tokenizerFile';

/** Cuts a text into pieces that together are the text. */
export type Cut = (text: string) => readonly string[];

/** GPT-2's words, as `ByteLevel` cuts them. `\s` and `\p{…}` are Unicode's, as everywhere in this file. */
const byteLevelPattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
/** Longer than any in use; what a pattern costs is its maker's doing (see `TextTokenizer`). */
const maxPatternLength = 4_000;
/**
 * What patterns are made of that mean the same to Oniguruma, which Python's tokenizers use, and to JavaScript as
 * the library rewrites them: classes, properties, counts, groups, looks ahead and behind. Not: anchors, boundaries, back references.
 */
const understood =
  /^(?:\\[pP]\{\^?[A-Za-z_]+\}|\\[sSdDrntfv]|\\[\\^$.*+?()[\]{}|/'"!#&,:;<=>@_`~% -]|\\u[0-9A-Fa-f]{4}|\\x\{[0-9A-Fa-f]{1,6}\}|\(\?(?:i?:|=|!|<=|<!)|\{\d+(?:,\d*)?\}|[^\\{}^$]|\[\^)+$/u;

/** Words as GPT-2 cuts them. */
export function byteLevelWords(): Cut {
  return isolating(byteLevelPattern);
}

/** Numbers apart from all else, or each digit by itself; a digit is whatever Unicode calls a number. */
export function digitWords(each: boolean): Cut {
  return isolating(each ? String.raw`\p{N}` : String.raw`\p{N}+`);
}

/** Words that begin with a mark. */
export function markedWords(mark: string): Cut {
  return (text) => {
    const words: string[] = [];
    let from = 0;
    for (let at = text.indexOf(mark, 1); at !== -1; at = text.indexOf(mark, at + 1)) {
      words.push(text.slice(from, at));
      from = at;
    }
    words.push(text.slice(from));
    return words;
  };
}

/** A `Split` of a `tokenizer.json`. Throws `CheckpointProblem` for what cannot be known to cut as Python does. */
export function splitWords(part: Fields): Cut {
  const key = 'pre_tokenizer';
  const { behavior, invert } = part;
  if (behavior !== 'Isolated' || (invert !== undefined && typeof invert !== 'boolean'))
    throw notUnderstood(`a split with the behaviour ${JSON.stringify(behavior)} is not supported`, `${key}.behavior`);
  const pattern = isFields(part['pattern']) ? part['pattern'] : {};
  if (typeof pattern['String'] === 'string' && pattern['String'] !== '') return isolating(quoted(pattern['String']));
  const source = pattern['Regex'];
  if (typeof source !== 'string') throw notUnderstood('a split without a pattern is not supported', `${key}.pattern`);
  if (source.length > maxPatternLength)
    throw notUnderstood(`a pattern of ${source.length} characters is not supported`, `${key}.pattern`);
  const folded = withoutCase(source);
  // A second plus sign is possessive to Oniguruma, and nothing to JavaScript.
  if (folded === undefined || !understood.test(folded) || /[+*?]\+/.test(folded))
    throw notUnderstood('its pattern has parts that are not supported', `${key}.pattern`);
  try {
    return isolating(folded);
  } catch (error) {
    throw notUnderstood(`its pattern is not supported (${reason(error)})`, `${key}.pattern`);
  }
}

function isolating(source: string): Cut {
  const splitter = new SplitPreTokenizer({
    type: 'Split',
    pattern: { Regex: source },
    behavior: 'Isolated',
    invert: false,
  } as unknown as ConstructorParameters<typeof SplitPreTokenizer>[0]);
  return (text) => splitter.pre_tokenize_text(text);
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

/** Letters that are more than their two cases: to Oniguruma, `(?i:s)` is also the long s. */
const otherCases = new Map([
  ['s', 'ſ'],
  ['k', '\u212a'],
]);

/**
 * The pattern without groups that ignore case: their letters become classes, since the library knows only the cases
 * of ASCII. Undefined when such a group holds more than letters, apostrophes and bars.
 */
function withoutCase(source: string): string | undefined {
  const rewritten = source.replace(/\(\?i:([A-Za-z'’|]*)\)/g, (_, body: string) => {
    const letters = body.replace(/[A-Za-z]/g, (letter) => {
      const small = letter.toLowerCase();
      return `[${small}${small.toUpperCase()}${otherCases.get(small) ?? ''}]`;
    });
    return `(?:${letters})`;
  });
  return rewritten.includes('(?i') ? undefined : rewritten;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 120) : 'no reason given';
}
