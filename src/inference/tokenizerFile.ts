import { CheckpointProblem } from './problem';

/** A token that is looked for in a text before the text is cut into words. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Looked for in the normalised text. */
  readonly normalized: boolean;
  /** Found only where no letter or digit stands beside it. */
  readonly singleWord: boolean;
  /** Takes the white space before it, and after it, along. */
  readonly left: boolean;
  readonly right: boolean;
}

/** What a `tokenizer.json` and its configuration say, before it is known whether that is understood. */
export interface TokenizerFile {
  readonly model: Fields;
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
  readonly decoder: unknown;
  readonly postProcessor: unknown;
  readonly added: readonly Fields[];
}

/** A JSON object; its keys are whatever the file has. */
export type Fields = Readonly<Record<string, unknown>>;

export const tokenizerName = 'tokenizer.json';
export const convertRemedy =
  'take a checkpoint with a byte-level or byte-fallback BPE tokenizer, or judge this one with the trainer';

/** 64 Mi characters: five times the largest vocabularies in use. */
const maxCharacters = 64 * 1024 * 1024;

/** Take a `tokenizer.json` apart. Throws {@link CheckpointProblem}. */
export function readTokenizerFile(text: string): TokenizerFile {
  const file = jsonObject(text, tokenizerName);
  const { model, added_tokens: added } = file;
  if (!isFields(model)) throw notUnderstood('it has no model', 'model');
  if (added !== undefined && !(Array.isArray(added) && added.every(isFields)))
    throw notUnderstood('its added tokens are no list of objects', 'added_tokens');
  return {
    model,
    normalizer: file['normalizer'] ?? null,
    preTokenizer: file['pre_tokenizer'] ?? null,
    decoder: file['decoder'] ?? null,
    postProcessor: file['post_processor'] ?? null,
    added: added ?? [],
  };
}

/** The object a JSON text holds. Throws {@link CheckpointProblem} for anything else. */
export function jsonObject(text: string, name: string): Fields {
  const again = 'copy the file again from where the model comes from';
  if (text.length > maxCharacters)
    throw new CheckpointProblem(`it has ${text.length} characters, more than ${maxCharacters}`, name, again);
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CheckpointProblem('it is not a JSON object', name, again);
}

/** Is it an object with keys? */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `tokenizer.json` holds under `key` is not as it must be. */
export function notUnderstood(fault: string, key: string, remedy: string = convertRemedy): CheckpointProblem {
  return new CheckpointProblem(fault, `${tokenizerName} (${key})`, remedy);
}

/** A kind this reader does not have, by its name. */
export function unknownKind(value: unknown, what: string, key: string): CheckpointProblem {
  const name = isFields(value) && typeof value['type'] === 'string' ? value['type'].slice(0, 60) : 'without a type';
  return notUnderstood(`${what} ${JSON.stringify(name)} is not supported`, key);
}

/** Type of a part, such as `ByteLevel`; undefined for what has none. */
export function typeOf(part: unknown): unknown {
  return isFields(part) ? part['type'] : undefined;
}

/** The parts of a sequence in the order they are applied; of a single part, itself; of null, none. */
export function partsOf(part: unknown, listKey: string, key: string): readonly unknown[] {
  if (part === null) return [];
  if (typeOf(part) !== 'Sequence') return [part];
  const list = (part as Fields)[listKey];
  if (!Array.isArray(list)) throw notUnderstood(`its sequence has no list \`${listKey}\``, key);
  return list;
}
