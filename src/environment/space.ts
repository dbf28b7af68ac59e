import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Free bytes for this user on the disk where `path` lies or would lie. */
export async function freeBytes(path: string): Promise<number> {
  const facts = await statfs(await nearestFolder(path));
  return facts.bavail * facts.bsize;
}

/** Would both lie on one disk? */
export async function isSameDisk(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(await nearestFolder(one)), stat(await nearestFolder(other))]);
  return first.dev === second.dev;
}

/** Bytes as people say them. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** The folder itself, or the nearest around it that is there. */
export async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const isThere = await stat(folder).then(
      () => true,
      () => false,
    );
    if (isThere || dirname(folder) === folder) return folder;
  }
}
