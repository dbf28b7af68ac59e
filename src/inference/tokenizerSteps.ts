import { encodeUtf8 } from '../../core/utf8';
import { alphabet } from './byteAlphabet';
import { byteLevelWords, digitWords, markedWords, splitWords, type Cut } from './splitting';
import { isFields, notUnderstood, partsOf, typeOf, unknownKind, type Fields } from './tokenizerFile';

/** Changes a piece of text before its words are cut. */
export type Normalize = (text: string) => string;

/** Words of a piece as the model knows them; `first` says that it begins the whole text. */
export type Words = (text: string, first: boolean) => readonly string[];

const preKey = 'pre_tokenizer';

/** What a `normalizer` does. Throws `CheckpointProblem` for a kind that is not known to agree with Python's. */
export function normalizerOf(part: unknown): Normalize {
  const steps = partsOf(part, 'normalizers', 'normalizer').map(normalizeStep);
  return (text) => steps.reduce((before, step) => step(before), text);
}

function normalizeStep(part: unknown): Normalize {
  if (!isFields(part)) throw unknownKind(part, 'the normaliser', 'normalizer');
  switch (part['type']) {
    case 'NFC':
      return (text) => text.normalize('NFC');
    case 'Prepend': {
      const start = stringOf(part, 'prepend');
      return (text) => (text === '' ? '' : start + text);
    }
    case 'Replace': {
      const pattern: unknown = part['pattern'];
      const sought = isFields(pattern) ? stringOf(pattern, 'String') : '';
      const instead = stringOf(part, 'content');
      if (sought === '') throw notUnderstood('a replacement without its text is not supported', 'normalizer.pattern');
      return (text) => text.replaceAll(sought, () => instead);
    }
    default:
      throw unknownKind(part, 'the normaliser', 'normalizer');
  }
}

/** How a `pre_tokenizer` cuts. Throws `CheckpointProblem` for a kind that is not known to agree with Python's. */
export function wordsOf(part: unknown): Words {
  const parts = partsOf(part, 'pretokenizers', preKey);
  const steps = parts.map((step, index) => wordStep(step, index === parts.length - 1));
  return (text, first) => {
    let words: readonly string[] = [text];
    for (const step of steps) words = words.flatMap((word, index) => step(word, first && index === 0));
    return words;
  };
}

function wordStep(part: unknown, last: boolean): Words {
  if (!isFields(part)) throw unknownKind(part, 'the pre-tokeniser', preKey);
  switch (part['type']) {
    case 'Split':
      return splitWords(part);
    case 'Digits':
      return digitWords(part['individual_digits'] === true);
    case 'Metaspace':
      return metaspace(part);
    case 'ByteLevel':
      if (last) return byteLevel(part);
      throw notUnderstood('a pre-tokeniser after `ByteLevel` is not supported', preKey);
    default:
      throw unknownKind(part, 'the pre-tokeniser', preKey);
  }
}

function byteLevel(part: Fields): Words {
  if (part['add_prefix_space'] === true)
    throw notUnderstood('a byte-level tokenizer that adds a space is not supported', `${preKey}.add_prefix_space`);
  const cut: Cut = part['use_regex'] === false ? (text) => [text] : byteLevelWords();
  return (text) => cut(text).map(inAlphabet);
}

function inAlphabet(word: string): string {
  let text = '';
  for (const byte of encodeUtf8(word)) text += alphabet[byte] ?? '';
  return text;
}

function metaspace(part: Fields): Words {
  const mark = stringOf(part, 'replacement');
  const scheme = part['prepend_scheme'] ?? (part['add_prefix_space'] === false ? 'never' : 'always');
  if (scheme !== 'always' && scheme !== 'first' && scheme !== 'never')
    throw notUnderstood('its `prepend_scheme` is not supported', `${preKey}.prepend_scheme`);
  const cut: Cut = part['split'] === false ? (text) => [text] : markedWords(mark);
  return (text, first) => {
    const marked = text.replaceAll(' ', () => mark);
    const bare = !marked.startsWith(mark) && (scheme === 'always' || (scheme === 'first' && first));
    return cut(bare ? mark + marked : marked);
  };
}

function stringOf(part: Fields, key: string): string {
  const value = part[key];
  if (typeof value !== 'string') throw notUnderstood(`${String(typeOf(part))} has no text \`${key}\``, key);
  return value;
}
