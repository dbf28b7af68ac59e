import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTokenizer, type TextTokenizer } from '../../../src/inference/tokenizer';

/** What the trainer's tokenizer answered (trainer/tests/inference/make_tokenizer_reference.py). */
export interface Reference {
  readonly class: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly bytes: readonly string[];
  readonly special: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly written: readonly (readonly number[] | { readonly count: number; readonly hash: string })[];
  readonly random: readonly string[];
}

const folder = 'test/fixtures/tokenizers';
export const demoFolder = 'trainer/demo/base';

/** Written and random texts, at which tokenizers differ. */
export const texts = readJson(join(folder, 'texts.json')) as {
  readonly written: readonly string[];
  readonly random: readonly string[];
};

export const kinds: readonly string[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Of one kind: the tokenizer as it is read here, and what Python said. */
export function kindOf(name: string): { readonly tokenizer: TextTokenizer; readonly reference: Reference } {
  const reference = readJson(join(folder, name, 'reference.json')) as Reference;
  return { tokenizer: tokenizerIn(name === 'demo' ? demoFolder : join(folder, name)), reference };
}

/** The texts of one kind's files. */
export function filesOf(name: string): { tokenizer: string; config: string } {
  const read = (file: string): string => readFileSync(join(folder, name, file), 'utf8');
  return { tokenizer: read('tokenizer.json'), config: read('tokenizer_config.json') };
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8')) as unknown;
}

function tokenizerIn(place: string): TextTokenizer {
  const { model_type: modelType } = readJson(join(place, 'config.json')) as { readonly model_type: string };
  return readTokenizer({
    tokenizer: readFileSync(join(place, 'tokenizer.json'), 'utf8'),
    config: readFileSync(join(place, 'tokenizer_config.json'), 'utf8'),
    specialTokensMap: undefined,
    modelType,
  });
}
