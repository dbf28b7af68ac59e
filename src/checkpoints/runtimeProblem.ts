import { CheckpointProblem } from '../inference/problem';

/** What an error of the native library, or of memory, means to a person; undefined for one of another kind. */
export function runtimeProblem(error: unknown): CheckpointProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const cause = causes.find(({ pattern }) => pattern.test(error.message));
  return cause && new CheckpointProblem(cause.fault, cause.where, cause.remedy);
}

/** In the words of ONNX Runtime 1.30 and of V8. */
const causes = [
  {
    pattern: /External data path does not exist|External initializer: .* out of bounds/s,
    fault: 'a file was removed or cut short after the checkpoint was opened',
    where: 'the weights',
    remedy: 'open the checkpoint again once it is written, or take another one',
  },
  {
    pattern: /Failed to allocate memory|bad_alloc|bad allocation|Array buffer allocation failed/,
    fault: 'memory ran out',
    where: 'the checkpoint',
    remedy: 'close other programs or checkpoints, or take a smaller model or a shorter text',
  },
  {
    pattern: /Failed to load shared library|Failed to get a WebGPU adapter|backend not found/i,
    fault: 'none of the providers that are named can be used on this machine',
    where: 'srft.checkpoints.providers',
    remedy: 'add "cpu" at its end',
  },
] as const;
