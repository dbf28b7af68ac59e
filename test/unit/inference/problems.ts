import assert from 'node:assert/strict';
import { CheckpointProblem } from '../../../src/inference/problem';

/** The problem that `work` ends with; whatever else it throws is thrown on. */
export function problemOf(work: () => unknown): CheckpointProblem {
  try {
    work();
  } catch (error) {
    if (error instanceof CheckpointProblem) return error;
    throw error;
  }
  return assert.fail('nothing was refused');
}
