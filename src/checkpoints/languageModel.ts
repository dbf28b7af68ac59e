import type { DecoderParts } from '../inference/model';
import type { Sampling } from '../inference/sampling';

/** What a checkpoint says of tokens it did not write. N tokens were asked for, K likeliest are kept of each place. */
export interface Scores {
  /** [N] natural log of the probability. */
  readonly logProb: Float32Array;
  /** [N] of the whole distribution, in nats. */
  readonly entropy: Float32Array;
  /** [N] how many tokens were likelier; 0 for the likeliest. */
  readonly rank: Int32Array;
  /** [N · K] ids of the likeliest tokens of each place, likeliest first. */
  readonly topIds: Int32Array;
  /** [N · K] their log-probs. */
  readonly topLogProbs: Float32Array;
}

/** A piece of a continuation, one token of row `row`. */
export interface Written {
  readonly row: number;
  readonly id: number;
  readonly logProb: number;
  readonly entropy: number;
}

export interface ScoreRequest {
  readonly ids: Int32Array;
  /** Of the first token that is scored; at least 1, since nothing comes before the first. */
  readonly from: number;
  readonly temperature: number;
  /** K, at most the vocabulary. */
  readonly top: number;
}

export interface WriteRequest {
  readonly prefix: Int32Array;
  /** [rows] one continuation each. */
  readonly seeds: readonly bigint[];
  /** Tokens written before the first of these: random numbers depend on seed and place alone. */
  readonly firstPosition: number;
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Tokens that end a row; they are written too. */
  readonly endTokens: readonly number[];
}

/** Called between two runs of the model: return false to stop. It must let messages in (setImmediate). */
export type GoOn = () => Promise<boolean>;

/** A checkpoint that is loaded into this process. Its calls block; it belongs into a process of its own. */
export interface LanguageModel {
  /** What computes: `cpu`, `coreml`, … */
  readonly provider: string;
  /** Scores of ids[from …]; undefined when `goOn` said no. `done` is told how many of them are scored. */
  score(request: ScoreRequest, goOn: GoOn, done: (tokens: number) => void): Promise<Scores | undefined>;
  /** Writes continuations, all rows side by side; false when `goOn` said no. */
  write(request: WriteRequest, goOn: GoOn, written: (tokens: readonly Written[]) => void): Promise<boolean>;
  release(): Promise<void>;
}

export interface LoadOptions {
  /** Folder of the weights, and of an adapter: absolute. */
  readonly folder: string;
  readonly adapterFolder: string | null;
  readonly threads: number;
  /** Tried one after the other. */
  readonly providers: readonly string[];
}

export type LoadLanguageModel = (parts: DecoderParts, options: LoadOptions) => Promise<LanguageModel>;
