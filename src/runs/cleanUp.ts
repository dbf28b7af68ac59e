import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { RunModel } from '../../core/runModel';
import { canBeLive } from './canBeLive';
import { sizeBelow } from './catalogue';
import { RunStore } from './runStore';
import { absentAsUndefined } from './tail';

/** What may be deleted of a run. */
export type CleanUp =
  /** Checkpoints other than the newest and the best. */
  | 'checkpoints'
  /** What an exact resume needs; weights stay, and a fork can begin from them. */
  | 'trainer_state';

/** What was deleted, or why nothing was. */
export type CleanedUp =
  | { readonly kind: 'freed'; readonly bytes: number; readonly steps: readonly number[] }
  | { readonly kind: 'refused'; readonly reason: string };

const isLive =
  'a trainer is or may be at work on this run; stop it first (one on another machine counts until its end is written)';

/** Free disk space. What the run recorded, its curves and rollouts, is never touched. */
export async function cleanUp(directory: string, what: CleanUp): Promise<CleanedUp> {
  const store = await RunStore.open(directory);
  if (store.kind === 'broken') return { kind: 'refused', reason: store.reason };
  const { model } = store.value;
  await store.value.close();
  if (await canBeLive(directory)) return { kind: 'refused', reason: isLive };
  const present = await checkpointsOf(directory);
  const kept = what === 'checkpoints' ? keptSteps(model, present) : new Set<number>();
  let bytes = 0;
  const steps: number[] = [];
  for (const step of present.filter((number) => !kept.has(number))) {
    const folder = join(checkpointFolder(directory, step), ...(what === 'checkpoints' ? [] : ['trainer_state']));
    if ((await absentAsUndefined(stat(folder))) === undefined) continue;
    bytes += (await sizeBelow(folder)).total;
    await discard(folder);
    steps.push(step);
  }
  return { kind: 'freed', bytes, steps };
}

/** Delete a whole run. */
export async function deleteRun(directory: string): Promise<CleanedUp> {
  // A folder is deleted only when it is what it is said to be.
  if ((await absentAsUndefined(stat(join(directory, 'run.json')))) === undefined) {
    return { kind: 'refused', reason: `${directory} has no run.json: it is no run directory` };
  }
  if (await canBeLive(directory)) return { kind: 'refused', reason: isLive };
  const { total } = await sizeBelow(directory);
  await discard(directory);
  return { kind: 'freed', bytes: total, steps: [] };
}

/** The newest, and the one that its event calls best last; where none is, all were as good as another. */
function keptSteps(model: RunModel, present: readonly number[]): Set<number> {
  const best = model.checkpoints.findLast((checkpoint) => checkpoint.best && present.includes(checkpoint.step));
  return new Set([...present.slice(-1), ...(best === undefined ? [] : [best.step])]);
}

async function checkpointsOf(directory: string): Promise<readonly number[]> {
  const names = (await absentAsUndefined(readdir(join(directory, 'checkpoints')))) ?? [];
  return names
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function checkpointFolder(directory: string, step: number): string {
  return join(directory, 'checkpoints', `step-${String(step).padStart(6, '0')}`);
}

/** Renamed first: a deletion that is cut off leaves rubbish, never half a checkpoint or half a run. */
async function discard(folder: string): Promise<void> {
  const path = resolve(folder);
  const aside = join(dirname(path), `.${basename(path)}.deleted-${randomUUID()}`);
  await rename(path, aside);
  await rm(aside, { recursive: true, force: true, maxRetries: 5 });
}
