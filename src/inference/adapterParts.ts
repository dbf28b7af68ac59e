import { adapterRank, adapterScale, type AdapterConfig } from './adapterConfig';
import { headLayer, headName, linearShapes } from './expectedTensors';
import type { Adapter, DecoderConfig, TensorPlace } from './model';
import { isWeightType } from './parts';
import { CheckpointProblem } from './problem';
import type { StoredTensor, StoredTensors } from './safetensors';
import { shown, shownShape } from './shown';

type Side = 'lora_A' | 'lora_B';
type Sides = Partial<Record<Side, StoredTensor>>;

/**
 * The tensors of an adapter, layer by layer, held against the base.
 *
 * @param config what `adapter_config.json` says
 * @param stored tensors of `adapter_model.safetensors`
 * @param base configuration of the base model
 * @throws {CheckpointProblem} that names the first tensor that does not belong to plain LoRA, or to this base
 */
export function adapterOf(config: AdapterConfig, stored: StoredTensors, base: DecoderConfig): Adapter {
  const found = new Map<string, Sides>();
  for (const [name, tensor] of stored) {
    const place = placeOf(name);
    if (place === undefined) throw notPlain(name, tensor);
    if (place.side === 'base') checkBase(name, tensor, base);
    else
      found.set(place.layer, {
        ...found.get(place.layer),
        ...onlyOnce(place.side, name, tensor, found.get(place.layer)),
      });
  }
  const [first] = stored.values();
  if (first === undefined || found.size === 0) {
    throw new CheckpointProblem('holds no adapter', first?.file ?? 'adapter', 'choose another checkpoint');
  }
  const layers = new Map([...found].map(([layer, sides]) => [layer, layerOf(layer, sides, config, base)]));
  return { layers, base: config.base };
}

interface Place {
  readonly layer: string;
  readonly side: Side | 'base';
}

/** peft's name of a tensor; the name of the adapter may stand in it. */
function placeOf(name: string): Place | undefined {
  const [, layer, side] = /^base_model\.model\.(.+)\.(lora_[AB])(?:\.default)?\.weight$/.exec(name) ?? [];
  if (layer !== undefined && (side === 'lora_A' || side === 'lora_B')) return { layer, side };
  const [, own] = /^base_model\.model\.(.+)\.base_layer\.weight$/.exec(name) ?? [];
  return own === undefined ? undefined : { layer: own, side: 'base' };
}

function onlyOnce(side: Side, name: string, tensor: StoredTensor, sides: Sides | undefined): Sides {
  if (sides?.[side] === undefined) return { [side]: tensor };
  const fault = 'is there twice, once with the name of its adapter';
  throw new CheckpointProblem(fault, `${tensor.file}, tensor ${shown(name)}`, remedy);
}

/** Beside an adapter of the head, peft saves the head itself as it is in the base. */
function checkBase(name: string, tensor: StoredTensor, { vocabulary, hiddenSize }: DecoderConfig): void {
  if (!name.endsWith(`.${headLayer}.base_layer.weight`)) throw notPlain(name, tensor);
  checkShape(name, tensor, [vocabulary, hiddenSize], `the base's ${headName}`);
}

function layerOf(
  layer: string,
  { lora_A: down, lora_B: up }: Sides,
  config: AdapterConfig,
  base: DecoderConfig,
): { readonly down: TensorPlace; readonly up: TensorPlace; readonly scale: number } {
  const there = down ?? up;
  if (there === undefined || down === undefined || up === undefined) {
    const fault = `has only one of lora_A and lora_B of the layer ${shown(layer)}`;
    throw new CheckpointProblem(fault, there?.file ?? 'adapter', remedy);
  }
  const linear = linearOf(layer, base);
  if (linear === undefined) {
    const fault = `adapts ${shown(layer)}, which is no linear layer of the base`;
    throw new CheckpointProblem(fault, down.file, otherBase);
  }
  const rank = adapterRank(config, layer);
  checkShape(`${layer}.lora_A`, down, [rank, linear.inputs], 'the base and the rank');
  checkShape(`${layer}.lora_B`, up, [linear.outputs, rank], 'the base and the rank');
  return { down: weight(layer, down), up: weight(layer, up), scale: adapterScale(config, layer) };
}

function linearOf(
  layer: string,
  base: DecoderConfig,
): { readonly outputs: number; readonly inputs: number } | undefined {
  if (layer === headLayer) return { outputs: base.vocabulary, inputs: base.hiddenSize };
  const [, index, rest] = /^model\.layers\.(0|[1-9]\d{0,5})\.(.+)$/.exec(layer) ?? [];
  if (index === undefined || rest === undefined || base.layers <= Number(index)) return undefined;
  return linearShapes(base).get(rest);
}

function weight(layer: string, tensor: StoredTensor): TensorPlace {
  const { dtype } = tensor;
  if (isWeightType(dtype)) return { ...tensor, dtype };
  const fault = `is stored as ${dtype}; F32, F16 and BF16 can be computed with`;
  throw new CheckpointProblem(fault, `${tensor.file}, tensor ${shown(layer)}`, 'choose another checkpoint');
}

function checkShape(name: string, tensor: StoredTensor, shape: readonly number[], by: string): void {
  if (tensor.shape.length === shape.length && tensor.shape.every((size, axis) => size === shape[axis])) return;
  const fault = `has the shape ${shownShape(tensor.shape)}, but by ${by} it is ${shownShape(shape)}`;
  throw new CheckpointProblem(fault, `${tensor.file}, tensor ${shown(name)}`, otherBase);
}

function notPlain(name: string, tensor: StoredTensor): CheckpointProblem {
  const fault = 'is no part of a plain LoRA adapter of linear layers';
  const toDo = 'merge it into its base first, with srft export or peft, and choose that';
  return new CheckpointProblem(fault, `${tensor.file}, tensor ${shown(name)}`, toDo);
}

const remedy = 'copy the adapter once more';
const otherBase = 'choose the base that the adapter was trained on';
