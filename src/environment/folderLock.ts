import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Who holds a lock. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  readonly id: string;
}

/** How a lock is waited for. */
export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Told once, when another process holds the lock. */
  readonly onWaiting?: (owner: LockOwner | undefined) => void;
  /** A holder touches its lock file; one that has stood still for so long, by this process's clock, is abandoned. */
  readonly abandonedAfterMs?: number;
}

/** What came of work under a lock. */
export type Locked<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'cancelled' };

const touchMs = 2_000;
const lookMs = 200;

/**
 * Let one process at a time do a piece of work, of several windows or machines that share a disk. A pid may be taken
 * by another process later, so beside it a holder shows that it lives by touching the file.
 */
export async function withFolderLock<T>(
  file: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<Locked<T>> {
  await mkdir(dirname(file), { recursive: true });
  const mine: LockOwner = { pid: process.pid, host: hostname(), id: randomUUID() };
  if (!(await take(file, mine, options))) return { kind: 'cancelled' };
  const touching = setInterval(() => {
    // A lock that cannot be touched is taken over by others at worst; the work itself is idempotent.
    utimes(file, new Date(), new Date()).catch(() => undefined);
  }, touchMs);
  touching.unref();
  try {
    return { kind: 'done', value: await work() };
  } finally {
    clearInterval(touching);
    const owner = await ownerOf(file);
    if (owner?.id === mine.id) await rm(file, { force: true });
  }
}

async function take(file: string, mine: LockOwner, options: LockOptions): Promise<boolean> {
  const abandonedAfterMs = options.abandonedAfterMs ?? 30_000;
  let seen = '';
  let since = 0;
  let told = false;
  while (options.signal?.aborted !== true) {
    if (await created(file, mine)) return true;
    const sight = await sightOf(file);
    if (sight === undefined) {
      await sleep(lookMs / 10);
      continue;
    }
    if (sight.key !== seen) [seen, since] = [sight.key, performance.now()];
    const isDead = sight.owner?.host === mine.host && !isAlive(sight.owner.pid);
    if (isDead || performance.now() - since > abandonedAfterMs) {
      await dropAbandoned(file, sight.owner);
      continue;
    }
    if (!told) options.onWaiting?.(sight.owner);
    told = true;
    await sleep(lookMs);
  }
  return false;
}

async function created(file: string, mine: LockOwner): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(JSON.stringify(mine));
    await handle.close();
    return true;
  } catch (error) {
    // On Windows a file that is being deleted refuses with EPERM for a moment.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST' || (code === 'EPERM' && process.platform === 'win32')) return false;
    throw error;
  }
}

async function sightOf(file: string): Promise<{ key: string; owner: LockOwner | undefined } | undefined> {
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined) return undefined;
  const owner = await ownerOf(file);
  return { key: `${owner?.id ?? ''} ${facts.mtimeMs}`, owner };
}

/** Take an abandoned lock away, unless another waiter was quicker and holds it now. */
async function dropAbandoned(file: string, abandoned: LockOwner | undefined): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  const moved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  if ((await ownerOf(aside))?.id === abandoned?.id) await rm(aside, { force: true });
  else await rename(aside, file);
}

/** Undefined while its holder has not written it yet, and when it has gone. */
async function ownerOf(file: string): Promise<LockOwner | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    const value: unknown = JSON.parse(text);
    return isOwner(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(value: unknown): value is LockOwner {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, host, id } = value as Readonly<Record<string, unknown>>;
  return typeof pid === 'number' && typeof host === 'string' && typeof id === 'string';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
