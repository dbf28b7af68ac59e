import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openCheckpoint, type Checkpoint } from '../../../src/checkpoints/checkpointFiles';
import type { LanguageModel, Scores, Written } from '../../../src/checkpoints/languageModel';
import { loadLanguageModel } from '../../../src/checkpoints/onnxModel';
import { decoderGraph } from '../../../src/inference/decoderGraph';
import type { Sampling } from '../../../src/inference/sampling';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';

// Written by the trainer (trainer/tests/inference/checkpoint_reference.py).
const references = resolve('test/fixtures/checkpoints');
const names = readdirSync(references);

interface Reference {
  readonly ids: readonly number[];
  readonly logprob: readonly number[];
  readonly entropy: readonly number[];
  readonly rank: readonly number[];
  readonly top_ids: readonly (readonly number[])[];
  readonly top_logprobs: readonly (readonly number[])[];
}

const top = 4;
/** Of float32 on either side. */
const tolerance = 1e-4;

for (const name of names) {
  test(`${name}: figures are torch's`, async () => {
    await withModel(name, async (model) => {
      const reference = referenceOf(name);
      const scores = await scored(model, reference.ids);
      assertNear(scores.logProb, reference.logprob);
      assertNear(scores.entropy, reference.entropy);
      assertNear(scores.topLogProbs, reference.top_logprobs.flat());
      assert.deepEqual([...scores.rank], reference.rank);
      assert.deepEqual([...scores.topIds], reference.top_ids.flat());
    });
  });
}

test('the demo: figures are torch’s', async () => {
  const reference = JSON.parse(readFileSync('test/fixtures/demo-reference.json', 'utf8')) as Reference;
  const checkpoint = await checkpointOf(resolve('trainer/demo/base'));
  await withLoaded(checkpoint, async (model) => {
    const scores = await scored(model, reference.ids);
    assertNear(scores.logProb, reference.logprob);
    assertNear(scores.entropy, reference.entropy);
    assert.deepEqual([...scores.rank], reference.rank);
  });
});

// Dynamic frequencies depend on the length of the text, so that a beginning scored alone is scored otherwise.
for (const name of names.filter((name) => !name.includes('dynamic'))) {
  test(`${name}: a text scored piece by piece is the text scored at once`, async () => {
    await withModel(name, async (model) => {
      const { ids } = referenceOf(name);
      const whole = await scored(model, ids);
      for (const end of [2, 7, 8, 30, 31, ids.length]) {
        const piece = await scored(model, ids.slice(0, end));
        assertNear(piece.logProb, [...whole.logProb.subarray(0, end - 1)]);
        assertNear(piece.entropy, [...whole.entropy.subarray(0, end - 1)]);
      }
    });
  });
}

test('a text that shares a beginning with the one before is scored as if it were the first', async () => {
  await withModel('qwen2-window', async (model) => {
    await withModel('qwen2-window', async (fresh) => {
      const { ids } = referenceOf('qwen2-window');
      await fc.assert(
        fc.asyncProperty(fc.nat(ids.length - 2), fc.nat(47), fc.integer({ min: 1, max: 3 }), async (at, id, from) => {
          const other = [...ids.slice(0, at + 1), id, ...ids.slice(at + 2)];
          await scored(fresh, [5]);
          assertNear((await scored(model, other, from)).logProb, [...(await scored(fresh, other, from)).logProb]);
        }),
        { numRuns: 12 },
      );
    });
  });
});

test('what stands far behind the beginning is scored as it is in the whole text', async () => {
  const reference = JSON.parse(readFileSync('test/fixtures/demo-reference.json', 'utf8')) as Reference;
  const checkpoint = await checkpointOf(resolve('trainer/demo/base'));
  // Tokens that are not asked for come first, in a run of their own.
  for (const from of [40, reference.ids.length - 1]) {
    await withLoaded(checkpoint, async (model) => {
      assertNear((await scored(model, reference.ids, from)).logProb, reference.logprob.slice(from - 1));
    });
  }
});

const sampling: Sampling = { temperature: 0.9, topK: 0, topP: 1, minP: 0 };

test('continuations side by side are those written one at a time, and score as they were written', async () => {
  for (const name of ['mistral-window', 'qwen3', 'llama-lora']) {
    await withModel(name, async (model) => {
      const prefix = referenceOf(name).ids.slice(0, 20);
      const seeds = [1n, 2n, 2n, 77n];
      const together = await written(model, prefix, seeds, 24);
      assert.deepEqual(idsOf(together, 1), idsOf(together, 2), 'equal seeds write alike');
      assert.notDeepEqual(idsOf(together, 0), idsOf(together, 1));
      for (const [row, seed] of seeds.entries()) {
        const alone = await written(model, prefix, [seed], 24);
        assert.deepEqual(idsOf(alone, 0), idsOf(together, row));
        const ids = [...prefix, ...idsOf(together, row)];
        const request = { ids: Int32Array.from(ids), from: prefix.length, temperature: sampling.temperature, top };
        const scores = await model.score(request, goOn, ignore);
        const own = together.filter((token) => token.row === row);
        assertNear(
          own.map(({ logProb }) => logProb),
          [...(scores?.logProb ?? [])],
        );
        assertNear(
          own.map(({ entropy }) => entropy),
          [...(scores?.entropy ?? [])],
        );
      }
    });
  }
});

test('what is continued may take several runs of the model', async () => {
  const reference = JSON.parse(readFileSync('test/fixtures/demo-reference.json', 'utf8')) as Reference;
  await withLoaded(await checkpointOf(resolve('trainer/demo/base')), async (model) => {
    const prefix = reference.ids.slice(0, 50);
    const tokens = await written(model, prefix, [5n], 8);
    const request = {
      ids: Int32Array.from([...prefix, ...idsOf(tokens, 0)]),
      ...{ from: prefix.length, temperature: sampling.temperature, top },
    };
    const scores = await model.score(request, goOn, ignore);
    assertNear(
      tokens.map(({ logProb }) => logProb),
      [...(scores?.logProb ?? [])],
    );
  });
});

test('a continuation ends with its end token, and the others go on', async () => {
  await withModel('llama', async (model) => {
    const prefix = referenceOf('llama').ids.slice(0, 9);
    const free = await written(model, prefix, [1n, 2n, 3n, 4n, 5n, 6n], 30);
    const endToken = idsOf(free, 0)[4] ?? -1;
    const ended = await written(model, prefix, [1n, 2n, 3n, 4n, 5n, 6n], 30, [endToken]);
    for (let row = 0; row < 6; row += 1) {
      const ids = idsOf(free, row);
      const end = ids.indexOf(endToken);
      assert.deepEqual(idsOf(ended, row), end === -1 ? ids : ids.slice(0, end + 1));
    }
  });
});

test('greedy takes the likeliest token of each place', async () => {
  await withModel('qwen2', async (model) => {
    const prefix = referenceOf('qwen2').ids.slice(0, 5);
    const tokens: Written[] = [];
    const greedy = { ...sampling, temperature: 0 };
    const request = { prefix: Int32Array.from(prefix), seeds: [0n], firstPosition: 0, maxTokens: 12, sampling: greedy };
    await model.write({ ...request, endTokens: [] }, goOn, (more) => tokens.push(...more));
    const scores = await scored(model, [...prefix, ...tokens.map(({ id }) => id)]);
    assert.ok(scores.rank.subarray(prefix.length - 1).every((rank) => rank === 0));
  });
});

test('temperature divides the logits', async () => {
  await withModel('llama', async (model) => {
    const ids = Int32Array.from(referenceOf('llama').ids.slice(0, 12));
    const at = async (temperature: number): Promise<Scores> => {
      const scores = await model.score({ ids, from: 1, temperature, top: 48 }, goOn, ignore);
      assert.ok(scores !== undefined);
      return scores;
    };
    const plain = await at(1);
    const warm = await at(2);
    for (let place = 0; place < 11; place += 1) {
      const exponentials = [...plain.topLogProbs.subarray(place * 48, place * 48 + 48)].map((value) =>
        Math.exp(value / 2),
      );
      const sum = exponentials.reduce((total, value) => total + value, 0);
      assertNear([warm.topLogProbs[place * 48] ?? NaN], [Math.log((exponentials[0] ?? 0) / sum)]);
    }
  });
});

test('who says no between two runs is obeyed, and the next question is answered', async () => {
  await withModel('llama', async (model) => {
    const { ids } = referenceOf('llama');
    assert.equal(await model.score({ ids: Int32Array.from(ids), from: 1, temperature: 1, top }, no, ignore), undefined);
    const request = {
      prefix: Int32Array.from(ids),
      seeds: [1n],
      firstPosition: 0,
      maxTokens: 5,
      sampling,
      endTokens: [],
    };
    assert.equal(await model.write(request, no, ignore), false);
    assertNear((await scored(model, ids)).logProb, referenceOf('llama').logprob);
  });
});

test('graphs pass the checker of ONNX, and their weights are where they say', async () => {
  await inFolder(async (folder) => {
    for (const name of names) {
      const { parts, folder: weights } = await opened(name);
      cpSync(weights, join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, 'graph.onnx'), decoderGraph(parts, adapterOf(name)));
    }
    const script = 'import sys, onnx\nfor path in sys.argv[1:]: onnx.checker.check_model(path, full_check=True)';
    execFileSync(testInterpreter(), ['-c', script, ...names.map((name) => join(folder, name, 'graph.onnx'))]);
  });
});

test('the library is told to send nothing', () => {
  assert.equal(process.env['ORT_DISABLE_TELEMETRY'], '1');
});

async function withModel(name: string, use: (model: LanguageModel) => Promise<void>): Promise<void> {
  await withLoaded(await opened(name), use);
}

async function withLoaded(
  { parts, weightsFolder: folder, adapterFolder }: Checkpoint,
  use: (model: LanguageModel) => Promise<void>,
): Promise<void> {
  const model = await loadLanguageModel(parts, { folder, adapterFolder, threads: 1, providers: ['cpu'] });
  try {
    assert.equal(model.provider, 'cpu');
    await use(model);
  } finally {
    await model.release();
  }
}

function opened(name: string): Promise<Checkpoint> {
  return checkpointOf(join(references, name));
}

async function checkpointOf(folder: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(folder, { chosen: null, below: [folder] });
  assert.ok('kind' in checkpoint && checkpoint.kind === 'checkpoint', JSON.stringify(checkpoint));
  return checkpoint;
}

function adapterOf(name: string): Uint8Array | undefined {
  const path = join(references, name, 'adapter_model.safetensors');
  return existsSync(path) ? readFileSync(path) : undefined;
}

function referenceOf(name: string): Reference {
  return JSON.parse(readFileSync(join(references, name, 'reference.json'), 'utf8')) as Reference;
}

async function scored(model: LanguageModel, ids: readonly number[], from = 1): Promise<Scores> {
  const done: number[] = [];
  const scores = await model.score({ ids: Int32Array.from(ids), from, temperature: 1, top }, goOn, (tokens) =>
    done.push(tokens),
  );
  assert.ok(scores !== undefined);
  assert.equal(done.at(-1) ?? 0, ids.length - from);
  return scores;
}

async function written(
  model: LanguageModel,
  prefix: readonly number[],
  seeds: readonly bigint[],
  maxTokens: number,
  endTokens: readonly number[] = [],
): Promise<Written[]> {
  const tokens: Written[] = [];
  const request = { prefix: Int32Array.from(prefix), seeds, firstPosition: 0, maxTokens, sampling, endTokens };
  assert.ok(await model.write(request, goOn, (more) => tokens.push(...more)));
  return tokens;
}

function idsOf(tokens: readonly Written[], row: number): number[] {
  return tokens.filter((token) => token.row === row).map(({ id }) => id);
}

function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length);
  for (let place = 0; place < expected.length; place += 1) {
    const gap = Math.abs((actual[place] ?? NaN) - (expected[place] ?? NaN));
    assert.ok(gap <= tolerance, `${actual[place]} at ${place}, not ${expected[place]}`);
  }
}

async function goOn(): Promise<boolean> {
  return Promise.resolve(true);
}

async function no(): Promise<boolean> {
  return Promise.resolve(false);
}

function ignore(): void {
  // Nobody asks.
}
