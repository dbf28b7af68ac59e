import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A run directory that was found. */
export interface FoundRun {
  readonly directory: string;
  readonly name: string;
  /** When its `run.json` was written, which is once, at the beginning; milliseconds since 1970. */
  readonly begunMs: number;
}

/** Files of a run by what they are for, in bytes. */
export interface RunSize {
  readonly total: number;
  /** Weights and configuration of checkpoints. */
  readonly checkpoints: number;
  /** What only an exact resume needs. */
  readonly trainerState: number;
  readonly rollouts: number;
}

/**
 * The runs in some folders: a folder itself, those in it and those one level below, newest first. A folder that is not
 * there, vanishes meanwhile or may not be read has none.
 */
export async function findRuns(folders: readonly string[]): Promise<readonly FoundRun[]> {
  const found = new Map<string, FoundRun>();
  for (const folder of folders) {
    for (const run of await runsBelow(folder, 2)) found.set(run.directory, run);
  }
  return [...found.values()].sort((a, b) => b.begunMs - a.begunMs || a.name.localeCompare(b.name));
}

/** What a run takes on the disk. */
export async function runSize(directory: string): Promise<RunSize> {
  const [all, checkpoints, rollouts] = await Promise.all([
    sizeBelow(directory),
    sizeBelow(join(directory, 'checkpoints')),
    sizeBelow(join(directory, 'rollouts')),
  ]);
  const { total, trainerState } = checkpoints;
  return { total: all.total, checkpoints: total - trainerState, trainerState, rollouts: rollouts.total };
}

/** Bytes of all files below a folder, and of those within a `trainer_state`. */
export async function sizeBelow(folder: string): Promise<{ readonly total: number; readonly trainerState: number }> {
  let [total, trainerState] = [0, 0];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const below = await sizeBelow(path);
      total += below.total;
      trainerState += entry.name === 'trainer_state' ? below.total : below.trainerState;
    } else if (entry.isFile()) {
      total += await sizeOf(path);
    }
  }
  return { total, trainerState };
}

async function runsBelow(folder: string, depth: number): Promise<FoundRun[]> {
  const entries = await entriesOf(folder);
  if (entries.some((entry) => entry.name === 'run.json' && !entry.isDirectory())) {
    const begunMs = await begunAt(folder);
    return begunMs === undefined ? [] : [{ directory: folder, name: basename(folder), begunMs }];
  }
  if (depth === 0) return [];
  const runs: FoundRun[] = [];
  for (const entry of entries) {
    const isCandidate = !entry.name.startsWith('.') && entry.name !== 'node_modules' && !entry.isFile();
    if (isCandidate) runs.push(...(await runsBelow(join(folder, entry.name), depth - 1)));
  }
  return runs;
}

async function begunAt(directory: string): Promise<number | undefined> {
  return stat(join(directory, 'run.json')).then(
    (facts) => facts.mtimeMs,
    () => undefined,
  );
}

/** What vanishes, is no folder or may not be read is left out: a list of runs is a look around, not a promise. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
