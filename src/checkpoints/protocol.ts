import type { DecoderParts } from '../inference/model';
import type { Failure } from './failure';
import type { LoadOptions, Scores, ScoreRequest, WriteRequest } from './languageModel';

/**
 * To the process that holds a checkpoint. It is told to load once; after that one question at a time, the same one again
 * if it was stopped.
 */
export type ToModel =
  | { readonly kind: 'load'; readonly parts: DecoderParts; readonly options: LoadOptions }
  | { readonly kind: 'score'; readonly id: number; readonly request: ScoreRequest }
  | { readonly kind: 'write'; readonly id: number; readonly request: WriteRequest }
  /** Stop at the next chunk. The question is still answered, with `stopped` unless it was done before. */
  | { readonly kind: 'cancel'; readonly id: number };

/** From it. Each question has one answer: `scored`, `done`, `stopped` or `failed`. */
export type FromModel =
  | { readonly kind: 'loaded'; readonly provider: string }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'progress'; readonly id: number; readonly tokens: number }
  | { readonly kind: 'written'; readonly id: number; readonly tokens: WrittenColumns }
  | { readonly kind: 'scored'; readonly id: number; readonly scores: Scores }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'stopped'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure };

/** [T] tokens in the order they were written, as columns: a message of them is copied, not spelt out. */
export interface WrittenColumns {
  readonly row: Int32Array;
  readonly id: Int32Array;
  readonly logProb: Float32Array;
  readonly entropy: Float32Array;
}
