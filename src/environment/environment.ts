import { createHash, randomUUID } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withFolderLock } from './folderLock';
import { runProgram, type ProgramEnd } from './program';
import type { Python } from './python';
import { freeBytes, gigabytes, isSameDisk } from './space';
import { lockedTorch, withoutPackagesOf, withoutTorch } from './torchBackend';
import { unsupported } from './unsupported';
import { planInWords, planOf, uvListener, type EnvironmentProgress } from './uvProgress';

/** Which environment is wanted, and how it may be made. */
export interface EnvironmentWanted {
  /** Environments go to `<folder>/envs/<key>`. */
  readonly folder: string;
  /** The trainer's `requirements.lock`. */
  readonly lock: string;
  readonly python: Python;
  /** Where the default index has the wrong torch: uv's name of the index that has the right one. */
  readonly torchBackend?: string;
  /** The program uv. */
  readonly uv: string;
  readonly env: NodeJS.ProcessEnv;
  /** A folder of wheels: nothing is fetched from anywhere. */
  readonly wheels?: string;
  /** uv's cache goes below `folder` too: for a folder that a person chose because the usual disk is small. */
  readonly ownCache?: boolean;
  /** Asked for before anything is fetched. */
  readonly neededBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EnvironmentProgress) => void;
}

/** What came of it. */
export type EnvironmentResult =
  | { readonly kind: 'ready'; readonly python: string; readonly folder: string; readonly made: boolean }
  | {
      readonly kind: 'noSpace';
      readonly needed: number;
      readonly free: number;
      readonly where: string;
      readonly message: string;
    }
  | { readonly kind: 'unsupported'; readonly message: string }
  /** What was fetched is kept, so the next attempt goes on from there. */
  | { readonly kind: 'cancelled' }
  /** `output`: what uv said last. */
  | { readonly kind: 'failed'; readonly message: string; readonly output: readonly string[] };

/** The download, what is unpacked from it, and room for a first run. */
export const neededBytes = 12e9;

/**
 * Make the environment of a lock, or find it made. Its stamp is written last, so one without is broken or unfinished
 * and made again; two windows that want it at once make it once.
 */
export async function ensureEnvironment(wanted: EnvironmentWanted): Promise<EnvironmentResult> {
  const place = await placeOf(wanted);
  if (await isReady(place)) return { kind: 'ready', python: place.python, folder: place.folder, made: false };
  const refusal = unsupported(process.platform, process.arch);
  if (refusal !== undefined) return { kind: 'unsupported', message: refusal };
  try {
    await mkdir(join(wanted.folder, 'envs'), { recursive: true });
    await access(join(wanted.folder, 'envs'), constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${wanted.folder} cannot be written to (${reason}); make it writable, or name another folder in the setting srft.environment.folder.`;
    return { kind: 'failed', message, output: [] };
  }
  const locked = await withFolderLock(
    `${place.folder}.lock`,
    {
      ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
      onWaiting: (owner) => {
        const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
        wanted.onProgress?.({ stage: 'waiting', detail: `waiting for ${who}, which makes the same environment` });
      },
    },
    () => makeEnvironment(wanted, place),
  );
  return locked.kind === 'done' ? locked.value : { kind: 'cancelled' };
}

/** The environment of a lock if it is there and complete; nothing is made. */
export async function findEnvironment(
  wanted: PlaceWanted,
): Promise<{ readonly python: string; readonly folder: string; readonly torchLock: string } | undefined> {
  const place = await placeOf(wanted);
  const { python, folder, torchLock } = place;
  return (await isReady(place)) ? { python, folder, torchLock } : undefined;
}

/** The environments below a folder, complete or not. */
export async function environmentsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(folder, 'envs'), { withFileTypes: true }).catch(() => []);
  const isEnvironment = (name: string): boolean => !name.startsWith('.') && !name.endsWith('.uses');
  return entries
    .filter((entry) => entry.isDirectory() && isEnvironment(entry.name))
    .map(({ name }) => join(folder, 'envs', name));
}

/** Remove environments other than `current` that no live run uses; returns those removed. */
export async function removeOldEnvironments(
  folder: string,
  current: string,
  isInUse: (environment: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const environment of await environmentsIn(folder)) {
    if (environment === current || (await isInUse(environment))) continue;
    const aside = join(folder, 'envs', `.${randomUUID()}`);
    await rename(environment, aside);
    await rm(aside, { recursive: true, force: true, maxRetries: 5 });
    removed.push(environment);
  }
  return removed;
}

interface Place {
  readonly key: string;
  readonly folder: string;
  readonly python: string;
  readonly stamp: string;
  /** What stands in for the lock's torch, with versions and hashes; where a backend was asked for. */
  readonly torchLock: string;
}

export type PlaceWanted = Pick<EnvironmentWanted, 'folder' | 'lock' | 'python' | 'torchBackend'>;

/** Environments differ by lock, Python, machine and torch: a home on a shared disk serves several. */
async function placeOf({ folder, lock, python, torchBackend }: PlaceWanted): Promise<Place> {
  const hash = createHash('sha256')
    .update(await readFile(lock))
    .digest('hex');
  const machine = `${process.platform}-${process.arch}${torchBackend === undefined ? '' : `-${torchBackend}`}`;
  const key = `${hash.slice(0, 12)}-python${python.minor}-${machine}`;
  const environment = join(resolve(folder), 'envs', key);
  const inner = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  return {
    key,
    folder: environment,
    python: join(environment, ...inner),
    stamp: join(environment, 'srft-complete'),
    torchLock: join(environment, 'srft-torch.lock'),
  };
}

async function isReady(place: Place): Promise<boolean> {
  const stamp = await readFile(place.stamp, 'utf8').catch(() => undefined);
  // The interpreter an environment was made from may have been uninstalled since.
  return stamp === place.key && (await works(place.python));
}

async function works(python: string): Promise<boolean> {
  const end = await runProgram(python, ['-c', ''], { timeoutMs: 20_000 });
  return end.kind === 'ended' && end.code === 0;
}

async function makeEnvironment(wanted: EnvironmentWanted, place: Place): Promise<EnvironmentResult> {
  const ready = (made: boolean): EnvironmentResult => ({
    kind: 'ready',
    python: place.python,
    folder: place.folder,
    made,
  });
  if (await isReady(place)) return ready(false);
  // What another torch weighs nobody has measured.
  const machine = wanted.torchBackend ?? `${process.platform}-${process.arch}`;
  await rm(place.stamp, { force: true });
  if (!(await works(place.python))) {
    wanted.onProgress?.({ stage: 'making', detail: `making a Python ${wanted.python.version} environment` });
    await rm(place.folder, { recursive: true, force: true, maxRetries: 5 });
    const end = await uv(wanted, ['venv', '--no-project', '--python', wanted.python.program, place.folder]);
    if (!isDone(end)) return failure(end, wanted, place, 'could not make an environment');
  }
  wanted.onProgress?.({ stage: 'planning', detail: 'asking what is to be downloaded' });
  const offline =
    wanted.wheels === undefined ? [] : ['--offline', '--no-index', '--find-links', resolve(wanted.wheels)];
  const locks = await locksOf(wanted, place);
  if (!Array.isArray(locks)) return locks;
  const sync = ['pip', 'sync', '--python', place.python, '--require-hashes', ...offline, ...locks];
  const dry = await uv(wanted, [...sync, '--dry-run']);
  if (!isDone(dry)) return failure(dry, wanted, place, 'could not find out what to install');
  const plan = planOf(dry.stderr);
  if (plan.downloads > 0) {
    const short = await shortage(wanted, place);
    if (short !== undefined) return short;
  }
  wanted.onProgress?.({ stage: 'fetching', detail: planInWords(plan, machine) });
  const listen = uvListener(plan, machine, (progress) => wanted.onProgress?.(progress));
  const end = await uv(wanted, sync, listen);
  if (!isDone(end)) return failure(end, wanted, place, 'could not install the packages');
  const unfinished = `${place.stamp}.${randomUUID()}`;
  await writeFile(unfinished, place.key);
  await rename(unfinished, place.stamp);
  return ready(true);
}

/** What uv is to install: the lock, or the lock with another torch in it, whose hashes are taken down first. */
async function locksOf(wanted: EnvironmentWanted, place: Place): Promise<string[] | EnvironmentResult> {
  const { torchBackend: backend, lock, python } = wanted;
  const text = await readFile(lock, 'utf8');
  const torch = backend === undefined ? undefined : lockedTorch(text, python.minor);
  if (backend === undefined || torch === undefined) return [resolve(lock)];
  const [rest, request] = [join(place.folder, 'srft-rest.lock'), join(place.folder, 'srft-torch.in')];
  const install = ['--torch-backend', backend, rest, place.torchLock];
  await writeFile(rest, withoutTorch(text));
  // Taken down once, the hashes hold for this environment, also when its making goes on after a cut.
  const known = await readFile(place.torchLock, 'utf8').catch(() => '');
  if (lockedTorch(known, python.minor) !== undefined) return install;
  await writeFile(request, `torch==${torch.version}\n`);
  const fresh = `${place.torchLock}.${randomUUID()}`;
  const end = await uv(wanted, [
    ...['pip', 'compile', '--python', place.python, '--torch-backend', backend, '--generate-hashes'],
    ...['--no-header', '--no-annotate', '--constraints', rest, '--output-file', fresh, request],
  ]);
  if (!isDone(end)) return failure(end, wanted, place, `could not find torch ${torch.version} for ${backend}`);
  await writeFile(fresh, withoutPackagesOf(await readFile(fresh, 'utf8'), withoutTorch(text)));
  await rename(fresh, place.torchLock);
  return install;
}

/** Too little room where the packages go, or where uv keeps what it fetches. */
async function shortage(wanted: EnvironmentWanted, place: Place): Promise<EnvironmentResult | undefined> {
  const needed = wanted.neededBytes ?? neededBytes;
  const asked = await uv(wanted, ['cache', 'dir']);
  const cache = isDone(asked) ? asked.stdout.trim() : '';
  const hasOtherCache = cache !== '' && !(await isSameDisk(cache, place.folder));
  for (const where of [place.folder, ...(hasOtherCache ? [cache] : [])]) {
    const free = await freeBytes(where);
    if (free >= needed) continue;
    const message = `The trainer's packages need ${gigabytes(needed)} free in ${where}, which has ${gigabytes(free)}; free some, or name a folder on another disk in the setting srft.environment.folder.`;
    return { kind: 'noSpace', needed, free, where, message };
  }
  return undefined;
}

function uv(
  wanted: EnvironmentWanted,
  args: readonly string[],
  onErrorLine?: (line: string) => void,
): Promise<ProgramEnd> {
  return runProgram(wanted.uv, [...args, ...(args[0] === 'cache' ? [] : ['--color', 'never'])], {
    env: {
      UV_HTTP_TIMEOUT: '180',
      ...wanted.env,
      ...(wanted.ownCache === true ? { UV_CACHE_DIR: join(resolve(wanted.folder), 'uv-cache') } : {}),
    },
    // uv reads settings from the folder it stands in: never from a workspace.
    cwd: wanted.folder,
    ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
    ...(onErrorLine === undefined ? {} : { onErrorLine }),
  });
}

function isDone(end: ProgramEnd): end is ProgramEnd & { kind: 'ended' } {
  return end.kind === 'ended' && end.code === 0;
}

function failure(end: ProgramEnd, wanted: EnvironmentWanted, place: Place, what: string): EnvironmentResult {
  if (end.kind === 'cut') return { kind: 'cancelled' };
  if (end.kind === 'missing') {
    return {
      kind: 'failed',
      message: `uv cannot be started (${wanted.uv}): ${end.reason}. Set up again to fetch it anew.`,
      output: [],
    };
  }
  const output = end.stderr.trimEnd().split(/\r?\n/).slice(-20);
  const how = end.code === null ? 'was ended by a signal' : `ended with ${end.code}`;
  const message = `uv ${what} in ${place.folder} (it ${how}); ${remedyFor(end.stderr, wanted)}.`;
  return { kind: 'failed', message, output };
}

function remedyFor(said: string, { wheels, torchBackend }: EnvironmentWanted): string {
  if (/no space left|os error 28|not enough space|os error 112/i.test(said)) {
    return 'the disk is full: free some space and set up again; what was fetched is kept';
  }
  if (/hash mismatch/i.test(said)) {
    return 'a package is not the one the trainer was tested with: if a mirror is configured, have it deliver the original files';
  }
  if (torchBackend !== undefined && /invalid value/i.test(said))
    return `update uv, which does not know ${torchBackend}`;
  if (torchBackend !== undefined && /no solution found|download\.pytorch\.org/i.test(said)) {
    return `see that download.pytorch.org can be reached${process.platform === 'linux' ? ', update the NVIDIA driver to 580 or newer,' : ''} or set srft.environment.torch to "lock", which may compute on the CPU`;
  }
  if (wheels !== undefined) return `put every wheel that requirements.lock names for this machine into ${wheels}`;
  if (/failed to fetch|dns error|error sending request|timed out|connection|certificate/i.test(said)) {
    return 'check the network and proxy and set up again, what was fetched is kept; without a network, name a folder of wheels in the setting srft.environment.wheels';
  }
  if (/permission denied|access is denied/i.test(said)) {
    return 'make the folder writable, or name another in the setting srft.environment.folder';
  }
  return 'set up again; if it fails the same way, run SRFT: Doctor';
}
