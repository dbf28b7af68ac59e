import type { JsonFile } from './jsonFile';
import type { DecoderConfig } from './model';
import { shown } from './shown';

const mistralWindow = 4096;
const qwenWindow = 4096;
const qwenFullLayers = 28;

/**
 * How many tokens each layer sees, itself among them: in transformers a key is seen when it lies above
 * query − window (`sliding_window_overlay` of `masking_utils.py`).
 *
 * @returns [layers]; null: all before it
 * @throws {CheckpointProblem} for another kind of attention, by name
 */
export function readWindows(
  json: JsonFile,
  architecture: DecoderConfig['architecture'],
  layers: number,
): readonly (number | null)[] {
  switch (architecture) {
    case 'llama':
      checkedTypes(json, layers, ['full_attention']);
      return everyLayer(null, layers);
    case 'mistral': {
      // Absent means 4,096 here, and only a null that is written out means none.
      const silent = !json.names('sliding_window');
      const window = silent ? mistralWindow : json.has('sliding_window') ? json.count('sliding_window') : null;
      const expected = window === null ? 'full_attention' : 'sliding_attention';
      checkedTypes(json, layers, [expected]);
      return everyLayer(window, layers);
    }
    case 'qwen2':
    case 'qwen3':
      return qwenWindows(json, layers);
  }
}

function qwenWindows(json: JsonFile, layers: number): readonly (number | null)[] {
  const types = checkedTypes(json, layers, ['full_attention', 'sliding_attention']);
  const asked = json.flag('use_sliding_window', false);
  const silent = !json.names('sliding_window');
  const window =
    asked && (silent || json.has('sliding_window')) ? json.count('sliding_window', { otherwise: qwenWindow }) : null;
  if (types === undefined) {
    const first = json.count('max_window_layers', { least: 0, otherwise: qwenFullLayers });
    return Array.from({ length: layers }, (_, layer) => (first <= layer ? window : null));
  }
  if (window === null && types.includes('sliding_attention')) {
    throw json.refused('layer_types', 'asks for sliding_attention, but use_sliding_window and sliding_window do not');
  }
  return types.map((type) => (type === 'sliding_attention' ? window : null));
}

function everyLayer(window: number | null, layers: number): readonly (number | null)[] {
  return Array.from({ length: layers }, () => window);
}

/** The kind of attention of each layer, where the file lists them. */
function checkedTypes(json: JsonFile, layers: number, allowed: readonly string[]): readonly string[] | undefined {
  const types = json.texts('layer_types')?.map((type) => (type === 'attention' ? 'full_attention' : type));
  if (types === undefined) return undefined;
  const other = types.find((type) => !allowed.includes(type));
  if (other !== undefined) {
    const fault = `asks for ${shown(other)}, where only ${allowed.join(' and ')} can be computed`;
    throw json.refused('layer_types', fault, 'choose a checkpoint of another model');
  }
  if (types.length !== layers) {
    throw json.refused('layer_types', `lists ${types.length} layers, but num_hidden_layers is ${layers}`);
  }
  return types;
}
