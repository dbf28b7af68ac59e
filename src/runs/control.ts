import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlRequest } from '../../core/generated/wire';
import { parseJson } from '../../core/wireText';
import { absentAsUndefined } from './tail';

/** A request that lies in `control/` and was not answered yet. */
export interface PendingControl {
  /** File name without `.json`; the `control` event that answers it carries it as `request`. */
  readonly name: string;
  readonly kind: ControlRequest['kind'];
  readonly created: number;
  readonly by: string;
}

const kinds: readonly string[] = ['stop', 'pause', 'continue', 'checkpoint'] satisfies ControlRequest['kind'][];
const longestBy = 200;

/** Ask the trainer of a run for something; returns the request's name. Throws where `control/` cannot be written to. */
export async function requestControl(
  runDirectory: string,
  kind: ControlRequest['kind'],
  by: string,
  wishes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const request: ControlRequest = {
    kind,
    created: secondsNow(),
    by: by.slice(0, longestBy),
    arguments: { ...wishes },
  };
  const folder = join(runDirectory, 'control');
  const name = randomUUID();
  const unfinished = join(folder, `${name}.tmp`);
  await writeFile(unfinished, JSON.stringify(request));
  try {
    await rename(unfinished, join(folder, `${name}.json`));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  return name;
}

let lastSeconds = 0;

/** Requests are answered in the order of their times, so no two of this window have the same. */
function secondsNow(): number {
  lastSeconds = Math.max(Date.now() / 1000, lastSeconds + 1e-5);
  return lastSeconds;
}

/** The requests nobody has answered, oldest first. What is no request is left to the trainer, which refuses it. */
export async function pendingControls(runDirectory: string): Promise<readonly PendingControl[]> {
  const folder = join(runDirectory, 'control');
  const names = (await absentAsUndefined(readdir(folder))) ?? [];
  const pending: PendingControl[] = [];
  for (const name of names.filter((file) => file.endsWith('.json'))) {
    const text = await absentAsUndefined(readFile(join(folder, name), 'utf8'));
    const request = text === undefined ? undefined : requestIn(text);
    if (request !== undefined) pending.push({ name: name.slice(0, -'.json'.length), ...request });
  }
  return pending.sort((a, b) => a.created - b.created || a.name.localeCompare(b.name));
}

function requestIn(text: string): Omit<PendingControl, 'name'> | undefined {
  const json = parseJson(text);
  if (json.kind === 'broken' || typeof json.value !== 'object' || json.value === null) return undefined;
  const { kind, created, by } = json.value as Readonly<Record<string, unknown>>;
  if (typeof kind !== 'string' || typeof created !== 'number' || typeof by !== 'string') return undefined;
  return isKind(kind) ? { kind, created, by } : undefined;
}

function isKind(kind: string): kind is ControlRequest['kind'] {
  return kinds.includes(kind);
}
