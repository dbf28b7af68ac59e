import type { Adapter, DecoderConfig, DecoderParts, TensorPlace } from './model';
import { OnnxGraph } from './onnx';

/**
 * The forward pass of a decoder as an ONNX graph whose weights stay in the checkpoint's own `.safetensors` files. All is
 * computed in float32.
 *
 * S new tokens follow P cached ones, T = P + S; they may be of several continuations of one text, told apart by their
 * branch: a token sees those of its own branch and of branch 0, at its own position and before. So a prefix that
 * continuations share is computed and kept once. N of the new tokens are asked for the next one; V is the vocabulary,
 * K the number of likeliest tokens, D the size of a head.
 *
 * | input | shape | |
 * |---|---|---|
 * | `ids` | int64 [S] | |
 * | `cosine`, `sine` | [S, D / 2] | of the rotary embedding at the new tokens' positions |
 * | `positions`, `branches` | int64 [T] | of the cached tokens, then of the new ones |
 * | `rows` | int64 [N] | which new tokens are asked |
 * | `targets` | int64 [N] | the token that came next |
 * | `temperature` | [] | divides the logits |
 * | `top` | int64 [1] | K |
 * | `past_key_<layer>`, `past_value_<layer>` | [P, 1, key-value heads, D] | |
 *
 * | output | shape | |
 * |---|---|---|
 * | `logprob`, `entropy` | [N] | of the target, and of the distribution, in nats |
 * | `rank` | int32 [N] | how many tokens are likelier than the target |
 * | `top_logprobs`, `top_ids` | [N, K] | likeliest first |
 * | `probabilities` | [N, V] | |
 * | `key_<layer>`, `value_<layer>` | [S, 1, key-value heads, D] | of the new tokens alone |
 *
 * Caches have time first, so that a caller appends to one buffer and hands over a view of what is filled.
 *
 * @param adapterFile the bytes of the adapter's file, which is small and lies in another folder: its tensors are written
 * into the graph
 */
export function decoderGraph(
  { config, tensors, adapter }: DecoderParts,
  adapterFile: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const graph = new OnnxGraph();
  const weights = new Weights(graph, tensors, adapter, adapterFile);
  const call = callOf(graph, config);
  const embedding = weights.tensor('model.embed_tokens.weight');
  let hidden = graph.op('Gather', [embedding, graph.input('ids', 'I64', ['S'])], { axis: 0n });
  for (let layer = 0; layer < config.layers; layer += 1) {
    hidden = decoderLayer(graph, weights, config, call, layer, hidden);
  }
  const asked = graph.op('Gather', [hidden, graph.input('rows', 'I64', ['N'])], { axis: 0n });
  const head = config.tied ? embedding : weights.tensor('lm_head.weight');
  const last = norm(graph, weights, config, 'model.norm', asked);
  figures(graph, config, graph.op('Gemm', [last, head], { transB: 1n }));
  return graph.model('srft-studio');
}

/** Prefix of the names of caches; `key_0` and so on are new, `past_key_0` what was there. */
export function cacheNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, layer) => [`key_${layer}`, `value_${layer}`]).flat();
}

/** What every layer uses. */
interface Call {
  /** [1, S, D / 2] */
  readonly cosine: string;
  readonly sine: string;
  /** [S, T] what is added to attention scores; one for each window that occurs. */
  maskOf(window: number | null): string;
}

function callOf(graph: OnnxGraph, { headSize }: DecoderConfig): Call {
  const once = graph.integers([0]);
  const [cosine = '', sine = ''] = ['cosine', 'sine'].map((name) =>
    graph.op('Unsqueeze', [graph.input(name, 'F32', ['S', headSize / 2]), once]),
  );
  const places = placesOf(graph);
  const masks = new Map<number | null, string>();
  const maskOf = (window: number | null): string => {
    const known = masks.get(window);
    if (known !== undefined) return known;
    const made = mask(graph, places, window);
    masks.set(window, made);
    return made;
  };
  return { cosine, sine, maskOf };
}

/** Positions and branches: [1, T] of all tokens, [S, 1] of the new ones. */
interface Places {
  readonly position: { readonly all: string; readonly own: string };
  readonly branch: { readonly all: string; readonly own: string };
}

function placesOf(graph: OnnxGraph): Places {
  const past = graph.op('Shape', ['past_key_0'], { start: 0n, end: 1n });
  const end = graph.integers([Number.MAX_SAFE_INTEGER]);
  const sides = (name: string): { all: string; own: string } => {
    const all = graph.input(name, 'I64', ['T']);
    const own = graph.op('Slice', [all, past, end]);
    return {
      all: graph.op('Unsqueeze', [all, graph.integers([0])]),
      own: graph.op('Unsqueeze', [own, graph.integers([1])]),
    };
  };
  return { position: sides('positions'), branch: sides('branches') };
}

/** Far below any score, so that its exponential is 0, and finite, so that nothing becomes NaN. */
const forbidden = -1e30;

/** [S, T]: 0 where a new token may look, else far below. */
function mask(graph: OnnxGraph, { position, branch }: Places, window: number | null): string {
  const isShared = graph.op('Equal', [branch.all, graph.integers(0)]);
  const isOwn = graph.op('Or', [isShared, graph.op('Equal', [branch.all, branch.own])]);
  const isBefore = graph.op('LessOrEqual', [position.all, position.own]);
  const isPast = graph.op('And', [isOwn, isBefore]);
  const isSeen = window === null ? isPast : graph.op('And', [isPast, isWithin(graph, position, window)]);
  return graph.op('Where', [isSeen, graph.floats(0), graph.floats(forbidden)]);
}

/** A token sees `window` tokens, itself among them. */
function isWithin(graph: OnnxGraph, { all, own }: Places['position'], window: number): string {
  return graph.op('Less', [graph.op('Sub', [own, graph.integers(window)]), all]);
}

/** Attention and feed-forward network, each after a norm and added to what came in. [S, hidden] → [S, hidden] */
function decoderLayer(
  graph: OnnxGraph,
  weights: Weights,
  config: DecoderConfig,
  call: Call,
  layer: number,
  hidden: string,
): string {
  const name = `model.layers.${layer}`;
  const attended = attention(
    graph,
    weights,
    config,
    call,
    layer,
    norm(graph, weights, config, `${name}.input_layernorm`, hidden),
  );
  const middle = graph.op('Add', [hidden, attended]);
  const inner = norm(graph, weights, config, `${name}.post_attention_layernorm`, middle);
  const gate = activation(graph, config, weights.linear(inner, `${name}.mlp.gate_proj`, config.bias.mlp));
  const up = weights.linear(inner, `${name}.mlp.up_proj`, config.bias.mlp);
  const down = weights.linear(graph.op('Mul', [gate, up]), `${name}.mlp.down_proj`, config.bias.mlp);
  return graph.op('Add', [middle, down]);
}

function attention(
  graph: OnnxGraph,
  weights: Weights,
  config: DecoderConfig,
  call: Call,
  layer: number,
  hidden: string,
): string {
  const name = `model.layers.${layer}.self_attn`;
  const { heads, keyValueHeads, headSize, bias } = config;
  /** [S, heads · D] → [1, heads, S, D] */
  const split = (projection: 'q' | 'k' | 'v', count: number): string => {
    const rows = weights.linear(hidden, `${name}.${projection}_proj`, bias.query);
    const apart = graph.op('Reshape', [rows, graph.integers([1, -1, count, headSize])]);
    const isNormed = config.headNorms && projection !== 'v';
    const normed = isNormed ? norm(graph, weights, config, `${name}.${projection}_norm`, apart) : apart;
    return graph.op('Transpose', [normed], { perm: [0n, 2n, 1n, 3n] });
  };
  const rotated = (value: string): string => graph.op('RotaryEmbedding', [value, call.cosine, call.sine]);
  const query = rotated(split('q', heads));
  const key = rotated(split('k', keyValueHeads));
  const value = split('v', keyValueHeads);
  const cached = (kind: 'key' | 'value', added: string): string => {
    const shape = [1, keyValueHeads, headSize];
    graph.op('Transpose', [added], { perm: [2n, 0n, 1n, 3n] }, { output: `${kind}_${layer}` });
    graph.output(`${kind}_${layer}`, 'F32', ['S', ...shape]);
    return graph.op('Transpose', [graph.input(`past_${kind}_${layer}`, 'F32', ['P', ...shape])], {
      perm: [1n, 2n, 0n, 3n],
    });
  };
  const inputs = [
    query,
    key,
    value,
    call.maskOf(config.windows[layer] ?? null),
    cached('key', key),
    cached('value', value),
  ];
  // The caches as a whole come out too, and nobody takes them.
  const [attended = ''] = graph.ops('Attention', inputs, { scale: headSize ** -0.5 }, 3);
  const together = graph.op('Reshape', [
    graph.op('Transpose', [attended], { perm: [0n, 2n, 1n, 3n] }),
    graph.integers([-1, heads * headSize]),
  ]);
  return weights.linear(together, `${name}.o_proj`, bias.output);
}

function norm(graph: OnnxGraph, weights: Weights, { normEpsilon }: DecoderConfig, name: string, value: string): string {
  return graph.op('RMSNormalization', [value, weights.tensor(`${name}.weight`)], { axis: -1n, epsilon: normEpsilon });
}

function activation(graph: OnnxGraph, config: DecoderConfig, value: string): string {
  switch (config.activation) {
    case 'silu':
      return graph.op('Mul', [value, graph.op('Sigmoid', [value])]);
    case 'gelu':
      return graph.op('Gelu', [value], { approximate: 'none' });
    case 'gelu_tanh':
      return graph.op('Gelu', [value], { approximate: 'tanh' });
    case 'relu':
      return graph.op('Relu', [value]);
  }
}

/** What is said of each asked row. LogSoftmax is the quickest and most exact way to all of it. */
function figures(graph: OnnxGraph, { vocabulary }: DecoderConfig, logits: string): void {
  const lastAxis = graph.integers([-1]);
  const scaled = graph.op('Div', [logits, graph.input('temperature', 'F32', [])]);
  const logprobs = graph.op('LogSoftmax', [scaled], { axis: -1n });
  const probabilities = graph.op('Exp', [logprobs], {}, { output: 'probabilities' });
  const targets = graph.op('Unsqueeze', [graph.input('targets', 'I64', ['N']), lastAxis]);
  const target = graph.op('GatherElements', [logprobs, targets], { axis: -1n });
  graph.op('Squeeze', [target, lastAxis], {}, { output: 'logprob' });
  const mean = graph.op('ReduceSum', [graph.op('Mul', [probabilities, logprobs]), lastAxis], { keepdims: 0n });
  graph.op('Neg', [mean], {}, { output: 'entropy' });
  const isLikelier = graph.op('Cast', [graph.op('Greater', [logprobs, target])], { to: 6n });
  graph.op('ReduceSum', [isLikelier, lastAxis], { keepdims: 0n }, { output: 'rank' });
  const top = graph.input('top', 'I64', [1]);
  const [topLogprobs = '', topIds = ''] = graph.ops('TopK', [logprobs, top], { axis: -1n }, 2);
  graph.op('Identity', [topLogprobs], {}, { output: 'top_logprobs' });
  graph.op('Identity', [topIds], {}, { output: 'top_ids' });
  graph.output('logprob', 'F32', ['N']);
  graph.output('entropy', 'F32', ['N']);
  graph.output('rank', 'I32', ['N']);
  graph.output('top_logprobs', 'F32', ['N', 'K']);
  graph.output('top_ids', 'I64', ['N', 'K']);
  graph.output('probabilities', 'F32', ['N', vocabulary]);
}

/** Tensors of the checkpoint by name, each written once, as float32. */
class Weights {
  private readonly made = new Map<string, string>();

  constructor(
    private readonly graph: OnnxGraph,
    private readonly tensors: DecoderParts['tensors'],
    private readonly adapter: Adapter | null,
    private readonly adapterFile: Uint8Array,
  ) {}

  tensor(name: string): string {
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const place = this.tensors.get(name);
    // Parts are checked against their configuration before a graph is built.
    if (place === undefined) throw new Error(`There is no tensor ${name}.`);
    const value = this.asFloat(this.graph.external(name, place.dtype, place.shape, place), place);
    this.made.set(name, value);
    return value;
  }

  /** y = W x + b, and what the adapter adds: scale · B (A x). [S, in] → [S, out] */
  linear(value: string, name: string, hasBias: boolean): string {
    const own = [value, this.tensor(`${name}.weight`), ...(hasBias ? [this.tensor(`${name}.bias`)] : [])];
    const plain = this.graph.op('Gemm', own, { transB: 1n });
    const added = this.adapter?.layers.get(name);
    if (added === undefined) return plain;
    const down = this.graph.op('Gemm', [value, this.inline(`${name}.lora_A`, added.down)], { transB: 1n });
    return this.graph.op('Gemm', [down, this.inline(`${name}.lora_B`, added.up), plain], {
      transB: 1n,
      alpha: added.scale,
    });
  }

  private inline(name: string, place: TensorPlace): string {
    const data = this.adapterFile.subarray(place.offset, place.offset + place.length);
    return this.asFloat(this.graph.inline(name, place.dtype, place.shape, data), place);
  }

  /** Casts of constants are folded when the graph is loaded. */
  private asFloat(stored: string, { dtype }: TensorPlace): string {
    return dtype === 'F32' ? stored : this.graph.op('Cast', [stored], { to: 1n });
  }
}
