import { JsonFile } from './jsonFile';
import type { RopeScaling } from './model';
import { shown } from './shown';

/** What the configuration says of the rotary embedding. */
export interface Rope {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** Where they are keys, each kind of layer has parameters of its own. */
const layerKinds = ['full_attention', 'sliding_attention', 'chunked_attention', 'linear_attention'];
const defaultTheta = 10_000;
const takeAnother = 'choose a checkpoint without it';

/**
 * The rotary embedding in either spelling: `rope_theta` and `rope_scaling`, or the `rope_parameters` of transformers 5.
 * Which key counts, and its default, is as in transformers' `modeling_rope_utils.py`.
 *
 * @param config `config.json`
 * @param maxPositions its `max_position_embeddings`
 * @throws {CheckpointProblem} for a kind that is not computed here, and for numbers that cannot be
 */
export function readRope(config: JsonFile, maxPositions: number): Rope {
  refusePartial(config);
  const parameters = parametersOf(config);
  if (parameters === undefined) return { theta: thetaOf(config), scaling: { kind: 'default' } };
  refusePartial(parameters);
  refuseByLayer(parameters);
  const theta = parameters.has('rope_theta') ? thetaOf(parameters) : thetaOf(config);
  return { theta, scaling: scalingOf(config, parameters, maxPositions) };
}

/** An empty object counts as none. */
function parametersOf(config: JsonFile): JsonFile | undefined {
  const old = config.inner('rope_scaling');
  return old !== undefined && 0 < Object.keys(old.object).length ? old : config.inner('rope_parameters');
}

function thetaOf(holder: JsonFile): number {
  const theta = holder.positive('rope_theta', defaultTheta);
  if (theta <= 1) throw holder.refused('rope_theta', `must be above 1, not ${theta}`);
  return theta;
}

function refusePartial(holder: JsonFile): void {
  const share = holder.value('partial_rotary_factor');
  if (share === undefined || share === 1) return;
  throw holder.refused('partial_rotary_factor', 'rotates a part of each head, which is not supported', takeAnother);
}

function refuseByLayer(parameters: JsonFile): void {
  const nested = Object.keys(parameters.object).find((key) => layerKinds.includes(key));
  if (nested === undefined) return;
  throw parameters.refused(nested, 'gives layers rotary embeddings of their own, which is not supported', takeAnother);
}

function scalingOf(config: JsonFile, parameters: JsonFile, maxPositions: number): RopeScaling {
  const key = parameters.has('rope_type') ? 'rope_type' : 'type';
  const kind = parameters.text(key, 'default');
  switch (kind) {
    case 'default':
      return { kind };
    case 'linear':
      return { kind, factor: parameters.positive('factor') };
    case 'dynamic':
      // Its original length is the model's own: transformers does not look at `original_max_position_embeddings`.
      return { kind, factor: parameters.positive('factor'), originalPositions: maxPositions };
    case 'llama3':
      return readLlama3(parameters, originalPositions(config, parameters, maxPositions));
    case 'yarn':
      return readYarn(parameters, originalPositions(config, parameters, maxPositions), maxPositions);
    default: {
      const known = 'default, linear, dynamic, llama3 and yarn are';
      throw parameters.refused(key, `asks for the rotary embedding ${shown(kind)}; ${known}`, takeAnother);
    }
  }
}

/** A number beside the parameters goes before that among them. */
function originalPositions(config: JsonFile, parameters: JsonFile, maxPositions: number): number {
  const key = 'original_max_position_embeddings';
  return config.has(key) ? config.count(key) : parameters.count(key, { otherwise: maxPositions });
}

function readLlama3(parameters: JsonFile, positions: number): RopeScaling {
  const lowFrequencyFactor = parameters.positive('low_freq_factor');
  const highFrequencyFactor = parameters.positive('high_freq_factor');
  if (highFrequencyFactor <= lowFrequencyFactor) {
    throw parameters.refused('high_freq_factor', `must be above low_freq_factor, which is ${lowFrequencyFactor}`);
  }
  const factor = parameters.positive('factor');
  return { kind: 'llama3', factor, lowFrequencyFactor, highFrequencyFactor, originalPositions: positions };
}

function readYarn(parameters: JsonFile, positions: number, maxPositions: number): RopeScaling {
  const factor = parameters.positive('factor', maxPositions / positions);
  // A null that is written out is not the default here: Python asks whether it is true.
  const truncate = parameters.flag('truncate', !parameters.names('truncate'));
  return {
    kind: 'yarn',
    factor,
    originalPositions: positions,
    betaFast: orDefault(parameters, 'beta_fast', 32),
    betaSlow: orDefault(parameters, 'beta_slow', 1),
    attentionFactor: attentionFactorOf(parameters, factor),
    truncate,
  };
}

function orDefault(parameters: JsonFile, key: string, otherwise: number): number {
  return parameters.value(key) === 0 ? otherwise : parameters.positive(key, otherwise);
}

/** What cosine and sine are multiplied by: said outright, or from the two `mscale`, or from the factor alone. */
function attentionFactorOf(parameters: JsonFile, factor: number): number {
  if (parameters.has('attention_factor')) return parameters.positive('attention_factor');
  const scale = parameters.has('mscale') ? orDefault(parameters, 'mscale', 0) : 0;
  const scaleOfAll = parameters.has('mscale_all_dim') ? orDefault(parameters, 'mscale_all_dim', 0) : 0;
  const scaled = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return 0 < scale && 0 < scaleOfAll ? scaled(scale) / scaled(scaleOfAll) : scaled(1);
}
