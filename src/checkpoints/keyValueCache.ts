import './quietRuntime';
import { Tensor } from 'onnxruntime-node';
import { cacheNames } from '../inference/decoderGraph';
import type { DecoderConfig } from '../inference/model';

/** Where tokens stand: [S] positions in their text, and branches, of which 0 is seen by all (`decoderGraph`). */
export interface Places {
  readonly positions: Int32Array;
  readonly branches: Int32Array;
}

/**
 * Keys and values of the tokens a model has seen, one buffer for each layer's keys and values with time first: appending
 * copies what is new, and the model is handed a view of what is filled.
 */
export class KeyValueCache {
  /** Names of the outputs that `append` takes. */
  readonly outputs: readonly string[];
  private readonly shape: readonly [number, number, number];
  private readonly width: number;
  private readonly buffers = new Map<string, Float32Array>();
  private positions = new BigInt64Array(0);
  private branches = new BigInt64Array(0);
  private filled = 0;

  constructor({ layers, keyValueHeads, headSize }: DecoderConfig) {
    this.outputs = cacheNames(layers);
    this.shape = [1, keyValueHeads, headSize];
    this.width = keyValueHeads * headSize;
  }

  /** What the model is fed beside the new tokens themselves: all that is held, and where old and new ones stand. */
  feeds({ positions, branches }: Places): Record<string, Tensor> {
    const total = this.filled + positions.length;
    this.reserve(total);
    this.positions.set(BigInt64Array.from(positions, BigInt), this.filled);
    this.branches.set(BigInt64Array.from(branches, BigInt), this.filled);
    const dimensions = [this.filled, ...this.shape];
    const caches = this.outputs.map((name) => {
      const values = this.buffers.get(name)?.subarray(0, this.filled * this.width) ?? new Float32Array(0);
      return [`past_${name}`, new Tensor('float32', values, dimensions)] as const;
    });
    return {
      ...Object.fromEntries(caches),
      positions: new Tensor('int64', this.positions.subarray(0, total), [total]),
      branches: new Tensor('int64', this.branches.subarray(0, total), [total]),
    };
  }

  /** Keeps what the model made of the new tokens of the last `feeds`. */
  append(outputs: Readonly<Record<string, { readonly data: unknown }>>, tokens: number): void {
    for (const name of this.outputs) {
      this.buffers.get(name)?.set(outputs[name]?.data as Float32Array, this.filled * this.width);
    }
    this.filled += tokens;
  }

  /** Makes room for so many tokens at once, so that buffers need not grow. */
  reserve(tokens: number): void {
    const capacity = this.positions.length;
    if (tokens <= capacity) return;
    const wanted = Math.max(tokens, capacity * 2);
    const grown = <A extends Float32Array | BigInt64Array>(bigger: A, before: A): A => {
      bigger.set(before as never);
      return bigger;
    };
    this.positions = grown(new BigInt64Array(wanted), this.positions);
    this.branches = grown(new BigInt64Array(wanted), this.branches);
    for (const name of this.outputs) {
      const before = this.buffers.get(name) ?? new Float32Array(0);
      this.buffers.set(name, grown(new Float32Array(wanted * this.width), before));
    }
  }

  /** Forgets all but the first tokens. */
  keep(tokens: number): void {
    this.filled = Math.min(this.filled, tokens);
  }
}
