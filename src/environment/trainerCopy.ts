import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A copy of the trainer that no update of the extension touches. */
export interface TrainerCopy {
  readonly folder: string;
  /** `<version>-<hash of the content>`. */
  readonly name: string;
}

/** What a copy holds, relative to the trainer's folder; tests and benchmarks stay behind. */
const parts = [
  'pyproject.toml',
  'requirements.lock',
  'requirements-uv.lock',
  'srft',
  'demo/base',
  'demo/data',
  'demo/recipes',
] as const;

/**
 * Copy the trainer that came with the extension to `<storage>/trainer/<version>-<hash>`, once. The folder appears
 * whole or not at all; one that was damaged since is replaced.
 */
export async function copyTrainer(bundled: string, storage: string, version: string): Promise<TrainerCopy> {
  const hash = await contentHash(bundled);
  const name = `${version}-${hash.slice(0, 12)}`;
  const folder = join(storage, 'trainer', name);
  if (await isFolder(folder)) {
    if ((await contentHash(folder)) === hash) return { folder, name };
    await discard(folder);
  }
  const aside = asideOf(folder);
  try {
    for (const part of await presentParts(bundled)) {
      await mkdir(dirname(join(aside, part)), { recursive: true });
      await cp(join(bundled, part), join(aside, part), { recursive: true, filter: isSource });
    }
    await rename(aside, folder);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    // Another window may have made the same copy meanwhile.
    if (!(await isFolder(folder))) throw error;
  }
  return { folder, name };
}

/** The copies in a storage, in no order. */
export async function trainerCopies(storage: string): Promise<readonly TrainerCopy[]> {
  const entries = await readdir(join(storage, 'trainer'), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !entry.name.endsWith('.uses'))
    .map(({ name }) => ({ name, folder: join(storage, 'trainer', name) }));
}

/** Remove every copy but `current` that no live run uses; returns those removed. */
export async function removeOldCopies(
  storage: string,
  current: TrainerCopy,
  isInUse: (folder: string) => Promise<boolean>,
): Promise<readonly TrainerCopy[]> {
  const removed: TrainerCopy[] = [];
  for (const copy of await trainerCopies(storage)) {
    if (copy.name === current.name || (await isInUse(copy.folder))) continue;
    await discard(copy.folder);
    removed.push(copy);
  }
  return removed;
}

/** Hash of the paths and bytes of everything that is copied; what Python leaves behind while it runs is no part of it. */
export async function contentHash(folder: string): Promise<string> {
  const digest = createHash('sha256');
  for (const part of await presentParts(folder)) {
    for (const path of await filesOf(folder, part)) {
      const bytes = await readFile(join(folder, path));
      digest.update(`${path}\0${bytes.length}\0`).update(bytes);
    }
  }
  return digest.digest('hex');
}

async function presentParts(folder: string): Promise<readonly string[]> {
  const present: string[] = [];
  for (const part of parts) if (await isThere(join(folder, part))) present.push(part);
  if (!present.includes('srft')) throw new Error(`${folder} holds no trainer: the folder srft is missing.`);
  return present;
}

/** Paths of the files at or below `path`, sorted, with forward slashes. */
async function filesOf(root: string, path: string): Promise<string[]> {
  if (!(await isFolder(join(root, path)))) return [path];
  const names = (await readdir(join(root, path))).filter(isSource).sort();
  const found: string[] = [];
  for (const name of names) found.push(...(await filesOf(root, `${path}/${name}`)));
  return found;
}

function isSource(path: string): boolean {
  return !path.endsWith('__pycache__') && !path.endsWith('.pyc');
}

/** Out of sight at once, so that nobody sees half of it; then deleted. */
async function discard(folder: string): Promise<void> {
  const aside = asideOf(folder);
  await rename(folder, aside);
  await rm(aside, { recursive: true, force: true, maxRetries: 5 });
}

function asideOf(folder: string): string {
  return join(dirname(folder), `.${randomUUID()}`);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
