import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canBeLive } from './canBeLive';
import { absentAsUndefined } from './tail';

/**
 * Note beside a folder (a copy of the trainer, an environment) that a run uses it. The note outlives this process, as
 * the run does.
 */
export async function noteUse(folder: string, runDirectory: string): Promise<void> {
  const name = createHash('sha256').update(runDirectory).digest('hex').slice(0, 16);
  await mkdir(usesOf(folder), { recursive: true });
  await writeFile(join(usesOf(folder), name), runDirectory);
}

/** Does a run that may be live use the folder? Notes of others are dropped. */
export async function isInUse(folder: string): Promise<boolean> {
  const names = (await absentAsUndefined(readdir(usesOf(folder)))) ?? [];
  let inUse = false;
  for (const name of names) {
    const runDirectory = await absentAsUndefined(readFile(join(usesOf(folder), name), 'utf8'));
    if (runDirectory === undefined) continue;
    const noted = await absentAsUndefined(stat(join(usesOf(folder), name)));
    const isYoung = noted !== undefined && Date.now() - noted.mtimeMs < startingMs;
    if (isYoung || (await canBeLive(runDirectory))) inUse = true;
    else await rm(join(usesOf(folder), name), { force: true });
  }
  return inUse;
}

/** A trainer that loads a large model has written nothing yet. */
const startingMs = 60 * 60 * 1000;

function usesOf(folder: string): string {
  return `${folder}.uses`;
}
