import type { DecoderConfig } from './model';

export const embeddingName = 'model.embed_tokens.weight';
export const headName = 'lm_head.weight';
export const headLayer = 'lm_head';

/** The linear layers of one layer, by what follows `model.layers.<n>.`: [outputs, inputs], and whether it has a bias. */
export interface LinearShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly bias: boolean;
}

/** Name without `.weight`, and shape. */
export function linearShapes(config: DecoderConfig): ReadonlyMap<string, LinearShape> {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headSize, bias } = config;
  const queries = heads * headSize;
  const keys = keyValueHeads * headSize;
  return new Map([
    ['self_attn.q_proj', { outputs: queries, inputs: hiddenSize, bias: bias.query }],
    ['self_attn.k_proj', { outputs: keys, inputs: hiddenSize, bias: bias.query }],
    ['self_attn.v_proj', { outputs: keys, inputs: hiddenSize, bias: bias.query }],
    ['self_attn.o_proj', { outputs: hiddenSize, inputs: queries, bias: bias.output }],
    ['mlp.gate_proj', { outputs: intermediateSize, inputs: hiddenSize, bias: bias.mlp }],
    ['mlp.up_proj', { outputs: intermediateSize, inputs: hiddenSize, bias: bias.mlp }],
    ['mlp.down_proj', { outputs: hiddenSize, inputs: intermediateSize, bias: bias.mlp }],
  ]);
}

/** Every tensor that one layer has, by what follows `model.layers.<n>.`, with its shape. */
export function layerShapes(config: DecoderConfig): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([
    ['input_layernorm.weight', [config.hiddenSize]],
    ['post_attention_layernorm.weight', [config.hiddenSize]],
  ]);
  for (const [name, { outputs, inputs, bias }] of linearShapes(config)) {
    shapes.set(`${name}.weight`, [outputs, inputs]);
    if (bias) shapes.set(`${name}.bias`, [outputs]);
  }
  if (config.headNorms) {
    shapes.set('self_attn.q_norm.weight', [config.headSize]);
    shapes.set('self_attn.k_norm.weight', [config.headSize]);
  }
  return shapes;
}

/** Every tensor outside of the layers, but for the head. */
export function outerShapes(config: DecoderConfig): ReadonlyMap<string, readonly number[]> {
  return new Map([
    [embeddingName, [config.vocabulary, config.hiddenSize]],
    ['model.norm.weight', [config.hiddenSize]],
  ]);
}
