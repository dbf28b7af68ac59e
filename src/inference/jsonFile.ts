import { CheckpointProblem } from './problem';
import { shown } from './shown';

/** What stands between braces. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a number of a file may be; without `otherwise` it must be there. */
export interface Limits {
  readonly least?: number;
  readonly most?: number;
  /** Taken where the key is absent or null. */
  readonly otherwise?: number;
}

const mostCount = 2 ** 31 - 1;
const remedy = 'download or copy the model once more';

/**
 * The object of a JSON file of a checkpoint, or one inside it, read key by key. Every reader throws a
 * CheckpointProblem that names file and key; `null` counts as absent, as it does in transformers.
 */
export class JsonFile {
  /**
   * @param file its name, for messages
   * @param object what it holds
   * @param within keys that lead to it, each followed by a full stop
   */
  private constructor(
    readonly file: string,
    readonly object: JsonObject,
    private readonly within: string,
  ) {}

  static parse(file: string, text: string): JsonFile {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new CheckpointProblem('is not JSON', file, remedy);
    }
    if (!isObject(value)) throw new CheckpointProblem(`holds ${shown(value)} in place of an object`, file, remedy);
    return new JsonFile(file, value, '');
  }

  has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  /** What stands at `key`; undefined for null, too. Keys that every object has are none of the file's. */
  value(key: string): unknown {
    return Object.hasOwn(this.object, key) ? (this.object[key] ?? undefined) : undefined;
  }

  /** Whether the key stands there at all, be it with null. */
  names(key: string): boolean {
    return Object.hasOwn(this.object, key);
  }

  /** A whole number, by default from 1 to 2³¹ − 1. */
  count(key: string, { least = 1, most = mostCount, otherwise }: Limits = {}): number {
    const value = this.value(key) ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && least <= value && value <= most) return value;
    throw this.refused(key, `must be a whole number from ${least} to ${most}, not ${shown(value)}`);
  }

  /** A number above 0 that float32 can hold. */
  positive(key: string, otherwise?: number): number {
    const value = this.value(key) ?? otherwise;
    if (typeof value === 'number' && 0 < Math.fround(value) && Math.fround(value) < Infinity) return value;
    throw this.refused(key, `must be a number above 0, not ${shown(value)}`);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.value(key) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.refused(key, `must be true or false, not ${shown(value)}`);
  }

  text(key: string, otherwise?: string): string {
    const value = this.value(key) ?? otherwise;
    if (typeof value === 'string') return value;
    throw this.refused(key, `must be a text, not ${shown(value)}`);
  }

  /** The texts of a list; undefined where there is none. */
  texts(key: string): readonly string[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw this.refused(key, `must be a list of texts, not ${shown(value)}`);
  }

  /** An object inside this one; undefined where there is none. */
  inner(key: string): JsonFile | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (isObject(value)) return new JsonFile(this.file, value, `${this.within}${key}.`);
    throw this.refused(key, `must be an object, not ${shown(value)}`);
  }

  /** A problem with what stands at `key`. */
  refused(key: string, fault: string, toDo = 'correct it, or download the file once more'): CheckpointProblem {
    return new CheckpointProblem(fault, `${this.file}, ${this.within}${key}`, toDo);
  }
}

/** Whether a value of a JSON file is an object, and no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
