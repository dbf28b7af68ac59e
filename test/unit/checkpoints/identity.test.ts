import assert from 'node:assert/strict';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inOwnFolder, opened } from './opening';
import { adapter, config, model, safetensors, shapes, written } from './writtenCheckpoint';

inOwnFolder('the hash follows weights, configuration and tokenizer, and nothing else', async (folder) => {
  let made = 0;
  const hashWith = async (files: Readonly<Record<string, string | Buffer>>): Promise<string> =>
    (await opened(await written(join(folder, `${++made}`), { ...model, ...files }))).hash;
  const plain = await hashWith({});
  assert.equal(await hashWith({}), plain);
  assert.equal(await hashWith({ 'README.md': 'x' }), plain);
  const others = await Promise.all([
    hashWith({ 'model.safetensors': safetensors(shapes, 1) }),
    hashWith({ 'tokenizer.json': '{"a":1}' }),
    hashWith({ 'chat_template.jinja': '' }),
    hashWith({ 'config.json': JSON.stringify({ ...config, rms_norm_eps: 1e-5 }) }),
    hashWith({ 'generation_config.json': '{"eos_token_id": 2}' }),
  ]);
  assert.equal(new Set([plain, ...others]).size, 6);
});

inOwnFolder('of a large file every tensor is looked into', async (own) => {
  const wide = { ...shapes, extra: [20_000_000] };
  const bytes = safetensors(wide);
  const folder = await written(own, { ...model, 'model.safetensors': bytes });
  const weights = join(folder, 'model.safetensors');
  await utimes(weights, 1000, 1000);
  const { hash } = await opened(folder);
  assert.equal((await opened(folder)).hash, hash);
  const norm = (await opened(folder)).parts.tensors.get('model.norm.weight');
  assert.ok(norm);
  bytes.writeFloatLE(1, norm.offset);
  await writeFile(weights, bytes);
  await utimes(weights, 1000, 1000);
  const changed = await opened(folder);
  assert.notEqual(changed.hash, hash);
  await utimes(weights, 2000, 2000);
  assert.notEqual((await opened(folder)).hash, changed.hash);
});

inOwnFolder('another hash for another base, another adapter', async (folder) => {
  const base = await written(join(folder, 'base'), model);
  const other = await written(join(folder, 'other'), { ...model, 'model.safetensors': safetensors(shapes, 1) });
  const adapted = await written(join(folder, 'adapter'), adapter(base));
  const alone = (await opened(base)).hash;
  const first = (await opened(adapted)).hash;
  const second = (await opened(adapted, { chosen: other, below: [] })).hash;
  assert.equal(new Set([alone, first, second]).size, 3);
});
