import { embeddingName, headName, layerShapes, outerShapes } from './expectedTensors';
import type { DecoderConfig, TensorPlace, TensorTable, WeightType } from './model';
import { configFile } from './modelConfig';
import { CheckpointProblem } from './problem';
import type { StoredTensor, StoredTensors } from './safetensors';
import { shown, shownShape } from './shown';

/** The configuration as the tensors bear it out, and the tensors it needs. */
export interface ModelParts {
  /** `tied` is false where a tied model has a head of its own in its files, which then counts, as in transformers. */
  readonly config: DecoderConfig;
  /** Just what is needed; bare names of base models have got their `model.`. */
  readonly tensors: TensorTable;
}

/** Frequencies that older releases stored beside the weights: they follow from the configuration. */
const storedFrequencies = '.rotary_emb.inv_freq';

/**
 * Holds configuration and tensors together.
 *
 * @throws {CheckpointProblem} that names the first tensor that is missing, too many or of another shape or type
 */
export function partsOf(config: DecoderConfig, stored: StoredTensors): ModelParts {
  const named = withPrefix(stored);
  refuseExtraLayerTensors(config, named);
  const hasHead = named.has(headName);
  const hasEmbedding = named.has(embeddingName);
  // A tied matrix may be stored under either name.
  const tied = config.tied && !(hasHead && hasEmbedding);
  const stand = tied && !hasEmbedding ? new Map([...named, [embeddingName, named.get(headName)]]) : named;
  const tensors = new Map<string, TensorPlace>();
  const take = (name: string, shape: readonly number[]): void => {
    tensors.set(name, checked(name, stand.get(name), shape));
  };
  for (const [name, shape] of outerShapes(config)) take(name, shape);
  if (!tied) take(headName, [config.vocabulary, config.hiddenSize]);
  for (let layer = 0; layer < config.layers; layer += 1) {
    for (const [name, shape] of layerShapes(config)) take(`model.layers.${layer}.${name}`, shape);
  }
  return { config: { ...config, tied }, tensors };
}

/** A tensor that is there, of this shape and of a type that can be computed with. */
export function checked(name: string, tensor: StoredTensor | undefined, shape: readonly number[]): TensorPlace {
  if (tensor === undefined) {
    throw contradiction(`asks for the tensor ${shown(name)} of shape ${shownShape(shape)}, which no file has`);
  }
  const { dtype } = tensor;
  const where = `${tensor.file}, tensor ${shown(name)}`;
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
    const fault = `has the shape ${shownShape(tensor.shape)}, but by ${configFile} it is ${shownShape(shape)}`;
    throw new CheckpointProblem(fault, where, `take weights and ${configFile} from one and the same model`);
  }
  if (!isWeightType(dtype)) {
    const fault = `is stored as ${dtype}; F32, F16 and BF16 can be computed with`;
    throw new CheckpointProblem(fault, where, 'choose a checkpoint that is not quantised');
  }
  return { ...tensor, dtype };
}

/** Base models are saved without the `model.` of the language model around them; transformers loads either. */
function withPrefix(stored: StoredTensors): ReadonlyMap<string, StoredTensor | undefined> {
  const bare = embeddingName.slice('model.'.length);
  const isBare = stored.has(bare) && ![...stored.keys()].some((name) => name.startsWith('model.'));
  if (!isBare) return stored;
  return new Map([...stored].map(([name, tensor]) => [name === headName ? name : `model.${name}`, tensor]));
}

/** A layer too many, or a bias or norm that the configuration knows nothing of, would be left out without a word. */
function refuseExtraLayerTensors(config: DecoderConfig, named: ReadonlyMap<string, unknown>): void {
  const shapes = layerShapes(config);
  for (const name of named.keys()) {
    const [, layer, rest] = /^model\.layers\.(\d{1,9})\.(.*)$/.exec(name) ?? [];
    if (layer === undefined || rest === undefined || `.${rest}`.endsWith(storedFrequencies)) continue;
    if (config.layers <= Number(layer))
      throw contradiction(`says ${config.layers} layers, but there is ${shown(name)}`);
    if (!shapes.has(rest)) {
      const model = config.architecture;
      throw contradiction(`describes a ${model} model without ${shown(rest)}, but there is ${shown(name)}`);
    }
  }
}

function contradiction(fault: string): CheckpointProblem {
  return new CheckpointProblem(fault, configFile, 'take it and the weights from one and the same model');
}

/** Whether weights of this type can be computed with. */
export function isWeightType(dtype: string): dtype is WeightType {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}
