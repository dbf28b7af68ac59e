import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { withFolderLock } from './folderLock';
import { compareVersions } from './packages';
import { runProgram, type ProgramEnd } from './program';

/** The program that installs Python packages, or why there is none. */
export type UvFound =
  | { readonly kind: 'uv'; readonly program: string; readonly version: string }
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'cancelled' };

/** The oldest uv whose options and words this code knows. */
const oldestUv = '0.8.0';

/** Where uv is looked for and put. */
export interface UvPlaces {
  /** A path that a person gave; then no other is tried. */
  readonly given?: string;
  /** The extension's own folder; uv goes to `<storage>/uv`. */
  readonly storage: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The uv that is there: the given one, that on the PATH, or the one fetched before. */
export async function findUv(places: UvPlaces, signal?: AbortSignal): Promise<UvFound> {
  const { given, storage, env } = places;
  const options = { env, ...(signal === undefined ? {} : { signal }) };
  if (given !== undefined && given !== '') return askUv(given, options);
  for (const candidate of [onPath('uv', env), ...ownPrograms(storage)]) {
    if (candidate === undefined || !existsSync(candidate)) continue;
    const found = await askUv(candidate, options);
    if (found.kind !== 'none') return found;
  }
  return { kind: 'none', reason: 'uv, the installer of Python packages, is neither on the PATH nor fetched yet.' };
}

/** How uv is fetched: `lock` pins its version and hashes; `wheels` is a folder for machines without a network. */
export interface UvWanted extends UvPlaces {
  readonly python: string;
  readonly lock: string;
  readonly wheels?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (detail: string) => void;
}

/** Find uv, or fetch it into the storage with pip, or with the pip of a new environment where Python came without. */
export async function ensureUv(wanted: UvWanted): Promise<UvFound> {
  const present = await findUv(wanted, wanted.signal);
  if (present.kind !== 'none' || (wanted.given !== undefined && wanted.given !== '')) return present;
  const lockOptions = wanted.signal === undefined ? {} : { signal: wanted.signal };
  const done = await withFolderLock(join(wanted.storage, 'uv.lock'), lockOptions, async () => {
    const meanwhile = await findUv(wanted, wanted.signal);
    return meanwhile.kind === 'none' ? fetchUv(wanted) : meanwhile;
  });
  return done.kind === 'done' ? done.value : { kind: 'cancelled' };
}

async function fetchUv(wanted: UvWanted): Promise<UvFound> {
  const { python, storage, wheels } = wanted;
  const folder = uvFolder(storage);
  wanted.onProgress?.('fetching uv, the installer of Python packages (about 25 MB)');
  await mkdir(storage, { recursive: true });
  const ask = (program: string, args: readonly string[]): Promise<ProgramEnd> =>
    runProgram(program, args, {
      env: { ...wanted.env, PIP_ROOT_USER_ACTION: 'ignore' },
      // Python looks for modules in the folder it stands in: never in a workspace.
      cwd: storage,
      ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
    });
  const offline = wheels === undefined ? [] : ['--no-index', '--find-links', resolve(wheels)];
  const what = [...offline, '--require-hashes', '-r', resolve(wanted.lock)];
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  let end = await ask(python, ['-m', 'pip', '--version']);
  if (end.kind === 'ended' && end.code === 0) {
    end = await ask(python, [...install, '--upgrade', '--target', folder, ...what]);
  } else if (end.kind !== 'cut') {
    await rm(folder, { recursive: true, force: true });
    end = await ask(python, ['-m', 'venv', folder]);
    if (end.kind === 'ended' && end.code !== 0) {
      await rm(folder, { recursive: true, force: true });
      const reason = `${python} has neither pip nor venv, so uv cannot be fetched; install one of uv, pip or venv (Debian and Ubuntu: apt install python3-venv) and set up again.`;
      return { kind: 'none', reason };
    }
    const inner = join(folder, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
    if (end.kind === 'ended') end = await ask(inner, [...install, ...what]);
  }
  if (end.kind === 'cut') return { kind: 'cancelled' };
  if (end.kind === 'missing') return { kind: 'none', reason: `${python} cannot be started: ${end.reason}` };
  if (end.code !== 0) {
    const said = end.stderr.trim().split(/\r?\n/).slice(-5).join('\n');
    const remedy =
      wheels === undefined
        ? 'check the network and proxy'
        : `put the wheel of uv that ${wanted.lock} names into ${wheels}`;
    return {
      kind: 'none',
      reason: `pip could not fetch uv into ${folder}; ${remedy}, or install uv yourself. pip said:\n${said}`,
    };
  }
  const found = await findUv({ storage, env: {} }, wanted.signal);
  if (found.kind !== 'none') return found;
  return {
    kind: 'none',
    reason: `pip ended without error but left no uv that works in ${folder}; install uv yourself.`,
  };
}

async function askUv(program: string, options: { env: NodeJS.ProcessEnv; signal?: AbortSignal }): Promise<UvFound> {
  const end = await runProgram(program, ['--version'], { ...options, timeoutMs: 15_000 });
  if (end.kind === 'cut' && end.why === 'cancelled') return { kind: 'cancelled' };
  const version = end.kind === 'ended' ? /^uv (\d+\.\d+\.\d+)/.exec(end.stdout)?.[1] : undefined;
  if (version === undefined) return { kind: 'none', reason: `${program} is no uv that works.` };
  if (compareVersions(version, oldestUv) >= 0) return { kind: 'uv', program, version };
  return { kind: 'none', reason: `${program} is uv ${version}; ${oldestUv} or newer is needed.` };
}

function uvFolder(storage: string): string {
  return join(storage, 'uv');
}

function ownPrograms(storage: string): string[] {
  const name = process.platform === 'win32' ? 'uv.exe' : 'uv';
  return [join(uvFolder(storage), 'bin', name), join(uvFolder(storage), 'Scripts', name)];
}

/** Where a program on the PATH lies, as an absolute path. */
function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const isWindows = process.platform === 'win32';
  const path = isWindows ? Object.entries(env).find(([key]) => key.toUpperCase() === 'PATH')?.[1] : env['PATH'];
  const places = (path ?? '').split(delimiter).filter((place) => place !== '');
  return places.map((place) => resolve(place, isWindows ? `${name}.exe` : name)).find((program) => existsSync(program));
}
