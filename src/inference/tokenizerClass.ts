import { CheckpointProblem } from './problem';
import { typeOf, type Fields, type TokenizerFile } from './tokenizerFile';

/** What a tokenizer is, once its class has had its say. */
export interface BuiltTokenizer {
  readonly file: TokenizerFile;
  /** Special tokens that the class has where the configuration names none. */
  readonly names: Fields;
}

export const configName = 'tokenizer_config.json';

/** Of Qwen2's words: one digit at a time. */
const qwenPattern = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const endOfText = '<|endoftext|>';
const byteLevelDecoder = { type: 'ByteLevel' };
/** Classes that take `tokenizer.json` as it is. */
const plainClasses: readonly unknown[] = [undefined, null, 'TokenizersBackend', 'PreTrainedTokenizer'];

/**
 * The tokenizer as transformers 5 makes it: some classes take vocabulary and merges from `tokenizer.json` and build all else
 * themselves, whatever the file says. The trainer loads its models that way, so its traces are made of those tokens.
 * `modelType` is that of `config.json`. Throws `CheckpointProblem` for a class that is not known here.
 */
export function builtTokenizer(file: TokenizerFile, config: Fields, modelType: string): BuiltTokenizer {
  const named: unknown = config['tokenizer_class'];
  const given = typeof named === 'string' ? named.replace(/Fast$/, '') : named;
  switch (pythonClass(given, modelType, file)) {
    case 'plain':
      return { file, names: {} };
    case 'Qwen2Tokenizer':
      return {
        file: asQwen2(file, config),
        names: { unk_token: endOfText, eos_token: endOfText, pad_token: endOfText },
      };
    case 'GPT2Tokenizer':
      return {
        file: asGpt2(file, config),
        names: { unk_token: endOfText, bos_token: endOfText, eos_token: endOfText },
      };
    case 'LlamaTokenizer':
      return { file: asLlama(file, config), names: { unk_token: '<unk>', bos_token: '<s>', eos_token: '</s>' } };
    case undefined:
      throw new CheckpointProblem(
        `the tokenizer class ${JSON.stringify(String(given).slice(0, 60))} is not supported`,
        `${configName} (tokenizer_class)`,
        'if tokenizer.json says all, write "TokenizersBackend" there, for the trainer too',
      );
  }
}

type PythonClass = 'plain' | 'Qwen2Tokenizer' | 'GPT2Tokenizer' | 'LlamaTokenizer';

function pythonClass(given: unknown, modelType: string, file: TokenizerFile): PythonClass | undefined {
  if (modelType === 'mistral') return 'plain';
  const qwenByItself = modelType === 'qwen3' && (given === undefined || given === null);
  if (modelType === 'qwen2' || qwenByItself) return 'Qwen2Tokenizer';
  if (plainClasses.includes(given)) return 'plain';
  if (given === 'LlamaTokenizer') {
    const bytes = isByteLevel(file.preTokenizer, 'pretokenizers') || isByteLevel(file.decoder, 'decoders');
    return bytes ? 'plain' : 'LlamaTokenizer';
  }
  return given === 'Qwen2Tokenizer' || given === 'GPT2Tokenizer' ? given : undefined;
}

/** Is a part, or one of a sequence of parts, `ByteLevel`? */
export function isByteLevel(part: unknown, listKey: 'pretokenizers' | 'decoders'): boolean {
  if (typeOf(part) === 'ByteLevel') return true;
  const list = typeOf(part) === 'Sequence' ? (part as Fields)[listKey] : undefined;
  return Array.isArray(list) && list.some((inner) => typeOf(inner) === 'ByteLevel');
}

function asQwen2(file: TokenizerFile, config: Fields): TokenizerFile {
  const split = { type: 'Split', pattern: { Regex: qwenPattern }, behavior: 'Isolated', invert: false };
  const bytes = { type: 'ByteLevel', add_prefix_space: config['add_prefix_space'] === true, use_regex: false };
  return {
    ...file,
    model: bareModel(file, {}),
    normalizer: { type: 'NFC' },
    preTokenizer: { type: 'Sequence', pretokenizers: [split, bytes] },
    decoder: byteLevelDecoder,
  };
}

function asGpt2(file: TokenizerFile, config: Fields): TokenizerFile {
  return {
    ...file,
    model: bareModel(file, {}),
    normalizer: null,
    preTokenizer: { type: 'ByteLevel', add_prefix_space: config['add_prefix_space'] === true },
    decoder: byteLevelDecoder,
  };
}

function asLlama(file: TokenizerFile, config: Fields): TokenizerFile {
  const prefixed = config['legacy'] === true ? 'always' : 'first';
  return {
    ...file,
    model: bareModel(file, { fuse_unk: true, byte_fallback: true }),
    normalizer: null,
    preTokenizer: {
      type: 'Metaspace',
      replacement: '▁',
      prepend_scheme: config['add_prefix_space'] === false ? 'never' : prefixed,
      split: false,
    },
    decoder: { type: 'Sequence', decoders: [] },
  };
}

function bareModel({ model }: TokenizerFile, rest: Fields): Fields {
  return { type: model['type'], vocab: model['vocab'], merges: model['merges'], ...rest };
}
