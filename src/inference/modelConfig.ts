import { JsonFile } from './jsonFile';
import type { DecoderConfig } from './model';
import { readRope } from './ropeConfig';
import { shown } from './shown';
import { readWindows } from './windows';

type Architecture = DecoderConfig['architecture'];

/** What transformers takes where `config.json` is silent; names of its Python classes. */
interface Family {
  readonly className: string;
  readonly maxPositions: number;
  /** undefined: as many as there are heads. */
  readonly keyValueHeads: number | undefined;
  /** undefined: the hidden size shared among the heads. */
  readonly headSize: number | undefined;
  readonly endToken: number | undefined;
}

/** From `models/<architecture>/configuration_<architecture>.py` of transformers 5.23. */
const families: Readonly<Record<Architecture, Family>> = {
  llama: { className: 'Llama', maxPositions: 2048, keyValueHeads: undefined, headSize: undefined, endToken: 2 },
  mistral: { className: 'Mistral', maxPositions: 131_072, keyValueHeads: 8, headSize: undefined, endToken: 2 },
  qwen2: { className: 'Qwen2', maxPositions: 32_768, keyValueHeads: 32, headSize: undefined, endToken: undefined },
  qwen3: { className: 'Qwen3', maxPositions: 32_768, keyValueHeads: 32, headSize: 128, endToken: undefined },
};

const activations: ReadonlyMap<string, DecoderConfig['activation']> = new Map([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu', 'gelu'],
  ['gelu_python', 'gelu'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
  ['gelu_python_tanh', 'gelu_tanh'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_fast', 'gelu_tanh'],
  ['relu', 'relu'],
]);

const mostLayers = 2048;
const takeSupported = 'choose a checkpoint of Llama, Mistral, Qwen2 or Qwen3';
export const configFile = 'config.json';
export const generationFile = 'generation_config.json';

/**
 * The decoder that `config.json` describes, with transformers' own defaults. Whether the tensors agree is `partsOf`'s.
 *
 * @param config text of `config.json`
 * @param generation text of `generation_config.json`, whose end tokens go before those of `config.json`; undefined where
 *   there is none
 * @throws {CheckpointProblem} for another architecture or variant, by name, and for values that cannot be
 */
export function readModelConfig(config: string, generation: string | undefined): DecoderConfig {
  const json = JsonFile.parse(configFile, config);
  const architecture = architectureOf(json);
  const family = families[architecture];
  const layers = json.count('num_hidden_layers', { most: mostLayers });
  const vocabulary = json.count('vocab_size');
  const maxPositions = json.count('max_position_embeddings', { otherwise: family.maxPositions });
  const rope = readRope(json, maxPositions);
  return {
    architecture,
    ...headsOf(json, family, rope.scaling.kind),
    intermediateSize: json.count('intermediate_size'),
    layers,
    vocabulary,
    normEpsilon: json.positive('rms_norm_eps', 1e-6),
    ropeTheta: rope.theta,
    rope: rope.scaling,
    maxPositions,
    windows: readWindows(json, architecture, layers),
    activation: activationOf(json),
    tied: json.flag('tie_word_embeddings', false),
    bias: biasOf(json, architecture),
    headNorms: architecture === 'qwen3',
    endTokens: endTokensOf(json, generation, family, vocabulary),
  };
}

function architectureOf(json: JsonFile): Architecture {
  const name = json.text('model_type', '');
  const architecture = Object.keys(families).find((known): known is Architecture => known === name);
  if (architecture === undefined) {
    const fault = name === '' ? 'does not say what the model is' : `the architecture ${shown(name)} is not supported`;
    throw json.refused('model_type', fault, takeSupported);
  }
  if (json.has('quantization_config')) {
    throw json.refused('quantization_config', 'its weights are quantised', 'choose the checkpoint it was made from');
  }
  const { className } = families[architecture];
  const known = [`${className}ForCausalLM`, `${className}Model`];
  const classes = json.texts('architectures') ?? [];
  const other = classes.find((name) => !known.includes(name));
  if (other !== undefined) {
    throw json.refused('architectures', `${shown(other)} is no plain language model`, takeSupported);
  }
  return architecture;
}

function headsOf(
  json: JsonFile,
  family: Family,
  rope: string,
): Pick<DecoderConfig, 'hiddenSize' | 'heads' | 'keyValueHeads' | 'headSize'> {
  const hiddenSize = json.count('hidden_size');
  const heads = json.count('num_attention_heads');
  // A null that is written out means as many as heads; absence means what the family's class says.
  const silent = !json.names('num_key_value_heads');
  const otherwise = silent ? (family.keyValueHeads ?? heads) : heads;
  const keyValueHeads = json.count('num_key_value_heads', { otherwise });
  if (heads % keyValueHeads !== 0) {
    throw json.refused('num_key_value_heads', `${heads} heads cannot be shared among ${keyValueHeads}`);
  }
  const shared = Math.floor(hiddenSize / heads);
  const headSize = json.count('head_dim', { otherwise: family.headSize ?? shared });
  // Dynamic scaling divides by the size less two.
  const least = rope === 'dynamic' ? 4 : 2;
  if (headSize % 2 !== 0 || headSize < least) {
    throw json.refused('head_dim', `must be even and at least ${least}, not ${headSize}`);
  }
  return { hiddenSize, heads, keyValueHeads, headSize };
}

function activationOf(json: JsonFile): DecoderConfig['activation'] {
  const name = json.text('hidden_act', 'silu');
  const activation = activations.get(name);
  if (activation !== undefined) return activation;
  throw json.refused('hidden_act', `the activation ${shown(name)} is not supported`, takeSupported);
}

/** Mistral and Qwen2 take no notice of `attention_bias`, and Llama alone has `mlp_bias`. */
function biasOf(json: JsonFile, architecture: Architecture): DecoderConfig['bias'] {
  switch (architecture) {
    case 'llama': {
      const attention = json.flag('attention_bias', false);
      return { query: attention, output: attention, mlp: json.flag('mlp_bias', false) };
    }
    case 'mistral':
      return { query: false, output: false, mlp: false };
    case 'qwen2':
      return { query: true, output: false, mlp: false };
    case 'qwen3': {
      const attention = json.flag('attention_bias', false);
      return { query: attention, output: attention, mlp: false };
    }
  }
}

function endTokensOf(
  json: JsonFile,
  generation: string | undefined,
  family: Family,
  vocabulary: number,
): readonly number[] {
  const key = 'eos_token_id';
  const own = generation === undefined ? undefined : JsonFile.parse(generationFile, generation);
  const holder = own?.has(key) === true ? own : json;
  const silent = holder === json && !json.names(key);
  const value = silent ? family.endToken : holder.value(key);
  const tokens: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
  const inside = (token: unknown): token is number =>
    Number.isSafeInteger(token) && 0 <= Number(token) && Number(token) < vocabulary;
  if (tokens.every(inside)) return [...new Set(tokens)];
  const outside = tokens.find((token) => !inside(token));
  throw holder.refused(key, `the end token ${shown(outside)} is none of the model's ${vocabulary} tokens`);
}
