import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adapterScale, readAdapterConfig } from '../../../src/inference/adapterConfig';
import { adapterOf } from '../../../src/inference/adapterParts';
import { readModelConfig } from '../../../src/inference/modelConfig';
import { problemOf } from './problems';
import { references, storedTensors } from './references';

const written = { peft_type: 'LORA', base_model_name_or_path: 'models/small', r: 4, lora_alpha: 8, bias: 'none' };
const read = (changes: Readonly<Record<string, unknown>> = {}): ReturnType<typeof readAdapterConfig> =>
  readAdapterConfig(JSON.stringify({ ...written, ...changes }));
const base = readModelConfig(JSON.stringify(references.cases['llama']?.config), undefined);
const query = 'model.layers.0.self_attn.q_proj';

test('the scale is alpha over the rank, or over its root, of each layer', () => {
  assert.equal(adapterScale(read(), query), 2);
  assert.equal(adapterScale(read({ use_rslora: true }), query), 4);
  assert.equal(adapterScale(read({ rank_pattern: { q_proj: 2 } }), query), 4);
  assert.equal(adapterScale(read({ alpha_pattern: { 'layers.0.self_attn.q_proj': 1 } }), query), 0.25);
  assert.equal(adapterScale(read({ alpha_pattern: { [`^${query}`]: 1 } }), query), 0.25);
  assert.equal(
    adapterScale(read({ alpha_pattern: { '^q_proj': 1, proj: 1, 'layers.1.self_attn.q_proj': 1 } }), query),
    2,
  );
  assert.equal(adapterScale(read({ rank_pattern: { q_proj: 2, 'self_attn.q_proj': 1 } }), query), 4);
});

for (const [name, { config, shapes, scales }] of Object.entries(references.adapters)) {
  test(`${name}: layers and scales are those of peft`, () => {
    const { layers } = adapterOf(readAdapterConfig(JSON.stringify(config)), storedTensors(shapes), base);
    assert.deepEqual(new Set(layers.keys()), new Set(Object.keys(scales)));
    for (const [layer, { scale }] of layers) assert.equal(scale, scales[layer], layer);
  });
}

const refusals: readonly (readonly [changes: Readonly<Record<string, unknown>>, sentence: RegExp])[] = [
  [
    { peft_type: 'IA3' },
    /^adapter_config\.json, peft_type: the adapter "IA3" is not supported; merge it into its base first/,
  ],
  [{ peft_type: undefined }, /the adapter "" is not supported/],
  [{ use_dora: true }, /use_dora: is more than plain LoRA/],
  [{ fan_in_fan_out: true }, /fan_in_fan_out: is more than plain LoRA/],
  [{ modules_to_save: ['lm_head'] }, /modules_to_save: is more than plain LoRA/],
  [{ trainable_token_indices: { embed_tokens: [1] } }, /trainable_token_indices: is more/],
  [{ bias: 'all' }, /bias: "all" changes the base's biases/],
  [{ init_lora_weights: 'pissa_niter_4' }, /init_lora_weights: "pissa_niter_4" changes the base's own weights/],
  [{ r: 0 }, /r: must be a whole number from 1/],
  [{ lora_alpha: -1 }, /lora_alpha: must be a number above 0/],
  [{ rank_pattern: { '(a+)+$': 2 } }, /rank_pattern: "\(a\+\)\+\$" is no plain name of a layer/],
  [{ rank_pattern: { q_proj: 1.5 } }, /rank_pattern\.q_proj: must be a whole number/],
  [{ base_model_name_or_path: 7 }, /base_model_name_or_path: must be a text, not 7/],
];

for (const [changes, sentence] of refusals) {
  test(`refused: ${JSON.stringify(changes)}`, () => {
    assert.match(problemOf(() => read(changes)).message, sentence);
  });
}

test('what peft leaves of a plain adapter is accepted', () => {
  const plain = {
    use_dora: false,
    modules_to_save: null,
    fan_in_fan_out: false,
    init_lora_weights: true,
    loftq_config: {},
  };
  assert.equal(read({ ...plain, layer_replication: null, megatron_core: 'megatron.core' }).base, 'models/small');
});

const named = (
  layer: string,
  [a, b]: readonly [readonly number[], readonly number[]],
  label = '',
): Record<string, readonly number[]> => ({
  [`base_model.model.${layer}.lora_A${label}.weight`]: a,
  [`base_model.model.${layer}.lora_B${label}.weight`]: b,
});
const fitting = [
  [4, 32],
  [32, 4],
] as const;
const parts = (shapes: Readonly<Record<string, readonly number[]>>, changes = {}): ReturnType<typeof adapterOf> =>
  adapterOf(read(changes), storedTensors(shapes), base);

test('layers are known by the names of the model, with or without the name of the adapter', () => {
  for (const label of ['', '.default']) {
    const { layers, base: name } = parts({
      ...named(query, fitting, label),
      ...named(
        'lm_head',
        [
          [4, 32],
          [24, 4],
        ],
        label,
      ),
    });
    assert.deepEqual([...layers.keys()], [query, 'lm_head']);
    assert.equal(name, 'models/small');
    assert.deepEqual(layers.get(query)?.down.shape, [4, 32]);
    assert.deepEqual(layers.get(query)?.up.shape, [32, 4]);
    assert.equal(layers.get(query)?.scale, 2);
  }
});

test('the head that peft saves beside its adapter is that of the base', () => {
  const saved = {
    ...named('lm_head', [
      [4, 32],
      [24, 4],
    ]),
    'base_model.model.lm_head.base_layer.weight': [24, 32],
  };
  assert.deepEqual([...parts(saved).layers.keys()], ['lm_head']);
  const resized = { ...saved, 'base_model.model.lm_head.base_layer.weight': [25, 32] };
  assert.match(
    problemOf(() => parts(resized)).message,
    /has the shape \[25, 32\], but by the base's lm_head\.weight it is \[24, 32\]/,
  );
});

const wrong: readonly (readonly [
  title: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  sentence: RegExp,
])[] = [
  [
    'of a wider base',
    named(query, [
      [4, 64],
      [64, 4],
    ]),
    /q_proj\.lora_A": has the shape \[4, 64\], but by the base and the rank it is \[4, 32\]; choose the base/,
  ],
  [
    'of a deeper base',
    named('model.layers.3.self_attn.q_proj', fitting),
    /adapts "model\.layers\.3\.self_attn\.q_proj", which is no linear layer of the base; choose the base/,
  ],
  [
    'of another rank',
    named(query, [
      [8, 32],
      [32, 8],
    ]),
    /has the shape \[8, 32\]/,
  ],
  ['half of it', { [`base_model.model.${query}.lora_A.weight`]: [4, 32] }, /has only one of lora_A and lora_B/],
  ['twice', { ...named(query, fitting), ...named(query, fitting, '.default') }, /is there twice/],
  [
    'of embeddings',
    { 'base_model.model.model.embed_tokens.lora_embedding_A': [4, 24] },
    /is no part of a plain LoRA adapter/,
  ],
  [
    'DoRA without saying so',
    { ...named(query, fitting), [`base_model.model.${query}.lora_magnitude_vector.weight`]: [32] },
    /is no part of a plain LoRA/,
  ],
  ['nothing', {}, /holds no adapter/],
];

for (const [title, shapes, sentence] of wrong) {
  test(`refused: an adapter ${title}`, () => {
    assert.match(problemOf(() => parts(shapes)).message, sentence);
  });
}
