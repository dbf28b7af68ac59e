import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { buildModelProcess } from '../../../scripts/lib/extensionBundle.mjs';
import { copyNativeFiles } from '../../../scripts/lib/nativeRuntime.mjs';
import { openCheckpoint } from '../../../src/checkpoints/checkpointFiles';
import type { WriteRequest, Written } from '../../../src/checkpoints/languageModel';
import { defaultThreads, ModelHost } from '../../../src/checkpoints/modelHost';
import type { ModelSource } from '../../../src/checkpoints/modelSeat';
import { CheckpointProblem } from '../../../src/inference/problem';

interface Reference {
  readonly ids: readonly number[];
  readonly logprob: readonly number[];
  readonly rank: readonly number[];
}

const demo = resolve('trainer/demo/base');
// Written by the trainer.
const reference = JSON.parse(readFileSync('test/fixtures/demo-reference.json', 'utf8')) as Reference;
const question = { ids: Int32Array.from(reference.ids), from: 1, temperature: 1, top: 3 };

let folder = '';
let host: ModelHost;
const notices: string[] = [];
const logs: string[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'srft-model-'));
  await mkdir(homeFolder());
  // Inherited by the process; a folder of its own shows what is written there.
  process.env['HOME'] = homeFolder();
  await buildModelProcess(folder, { minify: true, from: process.cwd() });
  copyNativeFiles(`${process.platform}-${process.arch}`, folder, process.cwd());
  host = new ModelHost({
    entry: join(folder, 'modelProcess.cjs'),
    idleMs: () => 600_000,
    onNotice: (sentence) => notices.push(sentence),
    onLog: (text) => logs.push(text),
  });
});
afterEach(() => {
  notices.splice(0);
  logs.splice(0);
});
after(async () => {
  process.env['HOME'] = ownHome;
  host.dispose();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const ownHome = process.env['HOME'];

function homeFolder(): string {
  return join(folder, 'home');
}

async function sourceOf(place: string): Promise<ModelSource> {
  const checkpoint = await openCheckpoint(place, { chosen: null, below: [] });
  assert.ok(!(checkpoint instanceof CheckpointProblem) && checkpoint.kind === 'checkpoint', place);
  const { parts, hash } = checkpoint;
  const options = { folder: place, adapterFolder: null, threads: defaultThreads, providers: ['cpu'] };
  return { key: hash, name: 'the demo', parts, options };
}

function writeOf(seeds: readonly bigint[], maxTokens: number): WriteRequest {
  const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  return { prefix: question.ids.subarray(0, 8), seeds, firstPosition: 0, maxTokens, sampling, endTokens: [] };
}

function messageOf(error: unknown): string {
  return error instanceof CheckpointProblem ? error.message : `no problem: ${String(error)}`;
}

function assertTorch(logProb: Float32Array, rank: Int32Array): void {
  assert.equal(logProb.length, reference.logprob.length);
  for (const [at, expected] of reference.logprob.entries()) assert.ok(Math.abs((logProb[at] ?? NaN) - expected) < 1e-4);
  assert.deepEqual([...rank], reference.rank);
}

describe('a real checkpoint in the bundled process', () => {
  it('is scored as torch scores it', async () => {
    const model = host.open(await sourceOf(demo));
    assert.equal(await model.load(), 'cpu');
    const { logProb, rank, topIds } = await model.score(question);
    assertTorch(logProb, rank);
    assert.equal(topIds.length, logProb.length * 3);
    assert.deepEqual(notices, []);
  });

  // Its builds for Linux and macOS keep there what they mean to send to their maker, unless they are told not to.
  it('leaves nothing in the home folder', async () => {
    await host.open(await sourceOf(demo)).score(question);
    assert.deepEqual(await readdir(homeFolder()), []);
  });

  it('writes the same after its process was killed in the middle', async () => {
    const model = host.open(await sourceOf(demo));
    const whole: Written[] = [];
    await model.write(writeOf([11n, 12n], 120), { onTokens: (batch) => whole.push(...batch) });
    assert.ok(whole.length === 240);
    const broken: Written[] = [];
    let isKilled = false;
    await model.write(writeOf([11n, 12n], 120), {
      onTokens: (batch) => {
        broken.push(...batch);
        if (!isKilled && broken.length >= 20) {
          isKilled = true;
          for (const pid of host.processIds) process.kill(pid, 'SIGKILL');
        }
      },
    });
    const byRow = (tokens: readonly Written[]): (readonly number[])[] =>
      [0, 1].map((row) => tokens.filter((token) => token.row === row).map(({ id }) => id));
    assert.deepEqual(byRow(broken), byRow(whole));
    assert.equal(notices.length, 1);
  });

  it('stops a continuation that is aborted, and answers the next question in the same process', async () => {
    const model = host.open(await sourceOf(demo));
    const [before] = host.processIds;
    const stop = new AbortController();
    const written = model.write(writeOf([1n], 100_000), {
      signal: stop.signal,
      onTokens: () => {
        stop.abort();
      },
    });
    await assert.rejects(written, { name: 'AbortError' });
    const { logProb, rank } = await model.score(question);
    assertTorch(logProb, rank);
    assert.deepEqual(host.processIds, [before]);
  });

  it('names the setting when no provider can be used', async () => {
    const source = await sourceOf(demo);
    const model = host.open({ ...source, key: 'cuda', options: { ...source.options, providers: ['cuda'] } });
    const message = messageOf(await model.load().catch((error: unknown) => error));
    assert.match(message, /^srft\.checkpoints\.providers: none of the providers .*; add "cpu" at its end\.$/);
    const both = host.open({ ...source, key: 'both', options: { ...source.options, providers: ['cuda', 'cpu'] } });
    assert.equal(await both.load(), 'cpu');
  });

  it('whose file is cut short while it is loaded gives its figures or one sentence, and harms nothing else', async () => {
    const place = join(folder, 'cut');
    cpSync(demo, place, { recursive: true });
    const source = await sourceOf(place);
    const model = host.open({ ...source, key: 'cut', name: 'the cut one' });
    await model.load();
    await truncate(join(place, 'model.safetensors'), 4096);
    const outcome: unknown = await model.score(question).then(
      ({ logProb, rank }) => {
        assertTorch(logProb, rank);
      },
      (error: unknown) => error,
    );
    const cutShort =
      'the weights: a file was removed or cut short after the checkpoint was opened; open the checkpoint again once it is written, or take another one.';
    // Where weights are mapped, to touch them ends the process, and the next one cannot load them.
    if (outcome !== undefined) assert.equal(messageOf(outcome), cutShort);
    const again = host.open({ ...source, key: 'cut again', name: 'the cut one' });
    assert.equal(messageOf(await again.load().catch((error: unknown) => error)), cutShort);
    await rm(join(place, 'model.safetensors'));
    assert.equal(messageOf(await again.load().catch((error: unknown) => error)), cutShort);
    const { logProb, rank } = await host.open(await sourceOf(demo)).score(question);
    assertTorch(logProb, rank);
  });
});
