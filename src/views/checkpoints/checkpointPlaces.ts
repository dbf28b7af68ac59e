import { join, resolve, dirname, basename } from 'node:path';
import { stat } from 'node:fs/promises';
import { QuickPickItemKind, window, type QuickPickItem } from 'vscode';
import { formatCount } from '../../../core/format';
import { hubFolder } from '../../checkpoints/hubCache';
import type { RunWatch } from '../../runs/runWatch';
import type { RunLibrary } from '../library';
import type { KeptPlace } from '../traces/scoredPlaces';

/** A checkpoint that can be asked. */
export interface CheckpointPlace {
  /** Absolute. */
  readonly folder: string;
  /** As a person knows it beside others of its run: `step 60`, `base`, or a folder's name. */
  readonly name: string;
  /** Of which run it is; undefined for a folder that was chosen. */
  readonly run: RunWatch | undefined;
  /** null for a base and for a folder that was chosen. */
  readonly step: number | null;
  readonly description: string;
}

/** Checkpoints of a run that are there: its base first, where that is found, then by step. */
export async function placesOf(run: RunWatch): Promise<CheckpointPlace[]> {
  const { checkpoints, removedCheckpoints } = run.store.model;
  const kept = new Map(
    checkpoints.filter(({ step }) => !removedCheckpoints.has(step)).map((event) => [event.step, event]),
  );
  const own = [...kept.values()]
    .sort((one, other) => one.step - other.step)
    .map(({ step, path, accuracy, best }): CheckpointPlace => ({
      folder: join(run.store.directory, path),
      name: `step ${formatCount(step)}`,
      run,
      step,
      description: [best ? 'best' : '', accuracy === null ? '' : `held-out ${(accuracy * 100).toFixed(1)} %`]
        .filter((words) => words !== '')
        .join(' · '),
    }));
  const base = await baseOf(run);
  return base === undefined ? own : [base, ...own];
}

/** The model that a run began from, where it lies on this machine. */
export async function baseOf(run: RunWatch): Promise<CheckpointPlace | undefined> {
  const folder = await baseFolder(run);
  if (folder === undefined) return undefined;
  return { folder, name: 'base', run, step: null, description: 'the model before training' };
}

/** Where relative names of a run are looked for: that of its recipe's model, and an adapter's base. */
export function baseFolders(run: RunWatch): string[] {
  const { recipe_file: file } = run.store.manifest;
  return file === null ? [run.store.directory] : [dirname(join(run.store.directory, file)), run.store.directory];
}

/** A checkpoint as it is remembered. */
export function keptPlace({ folder, name, run, step }: CheckpointPlace): KeptPlace {
  return { folder, name, runId: run?.store.manifest.run_id ?? null, step };
}

/** A checkpoint that was remembered, whose run may be unknown by now. */
export function foundPlace(library: RunLibrary, { folder, name, runId, step }: KeptPlace): CheckpointPlace {
  const run = runId === null ? undefined : library.runs.find(({ store }) => store.manifest.run_id === runId);
  return { folder, name, run, step, description: run === undefined ? folder : library.header(run).name };
}

/** Asks which checkpoint; the one that was chosen `last` is on top, then those of `run`, those of other runs, and any folder. */
export async function pickPlace(
  library: RunLibrary,
  run: RunWatch | undefined,
  title: string,
  last?: CheckpointPlace,
): Promise<CheckpointPlace | undefined> {
  const items = itemsOf(library, run).then((all) => [...lastItems(last), ...all]);
  const picked = await window.showQuickPick(items, { title, matchOnDescription: true });
  if (picked === undefined) return undefined;
  return picked.place ?? (await pickFolder());
}

/** Asks for up to `most` checkpoints; `chosen` are ticked. */
export async function pickPlaces(
  library: RunLibrary,
  run: RunWatch | undefined,
  { title, most, chosen = [] }: { title: string; most: number; chosen?: readonly CheckpointPlace[] },
): Promise<CheckpointPlace[] | undefined> {
  const folders = new Set(chosen.map(({ folder }) => folder));
  const items = (await itemsOf(library, run)).map((item) => ({
    ...item,
    picked: item.place !== undefined && folders.has(item.place.folder),
  }));
  const picked = await window.showQuickPick(items, { title, canPickMany: true, matchOnDescription: true });
  if (picked === undefined) return undefined;
  const places: CheckpointPlace[] = [];
  for (const { place } of picked.slice(0, most)) {
    const found = place ?? (await pickFolder());
    if (found !== undefined) places.push(found);
  }
  if (picked.length > most) {
    void window.showInformationMessage(`The first ${most} of ${picked.length} checkpoints are taken.`);
  }
  return places;
}

interface PlaceItem extends QuickPickItem {
  /** Undefined: any folder. */
  readonly place?: CheckpointPlace;
}

function lastItems(last: CheckpointPlace | undefined): PlaceItem[] {
  if (last === undefined) return [];
  const item = { label: last.name, description: last.description, place: last };
  return [{ label: 'chosen last', kind: QuickPickItemKind.Separator }, item];
}

async function itemsOf(library: RunLibrary, run: RunWatch | undefined): Promise<PlaceItem[]> {
  const runs = [...(run === undefined ? [] : [run]), ...library.runs.filter((other) => other !== run)];
  const items: PlaceItem[] = [];
  for (const each of runs) {
    const places = await placesOf(each);
    if (places.length === 0) continue;
    items.push({ label: library.header(each).name, kind: QuickPickItemKind.Separator });
    for (const place of [...places].reverse()) {
      items.push({ label: place.name, description: place.description, place });
    }
  }
  return [...items, { label: 'elsewhere', kind: QuickPickItemKind.Separator }, { label: '$(folder-opened) A folder…' }];
}

async function pickFolder(): Promise<CheckpointPlace | undefined> {
  const chosen = await window.showOpenDialog({
    title: 'A model, or an adapter, in Hugging Face layout',
    canSelectFiles: false,
    canSelectFolders: true,
  });
  const folder = chosen?.[0]?.fsPath;
  if (folder === undefined) return undefined;
  return { folder, name: basename(folder), run: undefined, step: null, description: folder };
}

/** `model.path` of the recipe is a folder relative to its file, or a name that the Hub knows. */
async function baseFolder(run: RunWatch): Promise<string | undefined> {
  const model = modelOf(run);
  if (model === undefined) return undefined;
  for (const below of baseFolders(run)) {
    const folder = resolve(below, model.path);
    const isThere = await stat(join(folder, 'config.json')).then(
      () => true,
      () => false,
    );
    if (isThere) return folder;
  }
  return hubFolder(model.path, model.revision);
}

function modelOf({ store }: RunWatch): { path: string; revision: string | null } | undefined {
  const { model } = store.manifest.recipe as { model?: { path?: unknown; revision?: unknown } };
  if (typeof model?.path !== 'string') return undefined;
  return { path: model.path, revision: typeof model.revision === 'string' ? model.revision : null };
}
