import assert from 'node:assert/strict';
import { appendFile, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { notFinite, openCheckpoint, stillTheSame } from '../../../src/checkpoints/checkpointFiles';
import { CheckpointProblem } from '../../../src/inference/problem';
import { leaving } from '../inference/references';
import { inOwnFolder, nowhere, opened, refused } from './opening';
import { model, safetensors, shapes, withHeader, written } from './writtenCheckpoint';

const small = Object.fromEntries(Object.entries(shapes).slice(0, 3));
const rest = Object.fromEntries(Object.entries(shapes).slice(3));
const unweighted = leaving('model.safetensors', model);
const index = (map: Readonly<Record<string, unknown>>): string => JSON.stringify({ weight_map: map });
const mapTo = (file: string): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.keys(shapes).map((name) => [name, file]));

test('the base of the demo opens, with what its files say', async () => {
  const checkpoint = await opened(resolve('trainer/demo/base'));
  assert.equal(checkpoint.parts.config.headSize, 32);
  assert.deepEqual(checkpoint.parts.config.endTokens, [2]);
  assert.equal(checkpoint.bytes, 4_042_128);
  assert.match(checkpoint.hash, /^[0-9a-f]{64}$/);
  assert.ok(checkpoint.files.some(({ name }) => name === 'tokenizer.json'));
  assert.equal(await stillTheSame(checkpoint), undefined);
});

inOwnFolder('shards are one checkpoint, and what is in them is what a single file holds', async (folder) => {
  const one = await opened(await written(join(folder, 'one'), model));
  const map = {
    ...mapTo('b.safetensors'),
    ...Object.fromEntries(Object.keys(small).map((name) => [name, 'a.safetensors'])),
  };
  const two = await opened(
    await written(join(folder, 'two'), {
      ...unweighted,
      'model.safetensors.index.json': index(map),
      'a.safetensors': safetensors(small),
      'b.safetensors': safetensors(rest),
    }),
  );
  assert.deepEqual([...two.parts.tensors.keys()], [...one.parts.tensors.keys()]);
  assert.deepEqual(two.parts.config, one.parts.config);
  assert.deepEqual(
    new Set([...two.parts.tensors.values()].map(({ file }) => file)),
    new Set(['a.safetensors', 'b.safetensors']),
  );
});

const names = [
  '../a.safetensors',
  '/etc/a.safetensors',
  'x/a.safetensors',
  'C:a.safetensors',
  '..\\a.safetensors',
  'a.bin',
  '.safetensors',
  'a\u0000.safetensors',
  '',
];
for (const name of names) {
  inOwnFolder(`refused: an index that names ${JSON.stringify(name)}`, async (own) => {
    const folder = join(own, 'inside');
    await written(folder, {
      ...unweighted,
      '../a.safetensors': safetensors(shapes),
      'model.safetensors.index.json': index(mapTo(name)),
    });
    assert.match(
      await refused(folder),
      /^model\.safetensors\.index\.json, weight_map: names the file .* no plain name of a \.safetensors file in the same folder/,
    );
  });
}

const indexes: readonly (readonly [title: string, text: string, sentence: RegExp])[] = [
  ['names nothing', '{}', /weight_map: names no file/],
  ['gives no text', index({ a: 5 }), /gives 5 as the file of "a"/],
  [
    'names a file that is not there',
    index(mapTo('c.safetensors')),
    /names the file "c\.safetensors", which is not there/,
  ],
  [
    'puts a tensor elsewhere',
    index({ ...mapTo('b.safetensors') }),
    /says that "model\.embed_tokens\.weight" is in b\.safetensors, which has none/,
  ],
  ['is no JSON', '{', /index\.json: is not JSON/],
  [
    'names a tensor in two files',
    index({ 'model.norm.weight': 'a.safetensors', 'model.layers.1.mlp.up_proj.weight': 'd.safetensors' }),
    /^d\.safetensors: the tensor "model\.embed_tokens\.weight" is in a\.safetensors, too/,
  ],
];
for (const [title, text, sentence] of indexes) {
  inOwnFolder(`refused: an index that ${title}`, async (own) => {
    const files = {
      'a.safetensors': safetensors(small),
      'b.safetensors': safetensors(rest),
      'd.safetensors': safetensors(shapes),
    };
    const folder = await written(own, { ...unweighted, ...files, 'model.safetensors.index.json': text });
    assert.match(await refused(folder), sentence);
  });
}

inOwnFolder('a link that leads out of the folder is refused, one inside it is followed', async (folder) => {
  await written(folder, { 'weights.safetensors': safetensors(shapes) });
  const out = await written(join(folder, 'out'), unweighted);
  await symlink('../weights.safetensors', join(out, 'model.safetensors'));
  assert.match(
    await refused(out),
    /model\.safetensors: is a link that leads out of the folder; copy the file itself there\.$/,
  );
  const inside = await written(join(folder, 'inside'), { ...unweighted, 'other.safetensors': safetensors(shapes) });
  await symlink('other.safetensors', join(inside, 'model.safetensors'));
  assert.equal((await opened(inside)).kind, 'checkpoint');
  await symlink(inside, join(folder, 'linked'));
  assert.equal((await opened(join(folder, 'linked'))).hash, (await opened(inside)).hash);
});

inOwnFolder('what the system refuses is told by its name', async (folder) => {
  await symlink('config.json', join(folder, 'config.json'));
  assert.match(
    await refused(folder),
    /: cannot be read \(ELOOP\); open the checkpoint once more, or choose another\.$/,
  );
});

inOwnFolder('what is no checkpoint is told apart', async (folder) => {
  assert.match(await refused(folder), /has no config\.json; choose a folder in Hugging Face layout/);
  assert.match(await refused(join(folder, 'gone')), /gone: was rotated away or removed; .*checkpoint\.keep_last/);
  assert.match(await refused(await written(join(folder, 'a'), unweighted)), /holds no weights/);
  const pickled = await written(join(folder, 'b'), { ...unweighted, 'pytorch_model.bin': 'x' });
  assert.match(
    await refused(pickled),
    /pytorch_model\.bin: is pickled, which can hold a program, .*; convert the weights to safetensors first/,
  );
  const partial = await written(join(folder, '.step-000100.partial'), model);
  assert.match(await refused(partial), /is still being written; wait until the checkpoint is complete/);
  const large = await written(join(folder, 'c'), { ...model, 'config.json': ' '.repeat(5_000_000) });
  assert.match(await refused(large), /config\.json: has 5000000 bytes, more than the 4194304 that are read/);
  await mkdir(join(folder, 'd', 'config.json'), { recursive: true });
  assert.match(await refused(join(folder, 'd')), /config\.json: is no file/);
});

inOwnFolder('a header of 100 MB is refused without being read', async (own) => {
  const first = Buffer.alloc(8);
  first.writeBigUInt64LE(100_000_000n);
  const folder = await written(own, { ...model, 'model.safetensors': first });
  await truncate(join(folder, 'model.safetensors'), 200_000_000);
  assert.match(await refused(folder), /says that its header has 100000000 bytes, more than the 4194304 that are read/);
});

inOwnFolder('a file that was cut off or went on growing is refused', async (own) => {
  const folder = await written(own, model);
  const weights = join(folder, 'model.safetensors');
  await appendFile(weights, 'x');
  assert.match(await refused(folder), /^model\.safetensors: has 1 bytes after its last tensor/);
  await truncate(weights, safetensors(shapes).length - 1);
  assert.match(await refused(folder), /it is cut off/);
  await truncate(weights, 4);
  assert.match(await refused(folder), /has 4 bytes, too few for a header/);
});

inOwnFolder('what happens to the files of an open checkpoint is told in a sentence', async (own) => {
  const folder = await written(join(own, 'step-000100'), model);
  const weights = join(folder, 'model.safetensors');
  const bytes = safetensors(shapes);
  const after = async (change: () => Promise<unknown>): Promise<string | undefined> => {
    await writeFile(weights, bytes);
    const checkpoint = await opened(folder);
    assert.equal(await stillTheSame(checkpoint), undefined);
    await change();
    return (await stillTheSame(checkpoint))?.message;
  };
  const size = bytes.length;
  assert.match(
    (await after(() => appendFile(weights, 'x'))) ?? '',
    new RegExp(`grew from ${size} to ${size + 1} bytes meanwhile; open`),
  );
  assert.match(
    (await after(() => truncate(weights, 100))) ?? '',
    new RegExp(`was cut from ${size} to 100 bytes meanwhile`),
  );
  assert.match((await after(() => utimes(weights, 1, 1))) ?? '', /was replaced or written to meanwhile/);
  const replaced = async (): Promise<void> => {
    await writeFile(`${weights}.new`, bytes);
    await rename(`${weights}.new`, weights);
  };
  assert.match((await after(replaced)) ?? '', /was replaced or written to meanwhile/);
  assert.match((await after(() => rm(weights))) ?? '', /model\.safetensors: was removed meanwhile/);
  assert.match(
    (await after(() => rm(folder, { recursive: true }).then(() => undefined))) ?? '',
    /step-000100: was rotated away/,
  );
});

/** The last two where the removal was faster than the first look at the folder. */
const gone = /was rotated away or removed|meanwhile|removed while|has no config\.json|holds no weights/;

inOwnFolder('a checkpoint that is rotated away at any moment is there or gone, and never half of it', async (own) => {
  const outcomes = new Set<string>();
  for (let turns = 0; turns < 60; turns += 1) {
    const folder = await written(join(own, `step-${turns}`), model);
    const opening = openCheckpoint(folder, nowhere);
    for (let turn = 0; turn < turns; turn += 1) await setImmediate();
    await rm(folder, { recursive: true });
    const result = await opening;
    if (result instanceof CheckpointProblem) assert.match(result.message, gone);
    outcomes.add(result instanceof CheckpointProblem ? 'gone' : result.kind);
  }
  assert.ok(outcomes.has('gone'));
});

inOwnFolder('a header that is not UTF-8 is no crash', async (folder) => {
  const bytes = withHeader(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), Buffer.alloc(0));
  assert.match(
    await refused(await written(folder, { ...model, 'model.safetensors': bytes })),
    /control characters in its name/,
  );
});

test('weights that are no numbers have a sentence', () => {
  assert.equal(
    notFinite('/x').message,
    '/x: its weights give log-probs that are no numbers (NaN or infinite weights); choose an earlier checkpoint.',
  );
});
