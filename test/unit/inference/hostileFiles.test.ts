import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeUtf8 } from '../../../core/utf8';
import { readAdapterConfig } from '../../../src/inference/adapterConfig';
import { adapterOf } from '../../../src/inference/adapterParts';
import type { TensorPlace } from '../../../src/inference/model';
import { readModelConfig } from '../../../src/inference/modelConfig';
import { partsOf } from '../../../src/inference/parts';
import { CheckpointProblem } from '../../../src/inference/problem';
import { rotaryTables } from '../../../src/inference/rope';
import { headerLength, readHeader, type StoredTensor } from '../../../src/inference/safetensors';
import { Chance, mutated } from './mutations';
import { references, storedTensors } from './references';

/** Of mutations that were read all the same, and of those that were refused. */
interface Counts {
  read: number;
  refused: number;
}

/** Does `work` so often; whatever it throws but a CheckpointProblem ends the test. */
function often(times: number, seed: bigint, work: (chance: Chance) => void): Counts {
  const chance = new Chance(seed);
  const counts: Counts = { read: 0, refused: 0 };
  for (let time = 0; time < times; time += 1) {
    try {
      work(chance);
      counts.read += 1;
    } catch (error) {
      if (!(error instanceof CheckpointProblem)) throw error;
      assert.match(error.message, /^[ -~…]{10,700}\.$/);
      counts.refused += 1;
    }
  }
  return counts;
}

/** Both outcomes are worth having: mutations that are all refused at the first brace would show nothing. */
function assertBoth({ read, refused }: Counts, least: number): void {
  assert.ok(least < read && least < refused, `${read} were read, ${refused} refused`);
}

const demo = readFileSync('trainer/demo/base/model.safetensors');
const demoHeader = demo.subarray(8, 8 + headerLength('model.safetensors', demo, demo.length));
const demoConfig = readModelConfig(readFileSync('trainer/demo/base/config.json', 'utf8'), undefined);

function assertInside(tensors: Iterable<StoredTensor | TensorPlace>, header: number, bytes: number): void {
  for (const { offset, length } of tensors) {
    assert.ok(8 + header <= offset && 0 <= length && offset + length <= bytes, `${offset} + ${length} of ${bytes}`);
  }
}

test('4,000 mutated headers: what is read lies inside the file', () => {
  const text = demoHeader.toString('utf8');
  const counts = often(4000, 1n, (chance) => {
    const header = encodeUtf8(chance.below(10) === 0 ? text : mutated(text, chance));
    const data = demo.length - 8 - demoHeader.length;
    const bytes = 8 + header.length + (chance.below(8) === 0 ? chance.below(2 * data) : data);
    const tensors = readHeader('model.safetensors', header, bytes);
    assertInside(tensors.values(), header.length, bytes);
    assertInside(partsOf(demoConfig, tensors).tensors.values(), header.length, bytes);
  });
  assertBoth(counts, 50);
});

test('500 lengths of headers: what is read lies inside the file', () => {
  const counts = often(500, 2n, (chance) => {
    const given = chance.below(9);
    const first = Uint8Array.from({ length: 8 }, (_, place) => (place < given ? chance.below(256) : 0));
    const bytes = chance.below(2 ** 24);
    assert.ok(8 + headerLength('model.safetensors', first, bytes) <= bytes);
  });
  assertBoth(counts, 50);
});

test('4,000 mutated configurations: each is a decoder that can be rotated, or refused', () => {
  const cases = Object.values(references.cases);
  const counts = often(4000, 3n, (chance) => {
    const { config, facts } = chance.of(cases, cases[0] ?? assert.fail());
    const generation = chance.below(4) === 0 ? mutated('{"eos_token_id": [1, 2], "top_k": 0}', chance) : undefined;
    const own = readModelConfig(mutated(JSON.stringify(config), chance), generation);
    assert.equal(own.windows.length, own.layers);
    if (own.headSize <= 4096) {
      const { cos, sin } = rotaryTables(own, [0, 4], 4);
      assert.ok(
        [...cos, ...sin].every((value) => Number.isFinite(value)),
        JSON.stringify(own.rope),
      );
    }
    const { tensors } = partsOf(own, storedTensors(facts.shapes, own.tied ? ['lm_head.weight'] : []));
    assert.ok(own.layers < tensors.size);
  });
  assertBoth(counts, 200);
});

test('2,000 mutated adapters: each is an adapter of this base, or refused', () => {
  const written = {
    peft_type: 'LORA',
    base_model_name_or_path: 'models/small',
    r: 4,
    lora_alpha: 8,
    bias: 'none',
    use_rslora: false,
    rank_pattern: { v_proj: 2 },
    alpha_pattern: {},
    modules_to_save: null,
    use_dora: false,
  };
  const base = readModelConfig(JSON.stringify(references.cases['llama']?.config), undefined);
  const names = [
    'base_model.model.model.layers.0.self_attn.q_proj',
    'base_model.model.model.layers.1.self_attn.q_proj',
  ];
  const shapes: Record<string, readonly number[]> = {};
  for (const name of names) {
    shapes[`${name}.lora_A.weight`] = [4, 32];
    shapes[`${name}.lora_B.weight`] = [32, 4];
  }
  const counts = often(2000, 4n, (chance) => {
    const header = mutated(JSON.stringify(Object.fromEntries([...storedTensors(shapes)].map(stored))), chance);
    const bytes = encodeUtf8(
      chance.below(2) === 0 ? JSON.stringify(Object.fromEntries([...storedTensors(shapes)].map(stored))) : header,
    );
    const config = readAdapterConfig(
      chance.below(2) === 0 ? JSON.stringify(written) : mutated(JSON.stringify(written), chance),
    );
    const { layers } = adapterOf(config, readHeader('adapter_model.safetensors', bytes, 8 + bytes.length + 2048), base);
    for (const { down, up, scale } of layers.values()) {
      assertInside([down, up], bytes.length, 8 + bytes.length + 2048);
      assert.ok(Number.isFinite(scale));
    }
  });
  assertBoth(counts, 200);
});

function stored([name, { dtype, shape, offset, length }]: readonly [string, StoredTensor]): readonly [string, unknown] {
  return [name, { dtype, shape, data_offsets: [offset - 8, offset - 8 + length] }];
}
