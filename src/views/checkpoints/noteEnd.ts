import { CheckpointProblem } from '../../inference/problem';

/** Notes why a piece of work ended early, as its page tells it. Raises again what is neither a checkpoint's fault nor a cancellation. */
export function noteEnd(error: unknown, signal: AbortSignal, notes: string[]): void {
  if (error instanceof CheckpointProblem) notes.push(error.message);
  else if (!signal.aborted) {
    notes.push('A checkpoint could not be asked; the log has the details.');
    throw error;
  }
}
