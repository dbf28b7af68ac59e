import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findGpus, type Gpus } from './gpus';
import { compareVersions } from './packages';
import type { Python } from './python';

/** What a lock says of torch for one version of Python. */
export interface LockedTorch {
  readonly version: string;
  /** `13.2`: what the wheels of the default index for Linux are built for; null where the lock does not tell. */
  readonly cuda: string | null;
}

/** The machine that torch is to compute on. */
export interface TorchMachine {
  readonly platform: NodeJS.Platform;
  readonly architecture: string;
  readonly gpus: Gpus;
}

/**
 * The oldest drivers that a major version of CUDA runs with, from NVIDIA's release notes (minor version compatibility);
 * uv's own table says the same.
 */
const oldestDrivers: Readonly<Record<string, { readonly linux: string; readonly win32: string }>> = {
  12: { linux: '525.60.13', win32: '528.33' },
  13: { linux: '580', win32: '580' },
};
/** The build of torch for drivers of CUDA 12, and the last for GPUs before Turing. */
const olderBackend = 'cu126';

/**
 * Which of PyTorch's own indices has the torch for a machine, as uv names them; undefined where the default index has
 * it: there Linux gets the newest CUDA, which asks for a new driver, and Windows gets no CUDA at all.
 */
export function torchBackend(
  { platform, architecture, gpus }: TorchMachine,
  { cuda }: LockedTorch,
): string | undefined {
  if ((platform !== 'linux' && platform !== 'win32') || architecture !== 'x64') return undefined;
  if (gpus.kind !== 'gpus' || cuda === null) return undefined;
  const runs = (version: string): boolean => {
    const oldest = oldestDrivers[version.split('.')[0] ?? '']?.[platform];
    return oldest !== undefined && compareVersions(gpus.driver, oldest) >= 0;
  };
  if (runs(cuda)) return platform === 'linux' ? undefined : `cu${cuda.replace('.', '')}`;
  return runs('12.6') ? olderBackend : undefined;
}

/** The same for this machine, as a part of what an environment is asked for by. */
export async function torchFor(wanted: {
  /** Where environments are made. */
  readonly folder: string;
  readonly lock: string;
  readonly python: Python;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}): Promise<{ readonly torchBackend?: string }> {
  const torch = lockedTorch(await readFile(wanted.lock, 'utf8'), wanted.python.minor);
  if (torch === undefined) return {};
  const gpus = await findGpus(wanted.env, wanted.signal);
  const [platform, architecture] = [process.platform, process.arch];
  const made = gpus.kind === 'broken' ? await readdir(join(wanted.folder, 'envs')).catch(() => []) : [];
  // A driver that gives no answer, as after an update of it, will want what it wanted before.
  const before = made.flatMap((name) => new RegExp(`-${platform}-${architecture}-(cu\\d+)$`).exec(name)?.[1] ?? []);
  const backend = before[0] ?? torchBackend({ platform, architecture, gpus }, torch);
  return backend === undefined ? {} : { torchBackend: backend };
}

/** The driver is older than any torch there is; the sentence says what to do. */
export function driverRemedy({ platform, gpus }: Pick<TorchMachine, 'platform' | 'gpus'>): string | undefined {
  const oldest = platform === 'win32' ? oldestDrivers[12]?.win32 : oldestDrivers[12]?.linux;
  if (gpus.kind !== 'gpus' || oldest === undefined || compareVersions(gpus.driver, oldest) >= 0) return undefined;
  return `PyTorch needs a driver of ${oldest} or newer, best 580 or newer; update it, else training computes on the CPU.`;
}

/** What a lock says of torch; undefined where it has none for this Python. */
export function lockedTorch(lock: string, pythonMinor: string): LockedTorch | undefined {
  const versionOf = (name: string): string | undefined =>
    entriesOf(lock).find((entry) => entry.name === name && isFor(entry.text, pythonMinor))?.version;
  const version = versionOf('torch');
  if (version === undefined) return undefined;
  return { version, cuda: /^\d+\.\d+/.exec(versionOf('cuda-toolkit') ?? '')?.[0] ?? null };
}

/** A lock without torch and what comes with it, which differs by backend. */
export function withoutTorch(lock: string): string {
  const isOfTorch = /^(?:torch|triton|cuda-.+|nvidia-.+)$/;
  return entriesOf(lock)
    .filter(({ name }) => !isOfTorch.test(name))
    .map(({ text }) => text)
    .join('');
}

/** A lock without the packages that another names. */
export function withoutPackagesOf(lock: string, other: string): string {
  const names = new Set(entriesOf(other).map(({ name }) => name));
  return entriesOf(lock)
    .filter(({ name }) => !names.has(name))
    .map(({ text }) => text)
    .join('');
}

/** The torch that a lock of ours pinned, with its hashes, for people. */
export async function pinnedTorch(torchLock: string): Promise<string | undefined> {
  const text = await readFile(torchLock, 'utf8').catch(() => '');
  const torch = entriesOf(text).find(({ name }) => name === 'torch');
  if (torch === undefined) return undefined;
  const hashes = [...torch.text.matchAll(/--hash=(sha256:[0-9a-f]+)/g)].map(([, hash]) => hash ?? '');
  const shown = hashes.length === 1 ? (hashes[0] ?? '') : `one of ${hashes.length} recorded hashes`;
  return `torch ${torch.version}, ${shown}`;
}

interface Entry {
  readonly name: string;
  readonly version: string;
  readonly text: string;
}

function entriesOf(lock: string): Entry[] {
  return lock.split(/^(?=[A-Za-z0-9])/m).flatMap((text) => {
    const [, name, version] = /^([A-Za-z0-9._-]+)==([^\s;\\]+)/.exec(text) ?? [];
    return name === undefined || version === undefined ? [] : [{ name, version, text }];
  });
}

/** The locks' entries differ by Python version in all alternatives of their markers alike. */
function isFor(entry: string, pythonMinor: string): boolean {
  const bounds = [...entry.matchAll(/python_full_version (<|>=) '([\d.]+)'/g)];
  return bounds.every(([, sign, bound = '']) => (sign === '>=') === compareVersions(pythonMinor, bound) >= 0);
}
