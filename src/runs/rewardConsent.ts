import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { RunManifest } from '../../core/generated/wire';

/** Code of somebody's that training would run. */
export interface RewardCode {
  /** As the recipe names it. */
  readonly path: string;
  /** Where it lies on this machine. */
  readonly file: string;
  /** Of its content as it is now; null when it cannot be read. */
  readonly sha256: string | null;
  /** As `run.json` recorded it; null for a recipe and where it was not. */
  readonly recorded: string | null;
}

/** The reward code of a run: what resuming, forking or re-scoring it would execute. */
export async function rewardCodeOfRun(runDirectory: string, manifest: RunManifest): Promise<readonly RewardCode[]> {
  const recipe = manifest.recipe_file;
  const base = recipe === null ? runDirectory : dirname(join(runDirectory, recipe));
  const found = await rewardCodeOfRecipe(manifest.recipe, base);
  return found.map((code) => ({
    ...code,
    recorded: manifest.hashes.find(({ path }) => path === code.path)?.sha256 ?? null,
  }));
}

/** The reward code of a recipe, as parsed from its file; paths in it are relative to `folder`. */
export async function rewardCodeOfRecipe(recipe: unknown, folder: string): Promise<readonly RewardCode[]> {
  return Promise.all(
    pythonPaths(recipe).map(async (path) => {
      const file = resolve(folder, path);
      return { path, file, sha256: await hashOf(file), recorded: null };
    }),
  );
}

/** Does a recipe judge by code of somebody's? */
export function judgesWithPython(recipe: unknown): boolean {
  return pythonPaths(recipe).length > 0;
}

/** A recipe that is half written names what it names; everything else in it is the trainer's to judge. */
function pythonPaths(recipe: unknown): readonly string[] {
  const parts = memberOf(memberOf(recipe, 'reward'), 'parts');
  if (!Array.isArray(parts)) return [];
  const paths = parts.flatMap((part: unknown) => {
    const path = memberOf(part, 'path');
    return memberOf(part, 'kind') === 'python' && typeof path === 'string' ? [path] : [];
  });
  return [...new Set(paths)];
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

async function hashOf(file: string): Promise<string | null> {
  return readFile(file).then(
    (bytes) => createHash('sha256').update(bytes).digest('hex'),
    () => null,
  );
}
