import { basename, isAbsolute } from 'node:path';
import type { RunWatch } from '../../runs/runWatch';
import { placesOf, type CheckpointPlace } from './checkpointPlaces';

/** What of a checkpoint a page keeps for the time after a reload. */
interface KeptPlace {
  /** Of its run; null for a folder that was chosen. */
  readonly directory: string | null;
  readonly folder: string;
}

/** What brings a checkpoint back. */
export function keptPlace({ folder, run }: CheckpointPlace): KeptPlace {
  return { directory: run?.store.directory ?? null, folder };
}

/** The checkpoints in what a page kept, whatever that is; those that a run has no more are left out. */
export async function restoredPlaces(
  state: unknown,
  open: (directory: string) => Promise<RunWatch | undefined>,
): Promise<CheckpointPlace[]> {
  const found: CheckpointPlace[] = [];
  for (const { directory, folder } of keptPlaces(state)) {
    if (directory === null) {
      found.push({ folder, name: basename(folder), run: undefined, step: null, description: folder });
      continue;
    }
    const run = await open(directory);
    const place = run === undefined ? undefined : (await placesOf(run)).find((each) => each.folder === folder);
    if (place !== undefined) found.push(place);
  }
  return found;
}

function keptPlaces(state: unknown): readonly KeptPlace[] {
  const places = fieldOf(fieldOf(state, 'host'), 'places');
  return Array.isArray(places) ? places.filter(isKeptPlace).slice(0, 3) : [];
}

function isKeptPlace(value: unknown): value is KeptPlace {
  const [directory, folder] = [fieldOf(value, 'directory'), fieldOf(value, 'folder')];
  return (directory === null || typeof directory === 'string') && typeof folder === 'string' && isAbsolute(folder);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
