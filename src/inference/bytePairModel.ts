import { BPE } from '@huggingface/tokenizers';
import { encodeUtf8 } from '../../core/utf8';
import { isFields, notUnderstood, unknownKind, type Fields } from './tokenizerFile';

/** Byte-pair encoding: ids of words. */
export interface BytePairModel {
  /** Id of each token of the vocabulary; added tokens are not in it. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Ids of a word that was cut out of a text. */
  readonly encode: (word: string) => readonly number[];
}

/** Ids beyond it belong to no vocabulary that exists. */
const maxId = 4_194_303;
/** Words up to so many characters are remembered, and so many of them. */
const rememberedLength = 64;
const rememberedWords = 20_000;

/** The model of a `tokenizer.json`. Throws `CheckpointProblem` for other kinds, and for merges of unknown tokens. */
export function bytePairModel(model: Fields): BytePairModel {
  const type = model['type'];
  if (type !== 'BPE' && !(type === undefined && Array.isArray(model['merges'])))
    throw unknownKind(model, 'the model', 'model.type');
  for (const key of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix'])
    if (model[key] !== undefined && model[key] !== null && model[key] !== '' && model[key] !== 0)
      throw notUnderstood(`a model with \`${key}\` is not supported`, `model.${key}`);
  const vocabulary = vocabularyOf(model['vocab']);
  const merges = mergesOf(model['merges'], vocabulary);
  const unknown = unknownToken(model['unk_token'], vocabulary);
  const fallback = model['byte_fallback'] === true ? byteTokens(vocabulary) : undefined;
  const pairs = new BPE({
    type: 'BPE',
    // Merging asks for ranks alone; the library would make a second map of all tokens.
    vocab: {},
    merges,
    unk_token: '',
    byte_fallback: false,
  } as unknown as ConstructorParameters<typeof BPE>[0]);
  const pieces = { vocabulary, unknown, fallback, fuse: model['fuse_unk'] === true };
  const whole = model['ignore_merges'] === true;
  return {
    vocabulary,
    encode: remembering((word) => {
      const id = whole ? vocabulary.get(word) : undefined;
      return id === undefined ? idsOf(pairs.bpe(word), pieces) : [id];
    }),
  };
}

interface Pieces {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly unknown: number | undefined;
  /** [256] tokens of the bytes a character without a token is written with. */
  readonly fallback: readonly (number | undefined)[] | undefined;
  readonly fuse: boolean;
}

function idsOf(tokens: readonly string[], { vocabulary, unknown, fallback, fuse }: Pieces): number[] {
  const ids: number[] = [];
  let afterUnknown = false;
  for (const token of tokens) {
    const id = vocabulary.get(token);
    const bytes = id === undefined ? fallenBack(token, fallback) : [id];
    if (bytes !== undefined) ids.push(...bytes);
    else if (unknown !== undefined && !(fuse && afterUnknown)) ids.push(unknown);
    afterUnknown = bytes === undefined;
  }
  return ids;
}

/** All bytes of a character, or undefined when one of them has no token. */
function fallenBack(token: string, fallback: Pieces['fallback']): readonly number[] | undefined {
  if (fallback === undefined) return undefined;
  const ids = [...encodeUtf8(token)].map((byte) => fallback[byte]);
  return ids.every((id) => id !== undefined) ? ids : undefined;
}

function vocabularyOf(value: unknown): Map<string, number> {
  if (!isFields(value)) throw notUnderstood('its vocabulary is no object of ids by token', 'model.vocab');
  const vocabulary = new Map<string, number>();
  const taken = new Set<number>();
  for (const [token, id] of Object.entries(value)) {
    if (!isId(id))
      throw notUnderstood(`the id of token ${shown(token)} is no number from 0 to ${maxId}`, 'model.vocab');
    if (taken.has(id)) throw notUnderstood(`two tokens have the id ${id}`, 'model.vocab');
    taken.add(id);
    vocabulary.set(token, id);
  }
  return vocabulary;
}

function mergesOf(value: unknown, vocabulary: ReadonlyMap<string, number>): [string, string][] {
  if (!Array.isArray(value)) throw notUnderstood('its merges are no list', 'model.merges');
  return value.map((merge: unknown, index) => {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2)
      throw notUnderstood(`merge ${index + 1} is no pair of tokens`, 'model.merges');
    const [left, right] = pair as readonly unknown[];
    if (
      typeof left !== 'string' ||
      typeof right !== 'string' ||
      ![left, right, left + right].every((token) => vocabulary.has(token))
    )
      throw notUnderstood(`merge ${index + 1} has a token that is not in the vocabulary`, 'model.merges');
    return [left, right];
  });
}

function unknownToken(value: unknown, vocabulary: ReadonlyMap<string, number>): number | undefined {
  if (value === undefined || value === null) return undefined;
  const id = typeof value === 'string' ? vocabulary.get(value) : undefined;
  if (id === undefined) throw notUnderstood('the unknown token is not in the vocabulary', 'model.unk_token');
  return id;
}

function byteTokens(vocabulary: ReadonlyMap<string, number>): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) =>
    vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
}

/** Most words of a text come again: their ids are kept, and forgotten all at once when they are too many. */
function remembering(encode: (word: string) => readonly number[]): (word: string) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  return (word) => {
    const before = known.get(word);
    if (before !== undefined) return before;
    const ids = encode(word);
    if (known.size >= rememberedWords) known.clear();
    if (word.length <= rememberedLength) known.set(word, ids);
    return ids;
  };
}

/** Is it an id that a vocabulary can have? */
export function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxId;
}

/** A token as a message shows it. */
export function shown(token: string): string {
  return JSON.stringify(token.length > 40 ? `${token.slice(0, 40)}…` : token);
}
