import { decodeUtf8, encodeUtf8 } from '../../core/utf8';
import { finder, type Piece } from './addedTokens';
import { byteLevelBytes, sentencePieceBytes, singleByte } from './byteAlphabet';
import { bytePairModel, type BytePairModel } from './bytePairModel';
import { CheckpointProblem } from './problem';
import { addedTokens, specialNames, type SpecialNames } from './specialTokens';
import { builtTokenizer, configName, isByteLevel } from './tokenizerClass';
import { jsonObject, readTokenizerFile, tokenizerName, type AddedToken, type TokenizerFile } from './tokenizerFile';
import { normalizerOf, wordsOf, type Normalize, type Words } from './tokenizerSteps';
import { aroundOf } from './tokensAround';

/** Texts of a checkpoint's files; undefined for one that is not there. */
export interface TokenizerTexts {
  readonly tokenizer: string;
  readonly config: string | undefined;
  /** Of older checkpoints (`special_tokens_map.json`): read where the configuration names no special tokens. */
  readonly specialTokensMap: string | undefined;
  /** `model_type` of the model's `config.json`, on which it depends how Python reads the rest. */
  readonly modelType: string;
}

/**
 * A tokenizer that gives the ids Python's gives.
 *
 * One difference is not to be mended: what is a letter is asked of this engine's Unicode, and of Python's library's. Characters
 * that only the newer of the two knows may be cut otherwise, into other tokens of the same bytes.
 *
 * What it costs to encode a text follows from the pattern in `tokenizer.json`, which is its maker's doing and may be
 * made to take for ever: texts are encoded in the process that holds the checkpoint, which can be ended.
 */
export interface TextTokenizer {
  /** One more than the largest id. */
  readonly size: number;
  /** `bos_token` and its like, for templates. */
  readonly names: SpecialNames;
  /**
   * Ids of a text, as `tokenizer(text, add_special_tokens=special).input_ids`: added tokens that stand in the text
   * are found; `special` puts the tokens around it that the tokenizer has for a whole text, such as `<s>`. Half of a surrogate pair
   * is U+FFFD. Bytes of the ids are the text as the tokenizer normalises it: with a space put before it, or composed (NFC).
   */
  readonly encode: (text: string, options: { readonly special: boolean }) => Int32Array;
  /** Raw bytes of a token, a special one spelled out, as the trainer records them; none for an id without a token. */
  readonly bytesOf: (id: number) => Uint8Array;
  /** Is it a token that no text is made of, such as an end token? */
  readonly isSpecial: (id: number) => boolean;
  /** The token as a list shows it: its text where that is whole characters, else its bytes as in `<0xF0><0x9F>`. */
  readonly tokenOf: (id: number) => string;
}

/** Make a tokenizer of a checkpoint's files. Throws {@link CheckpointProblem} for what is not understood, by its name. */
export function readTokenizer(texts: TokenizerTexts): TextTokenizer {
  const map = texts.specialTokensMap === undefined ? {} : jsonObject(texts.specialTokensMap, 'special_tokens_map.json');
  const own = texts.config === undefined ? {} : jsonObject(texts.config, configName);
  const config = { ...map, ...own };
  const { file, names: ofClass } = builtTokenizer(readTokenizerFile(texts.tokenizer), config, texts.modelType);
  const model = bytePairModel(file.model);
  const names = specialNames(config, ofClass);
  const added = addedTokens(file.added, config, names, model.vocabulary);
  const bytes = bytesOfTokens(model, added, isByteLevel(file.decoder, 'decoders'));
  const special = new Set(added.filter((token) => token.special).map(({ id }) => id));
  const encode = encoder(file, model, added);
  const around = aroundOf(file.postProcessor);
  const bytesOf = (id: number): Uint8Array => bytes[id] ?? new Uint8Array(0);
  return {
    size: bytes.length,
    names,
    encode: (text, options) => {
      const ids = encode(text);
      return Int32Array.from(options.special ? [...around.before, ...ids, ...around.after] : ids);
    },
    bytesOf,
    isSpecial: (id) => special.has(id),
    tokenOf: (id) => shownBytes(bytesOf(id)),
  };
}

/** What to say of a checkpoint without `tokenizer.json`; `names` are the files of its folder. */
export function missingTokenizer(names: readonly string[]): CheckpointProblem {
  const older = ['tokenizer.model', 'vocab.json', 'tekken.json'].find((name) => names.includes(name));
  return new CheckpointProblem(
    older === undefined ? 'it is missing' : `it is missing, and ${older} alone is not read`,
    tokenizerName,
    older === undefined
      ? 'copy it from the model that was trained'
      : 'load and save the tokenizer once with transformers (AutoTokenizer.from_pretrained, save_pretrained), which writes it',
  );
}

/** Undefined when a model with `vocabulary` embeddings knows every token. */
export function fitsModel(tokenizer: TextTokenizer, vocabulary: number): CheckpointProblem | undefined {
  if (tokenizer.size <= vocabulary) return undefined;
  return new CheckpointProblem(
    `the tokenizer has ${tokenizer.size} tokens, the model only ${vocabulary} embeddings`,
    tokenizerName,
    'take tokenizer and weights from the same model',
  );
}

function encoder(file: TokenizerFile, model: BytePairModel, added: readonly AddedToken[]): (text: string) => number[] {
  const normalize = normalizerOf(file.normalizer);
  const steps: Steps = {
    normalize,
    words: wordsOf(file.preTokenizer),
    encode: model.encode,
    raw: finder(
      added.filter((token) => !token.normalized),
      ({ content }) => content,
    ),
    normalized: finder(
      added.filter((token) => token.normalized),
      ({ content }) => normalize(content),
    ),
  };
  return (text) => encodePieces(wellFormed(text), steps);
}

interface Steps {
  readonly normalize: Normalize;
  readonly words: Words;
  readonly encode: BytePairModel['encode'];
  readonly raw: (text: string) => readonly Piece[];
  readonly normalized: (text: string) => readonly Piece[];
}

function encodePieces(text: string, steps: Steps): number[] {
  const ids: number[] = [];
  for (const outer of steps.raw(text)) {
    if (outer.kind === 'token') {
      ids.push(outer.id);
      continue;
    }
    for (const piece of steps.normalized(steps.normalize(outer.text))) {
      if (piece.kind === 'token') ids.push(piece.id);
      else
        for (const word of steps.words(piece.text, outer.start + piece.start === 0))
          for (const id of steps.encode(word)) ids.push(id);
    }
  }
  return ids;
}

function bytesOfTokens(model: BytePairModel, added: readonly AddedToken[], byteLevel: boolean): Uint8Array[] {
  const spelled = byteLevel ? byteLevelBytes : sentencePieceBytes;
  const ids = [...model.vocabulary.values(), ...added.map(({ id }) => id)];
  const size = ids.reduce((most, id) => Math.max(most, id + 1), 0);
  const bytes = Array.from({ length: size }, (): Uint8Array => noBytes);
  for (const [token, id] of model.vocabulary) bytes[id] = spelled(token);
  for (const { id, content } of added)
    bytes[id] = singleByte(content) === undefined ? encodeUtf8(content) : spelled(content);
  return bytes;
}

const noBytes = new Uint8Array(0);

function shownBytes(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (!text.includes('\ufffd')) return text;
  return [...bytes].map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`).join('');
}

/** Halves of surrogate pairs are U+FFFD, as they are once a text is written to a file. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
