import assert from 'node:assert/strict';
import { realpath } from 'node:fs/promises';
import { test } from 'node:test';
import { openCheckpoint, type BasePlaces, type Checkpoint } from '../../../src/checkpoints/checkpointFiles';
import { CheckpointProblem } from '../../../src/inference/problem';
import { inFolder } from '../support/folder';

export const nowhere: BasePlaces = { chosen: null, below: [] };

/** The checkpoint of a folder, which opens. */
export async function opened(folder: string, bases = nowhere): Promise<Checkpoint> {
  const result = await openCheckpoint(folder, bases);
  if (result instanceof CheckpointProblem) throw result;
  return result.kind === 'checkpoint' ? result : assert.fail('the base is needed');
}

/** The sentence with which a folder is refused. */
export async function refused(folder: string, bases = nowhere): Promise<string> {
  const result = await openCheckpoint(folder, bases);
  return result instanceof CheckpointProblem ? result.message : assert.fail(`it is a ${result.kind}`);
}

/** A test in a folder of its own, links followed. */
export function inOwnFolder(title: string, body: (own: string) => Promise<void>): void {
  test(title, () => inFolder(async (folder) => body(await realpath(folder))));
}
