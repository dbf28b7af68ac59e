/** How weights may be stored. Everything is computed in float32. */
export type WeightType = 'F32' | 'F16' | 'BF16';

/** Where a tensor lies: bytes [offset, offset + length) of a `.safetensors` file. */
export interface TensorPlace {
  readonly dtype: WeightType;
  readonly shape: readonly number[];
  /** Name of the file in the checkpoint's folder, or in the adapter's; no path. */
  readonly file: string;
  /** From the beginning of the file, header included. */
  readonly offset: number;
  readonly length: number;
}

/** Tensors by the name that the model's own code gives them, such as `model.layers.0.self_attn.q_proj.weight`. */
export type TensorTable = ReadonlyMap<string, TensorPlace>;

/** How frequencies of the rotary embedding follow from positions; names as in `config.json`. */
export type RopeScaling =
  | { readonly kind: 'default' }
  | { readonly kind: 'linear'; readonly factor: number }
  | { readonly kind: 'dynamic'; readonly factor: number; readonly originalPositions: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalPositions: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Multiplies cosine and sine. */
      readonly attentionFactor: number;
      /** Whether the corrected dimensions are rounded to whole ones. */
      readonly truncate: boolean;
    };

/** A decoder of the Llama family: all that its graph and its rotary tables need to know. */
export interface DecoderConfig {
  readonly architecture: 'llama' | 'mistral' | 'qwen2' | 'qwen3';
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  readonly rope: RopeScaling;
  /** Tokens a model was made for; longer texts are scored all the same. */
  readonly maxPositions: number;
  /** [layers] a token sees itself and the `window - 1` before it; null: all before it. */
  readonly windows: readonly (number | null)[];
  readonly activation: 'silu' | 'gelu' | 'gelu_tanh' | 'relu';
  readonly tied: boolean;
  /** Which linear layers have a bias: told by configuration and by the tensors that are there. */
  readonly bias: { readonly query: boolean; readonly output: boolean; readonly mlp: boolean };
  /** RMS norms over each head's query and key (Qwen3). */
  readonly headNorms: boolean;
  /** Tokens that end an answer. */
  readonly endTokens: readonly number[];
}

/** A LoRA adapter, applied beside its layers and never merged: y = W x + scale · B (A x). */
export interface Adapter {
  /** By the layer's name without `.weight`, such as `model.layers.0.self_attn.q_proj`; a DoRA or a bias is refused. */
  readonly layers: ReadonlyMap<
    string,
    { readonly down: TensorPlace; readonly up: TensorPlace; readonly scale: number }
  >;
  /** Base it was trained on, as `adapter_config.json` names it. */
  readonly base: string;
}

/** What a graph is built from. */
export interface DecoderParts {
  readonly config: DecoderConfig;
  readonly tensors: TensorTable;
  readonly adapter: Adapter | null;
}
