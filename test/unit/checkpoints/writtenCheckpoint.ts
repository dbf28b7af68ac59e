import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Tensors of float32 zeros by name and shape. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

export const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 12,
  hidden_size: 8,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 32,
  tie_word_embeddings: true,
};

const layer: Shapes = {
  'input_layernorm.weight': [8],
  'post_attention_layernorm.weight': [8],
  'self_attn.q_proj.weight': [8, 8],
  'self_attn.k_proj.weight': [4, 8],
  'self_attn.v_proj.weight': [4, 8],
  'self_attn.o_proj.weight': [8, 8],
  'mlp.gate_proj.weight': [10, 8],
  'mlp.up_proj.weight': [10, 8],
  'mlp.down_proj.weight': [8, 10],
};

export const shapes: Shapes = {
  'model.embed_tokens.weight': [12, 8],
  'model.norm.weight': [8],
  ...layerShapes(0),
  ...layerShapes(1),
};

export const adapterShapes: Shapes = {
  'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight': [2, 8],
  'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight': [8, 2],
};

/** Bytes of a `.safetensors` file of float32; `fill` is the first of its values. */
export function safetensors(tensors: Shapes, fill = 0): Buffer {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, shape]) => {
      const begin = end;
      end += 4 * shape.reduce((product, size) => product * size, 1);
      return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
    }),
  );
  return withHeader(Buffer.from(JSON.stringify(header)), Buffer.concat([floatBytes(fill), Buffer.alloc(end - 4)]));
}

/** A file of that header and that data. */
export function withHeader(header: Buffer, data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

/** Writes files into a new folder, whose path is the answer. */
export async function written(folder: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

export const model: Readonly<Record<string, string | Buffer>> = {
  'config.json': JSON.stringify(config),
  'generation_config.json': '{"eos_token_id": [2, 3]}',
  'tokenizer.json': '{}',
  'model.safetensors': safetensors(shapes),
};

export function adapter(base: string): Readonly<Record<string, string | Buffer>> {
  return {
    'adapter_config.json': JSON.stringify({ peft_type: 'LORA', base_model_name_or_path: base, r: 2, lora_alpha: 4 }),
    'adapter_model.safetensors': safetensors(adapterShapes),
    'tokenizer.json': '{}',
  };
}

function layerShapes(index: number): Shapes {
  return Object.fromEntries(Object.entries(layer).map(([name, shape]) => [`model.layers.${index}.${name}`, shape]));
}

function floatBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}
