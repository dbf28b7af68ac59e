import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Tokenizers } from '../../../src/checkpoints/tokenizers';
import { CheckpointProblem } from '../../../src/inference/problem';
import { buildHost } from '../../../scripts/lib/extensionBundle.mjs';
import { inFolder } from '../support/folder';

const demo = resolve('trainer/demo/base');
const place = { folder: demo, name: 'the demo', vocabulary: 352 };
const built = resolve('.srft/build/tokenizers');
let tokenizers: Tokenizers;
const log: string[] = [];

before(async () => {
  mkdirSync(built, { recursive: true });
  await buildHost(built, { minify: false, from: resolve('.') });
  tokenizers = threads(20_000);
});

after(() => {
  tokenizers.dispose();
});

test('a text becomes ids, and ids become its bytes again', async () => {
  const text = 'Add 17 and 26 👍.\n<|im_end|>';
  const encoded = await tokenizers.ask(place, { kind: 'encode', text, special: false });
  assert.equal(new TextDecoder().decode(encoded.bytes), text);
  assert.equal(
    encoded.lengths.reduce((sum, length) => sum + length, 0),
    encoded.bytes.length,
  );
  assert.equal(encoded.special.at(-1), 1);
  const bytes = await tokenizers.ask(place, { kind: 'bytes', ids: encoded.ids });
  assert.deepEqual(bytes, encoded);
});

test('a prompt is rendered by the checkpoint’s template', async () => {
  const messages = [{ role: 'user', content: '1+1' }];
  const rendered = await tokenizers.ask(place, { kind: 'render', messages, date: '2026-01-01' });
  assert.equal(rendered, '<|im_start|>user\n1+1<|im_end|>\n<|im_start|>assistant\n');
});

test('a tokenizer with more tokens than the model is refused, and so is a folder without one', async () => {
  await assert.rejects(tokenizers.ask({ ...place, folder: `${demo}/.`, vocabulary: 100 }, question), (error) => {
    assert.ok(error instanceof CheckpointProblem);
    assert.match(error.message, /the tokenizer has 352 tokens, the model only 100 embeddings/);
    return true;
  });
  await inFolder(async (folder) => {
    await assert.rejects(tokenizers.ask({ ...place, folder }, question), /tokenizer\.json: it is missing/);
  });
});

test('a tokenizer whose pattern never ends is ended, and told so; the next question starts anew', async () => {
  await inFolder(async (folder) => {
    cpSync(demo, folder, { recursive: true });
    const file = join(folder, 'tokenizer.json');
    const tokenizer = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const pattern = { Regex: '(a|a)*b|\\p{L}+' };
    const split = { type: 'Split', pattern, behavior: 'Isolated', invert: false };
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
    tokenizer['pre_tokenizer'] = { type: 'Sequence', pretokenizers: [split, byteLevel] };
    writeFileSync(file, JSON.stringify(tokenizer));
    const impatient = threads(1500);
    const slow = { ...place, folder, name: 'a slow one' };
    await assert.rejects(
      impatient.ask(slow, { kind: 'encode', text: 'a'.repeat(60), special: false }),
      /a slow one: its tokenizer took longer than 1\.5 s and was ended/,
    );
    const { ids } = await impatient.ask(slow, { kind: 'encode', text: 'xyz', special: false });
    assert.ok(ids.length > 0);
    impatient.dispose();
  });
});

test('who waits when all is ended is told', async () => {
  const ended = threads(20_000);
  const waiting = ended.ask(place, question);
  ended.dispose();
  await assert.rejects(waiting, { name: 'AbortError' });
});

test('nothing was left to the log', () => {
  assert.deepEqual(log, []);
});

const question = { kind: 'encode', text: 'a', special: false } as const;

function threads(patienceMs: number): Tokenizers {
  return new Tokenizers({
    script: join(built, 'tokenizerThread.mjs'),
    idleMs: () => 60_000,
    onLog: (text) => log.push(text),
    patienceMs,
  });
}
