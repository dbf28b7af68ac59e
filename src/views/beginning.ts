import type { Failure, Stage } from '../../core/generated/panel';

/** A run whose trainer is being started and has written no file yet. */
export interface Beginning {
  readonly name: string;
  readonly directory: string;
  stages: readonly Stage[];
  failure: Failure | null;
  /** End the start. */
  readonly cancel: () => void;
}
