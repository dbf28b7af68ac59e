import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DecoderConfig } from '../../../src/inference/model';
import { readModelConfig } from '../../../src/inference/modelConfig';
import { partsOf } from '../../../src/inference/parts';
import { inverseFrequencies, rotaryTables } from '../../../src/inference/rope';
import { floatsIn, leaving, references, storedTensors } from './references';
import { problemOf } from './problems';

const activationNames: Readonly<Record<string, string>> = { SiLUActivation: 'silu', GELUTanh: 'gelu_tanh' };

for (const [name, { config, facts, rotary }] of Object.entries(references.cases)) {
  const read = (): DecoderConfig => readModelConfig(JSON.stringify(config), undefined);

  test(`${name}: the configuration says what transformers makes of it`, () => {
    const own = read();
    const { activation, shapes, ...same } = facts;
    for (const [key, value] of Object.entries(same)) assert.deepEqual(own[key as keyof DecoderConfig], value, key);
    assert.equal(own.activation, activationNames[activation]);
    assert.equal(own.layers, facts.windows.length);
    assert.equal(own.hiddenSize, shapes['model.norm.weight']?.[0]);
  });

  test(`${name}: the tensors that are needed are those of transformers' model`, () => {
    const own = read();
    const { tensors, config: borneOut } = partsOf(own, storedTensors(facts.shapes, own.tied ? ['lm_head.weight'] : []));
    const needed = Object.keys(facts.shapes).filter((tensor) => !own.tied || tensor !== 'lm_head.weight');
    assert.deepEqual([...tensors.keys()].sort(), needed.sort());
    assert.equal(borneOut.tied, own.tied);
  });

  test(`${name}: the rotary tables are torch's but for the last bit of its powers`, () => {
    for (const { length, frequencies, cos, sin } of rotary) {
      const theirs = floatsIn(frequencies);
      const own = inverseFrequencies(read(), length);
      assert.equal(own.length, theirs.length);
      for (const [index, value] of own.entries())
        assertNear(value, theirs[index] ?? NaN, (theirs[index] ?? 0) * oneBit);
      const tables = rotaryTables(read(), Int32Array.from(references.positions), length);
      for (const [table, expected] of [
        [tables.cos, floatsIn(cos)],
        [tables.sin, floatsIn(sin)],
      ] as const) {
        assert.equal(table.length, expected.length);
        for (const [at, value] of table.entries()) {
          const angle = (references.positions[Math.floor(at / own.length)] ?? 0) * (own[at % own.length] ?? 0);
          assertNear(value, expected[at] ?? NaN, 1e-6 + 1.5 * angle * oneBit);
        }
      }
    }
  });
}

test('a stretch of positions is the same as its list', () => {
  const config = { headSize: 8, ropeTheta: 10_000, rope: { kind: 'default' } } as const;
  assert.deepEqual(rotaryTables(config, [3, 6], 6), rotaryTables(config, Int32Array.of(3, 4, 5), 6));
});

/** Of a float32 number, relative: torch's `pow` is off by one of the last bits in every hundredth power. */
const oneBit = 2 ** -22;

function assertNear(value: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(value - expected) <= tolerance, `${value} is not ${expected} within ${tolerance}`);
}

/** The configuration of the demo's base, as transformers wrote it. */
const written = JSON.parse(readFileSync('trainer/demo/base/config.json', 'utf8')) as Readonly<Record<string, unknown>>;
const with_ = (changes: Readonly<Record<string, unknown>>, generation?: string): DecoderConfig =>
  readModelConfig(JSON.stringify({ ...written, ...changes }), generation);

test('end tokens: those for generation go first, lists and single ones alike', () => {
  assert.deepEqual(with_({}).endTokens, [2]);
  assert.deepEqual(with_({}, '{"eos_token_id": [3, 4, 3]}').endTokens, [3, 4]);
  assert.deepEqual(with_({}, '{"eos_token_id": null}').endTokens, [2]);
  assert.deepEqual(with_({ eos_token_id: null }).endTokens, []);
});

const refusals: readonly (readonly [changes: Readonly<Record<string, unknown>>, sentence: RegExp])[] = [
  [
    { model_type: 'mixtral' },
    /^config\.json, model_type: the architecture "mixtral" is not supported; choose a checkpoint of Llama, Mistral, Qwen2 or Qwen3\.$/,
  ],
  [{ model_type: 'qwen2_vl' }, /"qwen2_vl" is not supported/],
  [{ model_type: 'constructor' }, /"constructor" is not supported/],
  [{ model_type: undefined }, /model_type: does not say what the model is/],
  [{ model_type: 'evil\n\u202e'.padEnd(500, 'x') }, /"evil\\n\\u202ex+…? ?.* is not supported/],
  [
    { architectures: ['LlamaForSequenceClassification'] },
    /"LlamaForSequenceClassification" is no plain language model/,
  ],
  [{ quantization_config: { bits: 4 } }, /its weights are quantised; choose the checkpoint it was made from/],
  [{ hidden_act: 'xielu' }, /the activation "xielu" is not supported/],
  [{ rope_scaling: { type: 'longrope', factor: 4 } }, /rope_scaling\.type: asks for the rotary embedding "longrope"/],
  [
    { rope_parameters: { rope_type: 'yarn', factor: 'four' } },
    /rope_parameters\.factor: must be a number above 0, not "four"/,
  ],
  [
    { rope_parameters: { rope_type: 'llama3', factor: 2, low_freq_factor: 4, high_freq_factor: 4 } },
    /high_freq_factor: must be above/,
  ],
  [{ rope_parameters: { full_attention: {} } }, /full_attention: gives layers rotary embeddings of their own/],
  [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor: rotates a part of each head/],
  [{ rope_parameters: { rope_theta: 1 } }, /rope_theta: must be above 1/],
  [
    { layer_types: ['full_attention', 'linear_attention', 'full_attention'] },
    /layer_types: asks for "linear_attention"/,
  ],
  [{ layer_types: ['full_attention'] }, /lists 1 layers, but num_hidden_layers is 3/],
  [
    { model_type: 'qwen2', architectures: null, layer_types: Array(3).fill('sliding_attention') },
    /asks for sliding_attention, but/,
  ],
  [{ num_hidden_layers: 1e9 }, /num_hidden_layers: must be a whole number from 1 to 2048, not 1000000000/],
  [{ num_key_value_heads: 2 }, /5 heads cannot be shared among 2/],
  [{ head_dim: 33 }, /head_dim: must be even and at least 2, not 33/],
  [{ hidden_size: -1 }, /hidden_size: must be a whole number from 1/],
  [{ rms_norm_eps: 0 }, /rms_norm_eps: must be a number above 0/],
  [{ tie_word_embeddings: 'yes' }, /tie_word_embeddings: must be true or false, not "yes"/],
  [{ eos_token_id: [2, 352] }, /the end token 352 is none of the model's 352 tokens/],
];

for (const [changes, sentence] of refusals) {
  test(`refused: ${JSON.stringify(changes).slice(0, 60)}`, () => {
    assert.match(problemOf(() => with_(changes)).message, sentence);
  });
}

test('what is no object is refused', () => {
  for (const text of ['', '[]', 'null', '{"a":', '1e999']) {
    assert.match(problemOf(() => readModelConfig(text, undefined)).message, /^config\.json: /);
  }
});

test('a configuration that contradicts the tensors names the first of them and both shapes', () => {
  const [first] = Object.values(references.cases);
  assert.ok(first);
  const { shapes } = first.facts;
  const told = (config: Readonly<Record<string, unknown>>, stored = shapes): string =>
    problemOf(() =>
      partsOf(readModelConfig(JSON.stringify({ ...first.config, ...config }), undefined), storedTensors(stored)),
    ).message;
  assert.equal(
    told({ vocab_size: 30 }),
    'model.safetensors, tensor "model.embed_tokens.weight": has the shape [24, 32], but by config.json it is [30, 32]; ' +
      'take weights and config.json from one and the same model.',
  );
  assert.match(
    told({ num_hidden_layers: 4 }),
    /asks for the tensor "model\.layers\.3\.input_layernorm\.weight" of shape \[32\]/,
  );
  assert.match(told({ num_hidden_layers: 2 }), /says 2 layers, but there is "model\.layers\.2\./);
  assert.match(told({ attention_bias: true }), /asks for the tensor "model\.layers\.0\.self_attn\.q_proj\.bias"/);
  const biased = { ...shapes, 'model.layers.1.self_attn.q_proj.bias': [32] };
  assert.match(told({}, biased), /describes a llama model without "self_attn\.q_proj\.bias"/);
  assert.match(told({ model_type: 'qwen3', architectures: null, head_dim: 8 }), /q_norm\.weight/);
  assert.match(told({}, leaving('lm_head.weight', shapes)), /asks for the tensor "lm_head\.weight"/);
});

test('a type that cannot be computed with is refused only where it is needed', () => {
  const [first] = Object.values(references.cases);
  assert.ok(first);
  const config = readModelConfig(JSON.stringify(first.config), undefined);
  const stored = new Map(storedTensors(first.facts.shapes));
  const place = { dtype: 'I64', shape: [2], file: 'model.safetensors', offset: 8, length: 16 };
  stored.set('model.layers.0.self_attn.rotary_emb.inv_freq', place).set('counter', place);
  assert.equal(partsOf(config, stored).tensors.has('counter'), false);
  const norm = stored.get('model.norm.weight');
  assert.ok(norm);
  stored.set('model.norm.weight', { ...norm, dtype: 'F8_E4M3' });
  assert.match(
    problemOf(() => partsOf(config, stored)).message,
    /"model\.norm\.weight": is stored as F8_E4M3; F32, F16 and BF16/,
  );
});

test('tied weights stand under either name, and a head of its own goes before the tie', () => {
  const tied = Object.values(references.cases).find(({ facts }) => facts.tied);
  assert.ok(tied);
  const config = readModelConfig(JSON.stringify(tied.config), undefined);
  const fromHead = partsOf(config, storedTensors(tied.facts.shapes, ['model.embed_tokens.weight']));
  assert.equal(fromHead.config.tied, true);
  assert.ok(fromHead.tensors.has('model.embed_tokens.weight'));
  const both = partsOf(config, storedTensors(tied.facts.shapes));
  assert.equal(both.config.tied, false);
  assert.ok(both.tensors.has('lm_head.weight'));
});

test('a base model that was saved bare has the same tensors', () => {
  const tied = Object.values(references.cases).find(({ facts }) => facts.tied);
  assert.ok(tied);
  const config = readModelConfig(JSON.stringify(tied.config), undefined);
  const bare = Object.entries(tied.facts.shapes)
    .filter(([name]) => name !== 'lm_head.weight')
    .map(([name, shape]) => [name.replace(/^model\./, ''), shape] as const);
  const whole = partsOf(config, storedTensors(tied.facts.shapes, ['lm_head.weight']));
  assert.deepEqual(
    [...partsOf(config, storedTensors(Object.fromEntries(bare))).tensors.keys()],
    [...whole.tensors.keys()],
  );
});
