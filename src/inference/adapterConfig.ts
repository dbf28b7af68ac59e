import { JsonFile } from './jsonFile';
import { shown } from './shown';

export const adapterConfigFile = 'adapter_config.json';

/** What `adapter_config.json` says of a LoRA adapter. */
export interface AdapterConfig {
  /** Base it was trained on: a folder or an id of the Hub; empty where it is not said. */
  readonly base: string;
  readonly rank: number;
  readonly alpha: number;
  /** Divided by the root of the rank in place of the rank. */
  readonly rankStabilised: boolean;
  /** In the order of the file: the first that fits a layer counts. */
  readonly rankOf: readonly LayerNumber[];
  readonly alphaOf: readonly LayerNumber[];
}

/** A number of the layers whose names end in `name`, or are it. */
export interface LayerNumber {
  readonly name: string;
  readonly whole: boolean;
  readonly value: number;
}

const exportFirst = 'merge it into its base first, with srft export or peft, and choose that';

/**
 * The adapter that `adapter_config.json` of peft describes.
 *
 * @param text of the file
 * @throws {CheckpointProblem} for everything but plain LoRA, by name
 */
export function readAdapterConfig(text: string): AdapterConfig {
  const json = JsonFile.parse(adapterConfigFile, text);
  const kind = json.text('peft_type', '');
  if (kind !== 'LORA') throw json.refused('peft_type', `the adapter ${shown(kind)} is not supported`, exportFirst);
  for (const key of otherMaths) refuseUnlessEmpty(json, key);
  refuseBias(json);
  refuseChangedBase(json);
  return {
    base: json.text('base_model_name_or_path', ''),
    rank: json.count('r', { most: mostRank, otherwise: 8 }),
    alpha: json.positive('lora_alpha', 8),
    rankStabilised: json.flag('use_rslora', false),
    rankOf: patternsOf(json, 'rank_pattern', (patterns, name) => patterns.count(name, { most: mostRank })),
    alphaOf: patternsOf(json, 'alpha_pattern', (patterns, name) => patterns.positive(name)),
  };
}

/** What B·A is multiplied by in one layer. */
export function adapterScale(config: AdapterConfig, layer: string): number {
  const alpha = numberOf(config.alphaOf, layer) ?? config.alpha;
  const rank = adapterRank(config, layer);
  return alpha / (config.rankStabilised ? Math.sqrt(rank) : rank);
}

/** Rows of A, which are the columns of B, in one layer. */
export function adapterRank(config: AdapterConfig, layer: string): number {
  return numberOf(config.rankOf, layer) ?? config.rank;
}

const mostRank = 65_536;

/** Settings of peft under which a layer does more than y = W x + scale · B (A x), or other tensors change. */
const otherMaths = [
  'use_dora',
  'use_qalora',
  'use_bdlora',
  'lora_bias',
  'fan_in_fan_out',
  'modules_to_save',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
];

function refuseUnlessEmpty(json: JsonFile, key: string): void {
  const value = json.value(key);
  const empty = value === undefined || value === false || (Array.isArray(value) && value.length === 0);
  if (!empty) throw json.refused(key, 'is more than plain LoRA, which is not supported', exportFirst);
}

function refuseBias(json: JsonFile): void {
  const bias = json.text('bias', 'none');
  if (bias !== 'none') throw json.refused('bias', `${shown(bias)} changes the base's biases as well`, exportFirst);
}

/** Beginnings such as PiSSA's take the adapter out of the base's weights, which are then others than those on disk. */
function refuseChangedBase(json: JsonFile): void {
  const start = json.value('init_lora_weights');
  if (start === undefined || typeof start === 'boolean') return;
  if (start === 'gaussian' || start === 'orthogonal' || start === 'eva') return;
  throw json.refused('init_lora_weights', `${shown(start)} changes the base's own weights`, exportFirst);
}

/** peft takes these names for regular expressions; one of a file could run for ever, so only plain names are taken. */
function patternsOf(
  json: JsonFile,
  key: string,
  read: (patterns: JsonFile, name: string) => number,
): readonly LayerNumber[] {
  const patterns = json.inner(key);
  if (patterns === undefined) return [];
  return Object.keys(patterns.object).map((pattern) => {
    const [, start, name] = /^(\^?)([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)$/.exec(pattern) ?? [];
    if (name === undefined) throw json.refused(key, `${shown(pattern)} is no plain name of a layer`, exportFirst);
    return { name, whole: start === '^', value: read(patterns, pattern) };
  });
}

function numberOf(patterns: readonly LayerNumber[], layer: string): number | undefined {
  return patterns.find(({ name, whole }) => layer === name || (!whole && layer.endsWith(`.${name}`)))?.value;
}
