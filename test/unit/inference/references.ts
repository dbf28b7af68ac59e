import { readFileSync } from 'node:fs';
import type { StoredTensor } from '../../../src/inference/safetensors';

/** What transformers makes of configurations, and peft of adapters: written by `trainer/tests/engine/model_configs.py`. */
interface References {
  readonly positions: readonly number[];
  readonly cases: Readonly<Record<string, Reference>>;
  readonly adapters: Readonly<Record<string, AdapterReference>>;
}

interface AdapterReference {
  readonly config: Readonly<Record<string, unknown>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** What peft multiplies B·A by, by the layer's name. */
  readonly scales: Readonly<Record<string, number>>;
}

interface Reference {
  readonly config: Readonly<Record<string, unknown>>;
  readonly facts: {
    readonly headSize: number;
    readonly windows: readonly (number | null)[];
    readonly tied: boolean;
    /** Name of transformers' class. */
    readonly activation: string;
    readonly shapes: Readonly<Record<string, readonly number[]>>;
  };
  readonly rotary: readonly {
    readonly length: number;
    readonly frequencies: string;
    readonly cos: string;
    readonly sin: string;
  }[];
}

export const references = JSON.parse(
  readFileSync('test/fixtures/inference/configs.json', 'utf8'),
) as unknown as References;

/** Little-endian float32 in base64. */
export function floatsIn(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index));
}

/** Tensors of these shapes as float32, one after the other in `model.safetensors`, but for those left out. */
export function storedTensors(
  shapes: Readonly<Record<string, readonly number[]>>,
  without: readonly string[] = [],
): ReadonlyMap<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>();
  let offset = 8;
  for (const [name, shape] of Object.entries(shapes)) {
    if (without.includes(name)) continue;
    const length = 4 * shape.reduce((product, size) => product * size, 1);
    stored.set(name, { dtype: 'F32', shape, file: 'model.safetensors', offset, length });
    offset += length;
  }
  return stored;
}

/** The object, silent about one thing. */
export function leaving<T>(key: string, object: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
