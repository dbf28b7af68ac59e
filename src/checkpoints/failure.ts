import { CheckpointProblem } from '../inference/problem';

/** An error as a value, which goes through a channel. */
export type Failure =
  /** What a person can mend: the three parts of a CheckpointProblem. */
  | { readonly kind: 'problem'; readonly fault: string; readonly where: string; readonly remedy: string }
  /** A bug or a native error; the text is for the log. */
  | { readonly kind: 'unexpected'; readonly text: string };

export function failureOf(error: unknown): Failure {
  if (error instanceof CheckpointProblem) {
    const { fault, where, remedy } = error;
    return { kind: 'problem', fault, where, remedy };
  }
  return { kind: 'unexpected', text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** What a person is told of a failure; what only a log should hold goes there. `name` as a person knows the checkpoint. */
export function problemOf(failure: Failure, name: string, log: (text: string) => void): CheckpointProblem {
  if (failure.kind === 'problem') return new CheckpointProblem(failure.fault, failure.where, failure.remedy);
  log(`${name}: ${failure.text}`);
  return new CheckpointProblem(
    'something went wrong that was not foreseen',
    name,
    'try again; if it goes on, report it with the log of the extension',
  );
}
