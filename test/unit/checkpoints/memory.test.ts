import assert from 'node:assert/strict';
import { freemem } from 'node:os';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { openCheckpoint, type Checkpoint } from '../../../src/checkpoints/checkpointFiles';
import { freeMemory, memoryNeed, memoryText, whyItCannotFit } from '../../../src/checkpoints/memory';
import { inFolder } from '../support/folder';
import { written } from './writtenCheckpoint';

const load = { tokens: 1000, rows: 1, chunk: 128 };

async function demo(): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(resolve('trainer/demo/base'), { chosen: null, below: [] });
  return 'parts' in checkpoint ? checkpoint : assert.fail('the demo is refused');
}

test('the cache is two vectors of keys and values for each layer, row and token', async () => {
  const { parts } = await demo();
  const { cache } = memoryNeed(parts, load);
  assert.equal(cache, 3 * 2 * 5 * 32 * 4 * 1000);
  assert.equal(memoryNeed(parts, { ...load, rows: 8 }).cache, 8 * cache);
  assert.equal(memoryNeed(parts, { ...load, tokens: 3000 }).cache, 3 * cache);
});

test('half precision saves nothing of the weights in memory, and less while they load', async () => {
  const { parts } = await demo();
  const halved = new Map(
    [...parts.tensors].map(([name, place]) => [name, { ...place, dtype: 'BF16', length: place.length / 2 }] as const),
  );
  const whole = memoryNeed(parts, load);
  const half = memoryNeed({ ...parts, tensors: halved }, load);
  assert.equal(half.weights, whole.weights);
  assert.ok(half.loading < whole.loading);
});

test('the need is the sum of its parts, and no less than the weights as float32', async () => {
  const { parts, bytes } = await demo();
  const { total, ...rest } = memoryNeed(parts, load);
  assert.equal(
    total,
    Object.values(rest).reduce((sum, part) => sum + part, 0),
  );
  assert.ok(bytes < rest.weights);
});

test('what cannot fit is refused with figures', async () => {
  const { parts } = await demo();
  const need = memoryNeed(parts, { tokens: 10_000_000, rows: 1, chunk: 128 });
  assert.equal(whyItCannotFit(need, need.total, '/x'), undefined);
  assert.equal(
    whyItCannotFit(need, need.total - 1, '/x')?.message,
    `/x: needs ${memoryText(need.total)} of memory (5 MB of weights, 38.4 GB for the texts), and ` +
      `${memoryText(need.total - 1)} are free; close other programs, or choose a smaller model or shorter texts.`,
  );
});

test('the limit of a container counts, without the files that the system merely keeps', () =>
  inFolder(async (folder) => {
    assert.ok((await freeMemory(folder)) > 0);
    const files = { 'memory.max': '10000000\n', 'memory.current': '9000000\n' };
    await written(folder, files);
    assert.equal(await freeMemory(folder), 1_000_000);
    await written(folder, { 'memory.stat': 'anon 5\ninactive_file 200\nactive_file 30\nslab 7\n' });
    assert.equal(await freeMemory(folder), 1_000_230);
    await written(folder, { 'memory.current': '20000000\n' });
    assert.equal(await freeMemory(folder), 0);
    await written(folder, { 'memory.max': 'max\n' });
    assert.ok((await freeMemory(folder)) > Math.min(10_000_000, freemem() / 2));
  }));
