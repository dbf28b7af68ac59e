import { isId, shown } from './bytePairModel';
import { CheckpointProblem } from './problem';
import { configName } from './tokenizerClass';
import { isFields, notUnderstood, type AddedToken, type Fields } from './tokenizerFile';

/** Keys of the configuration that name one special token, in the order in which Python adds them. */
const nameKeys = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];
const listKeys = ['extra_special_tokens', 'additional_special_tokens'];
/** More than the reserved tokens of any vocabulary in use. */
const maxAdded = 100_000;

/** Special tokens by their names, such as `bos_token`: what templates may say. */
export type SpecialNames = Readonly<Record<string, string>>;

/** Every special token that configuration or class gives a name. */
export function specialNames(config: Fields, ofClass: Fields): SpecialNames {
  const named = nameKeys.flatMap((key): [string, string][] => {
    const content = contentOf(key in config ? config[key] : ofClass[key]);
    return content === undefined ? [] : [[key, content]];
  });
  return Object.fromEntries(named);
}

/**
 * All added tokens: those of `tokenizer.json`, then what the configuration has beyond, with the ids Python gives them.
 * Throws `CheckpointProblem` for tokens without a place.
 */
export function addedTokens(
  added: readonly Fields[],
  config: Fields,
  names: SpecialNames,
  vocabulary: ReadonlyMap<string, number>,
): readonly AddedToken[] {
  if (added.length > maxAdded) throw notUnderstood(`it has ${added.length} added tokens`, 'added_tokens');
  const tokens = new Map(added.map((fields) => tokenOf(fields, fields['id'])).map((token) => [token.content, token]));
  let last = [...tokens.values()].reduce((most, { id }) => Math.max(most, id), -1);
  for (const fields of further(config, names)) {
    const content = contentOf(fields);
    if (content === undefined || content === '' || tokens.has(content)) continue;
    const known = vocabulary.get(content);
    const id = known ?? Math.max(last + 1, vocabulary.size);
    last = Math.max(last, id);
    tokens.set(content, tokenOf(fields, id));
  }
  return [...tokens.values()];
}

function further(config: Fields, names: SpecialNames): Fields[] {
  const decoder: unknown = config['added_tokens_decoder'];
  const numbered = isFields(decoder) ? Object.values(decoder).filter(isFields) : [];
  const listed = listKeys.flatMap((key) => {
    const list: unknown = config[key];
    return Array.isArray(list) ? list.map(contentOf) : [];
  });
  const special = [...Object.values(names), ...listed].map((content) => ({
    content,
    special: true,
    normalized: false,
  }));
  if (numbered.length + special.length <= maxAdded) return [...numbered, ...special];
  throw new CheckpointProblem(
    `it has more than ${maxAdded} added tokens`,
    `${configName} (added_tokens_decoder)`,
    'copy the file again from where the model comes from',
  );
}

function tokenOf(fields: Fields, id: unknown): AddedToken {
  const { content } = fields;
  if (typeof content !== 'string') throw notUnderstood('an added token has no text', 'added_tokens.content');
  if (!isId(id)) throw notUnderstood(`the added token ${shown(content)} has no id`, 'added_tokens.id');
  const special = fields['special'] === true;
  return {
    id,
    content,
    special,
    normalized: typeof fields['normalized'] === 'boolean' ? fields['normalized'] : !special,
    singleWord: fields['single_word'] === true,
    left: fields['lstrip'] === true,
    right: fields['rstrip'] === true,
  };
}

/** The text of a token that a configuration gives as a text, or as an object. */
function contentOf(value: unknown): string | undefined {
  const content: unknown = isFields(value) ? value['content'] : value;
  return typeof content === 'string' ? content : undefined;
}
