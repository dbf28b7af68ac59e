import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { openCheckpoint } from '../../../src/checkpoints/checkpointFiles';
import { hubFolder } from '../../../src/checkpoints/hubCache';
import { loadLanguageModel } from '../../../src/checkpoints/onnxModel';
import { CheckpointProblem } from '../../../src/inference/problem';
import { inFolder } from '../support/folder';

const commit = '12345678abcdef';

test('a model that was fetched before is found in the cache of the Hub, and asked where its files lie', async () => {
  for (const name of ['qwen3', 'llama-f16-shards']) {
    await inFolder(async (cache) => {
      fillCache(cache, name);
      const environment = { HF_HUB_CACHE: cache };
      const folder = await hubFolder('someone/model', null, environment);
      assert.ok(folder !== undefined);
      assert.equal(await hubFolder('someone/model', commit, environment), folder);
      const checkpoint = await openCheckpoint(folder, { chosen: null, below: [] });
      assert.ok('kind' in checkpoint && checkpoint.kind === 'checkpoint', JSON.stringify(checkpoint));
      const { parts, weightsFolder, adapterFolder } = checkpoint;
      const model = await loadLanguageModel(parts, {
        folder: weightsFolder,
        adapterFolder,
        threads: 1,
        providers: ['cpu'],
      });
      const request = { ids: Int32Array.of(1, 2, 3), from: 1, temperature: 1, top: 1 };
      const scores = await model.score(
        request,
        () => Promise.resolve(true),
        () => undefined,
      );
      assert.ok(scores?.logProb.every((value) => value < 0));
      await model.release();
    });
  }
});

test('names that are none of the Hub lead nowhere', async () => {
  await inFolder(async (cache) => {
    fillCache(cache, 'qwen3');
    const environment = { HF_HUB_CACHE: cache };
    for (const name of [
      '../model',
      'someone/../model',
      'someone',
      '/someone/model',
      'some\0one/model',
      'other/model',
    ]) {
      assert.equal(await hubFolder(name, null, environment), undefined, name);
    }
    for (const revision of ['..', '../../x', 'absent', '']) {
      assert.equal(await hubFolder('someone/model', revision, environment), undefined, revision);
    }
  });
});

test('a link out of the cache is refused', async () => {
  await inFolder(async (cache) => {
    const { snapshot } = fillCache(cache, 'qwen3');
    symlinkSync(resolve('test/fixtures/checkpoints/qwen3/reference.json'), join(snapshot, 'tokenizer.json'));
    const refused = await openCheckpoint(snapshot, { chosen: null, below: [] });
    assert.ok(refused instanceof CheckpointProblem);
    assert.match(refused.message, /tokenizer\.json: is a link that leads out of the folder/);
  });
});

/** As the Hub's own library lays it out. */
function fillCache(cache: string, name: string): { readonly snapshot: string } {
  const from = resolve('test/fixtures/checkpoints', name);
  const model = join(cache, 'models--someone--model');
  const snapshot = join(model, 'snapshots', commit);
  for (const folder of [join(model, 'blobs'), join(model, 'refs'), snapshot]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(model, 'refs', 'main'), `${commit}\n`);
  readdirSync(from).forEach((file, place) => {
    const blob = `blob${place}`;
    cpSync(join(from, file), join(model, 'blobs', blob));
    symlinkSync(join('..', '..', 'blobs', blob), join(snapshot, file));
  });
  return { snapshot };
}
