import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { arch, platform, release } from 'node:os';
import { join } from 'node:path';
import { findEnvironment, neededBytes } from './environment';
import { findGpus } from './gpus';
import { fits, lackingInWords, type Requirement } from './packages';
import { runProgram } from './program';
import { findPython, pythonCandidates, withoutOwnFolder, type Python, type PythonFound } from './python';
import { freeBytes, gigabytes, nearestFolder } from './space';
import { driverRemedy, pinnedTorch, torchFor } from './torchBackend';
import { unsupported } from './unsupported';
import { findUv } from './uv';

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly verdict: 'ok' | 'warning' | 'fault' | 'unknown';
  readonly detail: string;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** What the doctor is told; everything else it finds out. */
export interface Patient {
  readonly versions: Readonly<Record<string, string>>;
  readonly isTrusted: boolean;
  /** The interpreter a person chose, if any. */
  readonly givenPython?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of the trainer, from its `pyproject.toml`. */
  readonly requirements: readonly Requirement[];
  readonly lock: string;
  /** Whether a made environment gets the torch that fits the driver. */
  readonly choosesTorch: boolean;
  readonly storage: string;
  readonly environmentFolder: string;
  readonly runsFolder: string;
  readonly signal?: AbortSignal;
}

/** Look at everything training needs. In an untrusted workspace no interpreter is started. */
export async function examine(patient: Patient): Promise<readonly Check[]> {
  const machine = [machineCheck(), versionsCheck(patient), trustCheck(patient)];
  const folders = Promise.all([
    folderCheck('Folder of the environment', patient.environmentFolder, neededBytes, 'srft.environment.folder'),
    folderCheck('Folder of the runs', patient.runsFolder, 5e9, 'srft.runs.folders'),
  ]);
  if (!patient.isTrusted) return [...machine, ...(await folders)];
  const [python, uv, gpu, rooms] = await Promise.all([pythonOf(patient), uvCheck(patient), gpuCheck(patient), folders]);
  const environment = python.kind === 'python' ? await environmentChecks(patient, python.python) : [];
  return [...machine, pythonCheck(python), uv, ...environment.map((check) => besideGpu(check, gpu)), gpu, ...rooms];
}

/** A torch that works and cannot use the GPU that works: training would be slow without a word. */
export function besideGpu(check: Check, gpu: Check): Check {
  const isIdle = check.name === 'PyTorch' && check.verdict === 'ok' && check.detail.endsWith(onlyCpu);
  if (!isIdle || gpu.verdict !== 'ok') return check;
  const remedy =
    'There is a GPU that this PyTorch cannot use: update the NVIDIA driver, or take out srft.environment.python and srft.environment.torch and run “SRFT: Set Up Trainer Environment”, which chooses a build for the driver.';
  return { ...check, verdict: 'warning', remedy };
}

const onlyCpu = 'computes on CPU only';

function machineCheck(): Check {
  const refusal = unsupported(process.platform, process.arch);
  // Wheels are made for glibc, not for musl, which Alpine has.
  const report: unknown = process.platform === 'linux' ? process.report.getReport() : undefined;
  const glibc = glibcOf(report);
  const isMusl = process.platform === 'linux' && glibc === undefined;
  const detail = `${platform()} ${release()}, ${arch()}${glibc === undefined ? '' : `, glibc ${glibc}`}`;
  if (refusal !== undefined)
    return { name: 'Machine', verdict: 'fault', detail: `${detail}. ${refusal}`, remedy: 'Train on another machine.' };
  if (!isMusl) return { name: 'Machine', verdict: 'ok', detail, remedy: null };
  const remedy = 'PyTorch has no packages for musl (Alpine); use a distribution or container with glibc 2.28 or newer.';
  return { name: 'Machine', verdict: 'fault', detail: `${detail}, no glibc`, remedy };
}

function glibcOf(report: unknown): string | undefined {
  const header = (report as { header?: { glibcVersionRuntime?: unknown } } | undefined)?.header;
  return typeof header?.glibcVersionRuntime === 'string' ? header.glibcVersionRuntime : undefined;
}

function versionsCheck({ versions }: Patient): Check {
  const all = { ...versions, Node: process.versions.node };
  const detail = Object.entries(all)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  return { name: 'Versions', verdict: 'ok', detail, remedy: null };
}

function trustCheck({ isTrusted }: Patient): Check {
  return isTrusted
    ? { name: 'Trust', verdict: 'ok', detail: 'this workspace is trusted', remedy: null }
    : {
        name: 'Trust',
        verdict: 'fault',
        detail:
          'this workspace is in Restricted Mode: runs can be read, and nothing that starts Python is looked at or run',
        remedy: 'Run “Workspaces: Manage Workspace Trust” and trust this folder.',
      };
}

async function pythonOf({ givenPython, env, signal }: Patient): Promise<PythonFound> {
  return findPython(pythonCandidates(givenPython, env), { env, ...(signal === undefined ? {} : { signal }) });
}

function pythonCheck(found: PythonFound): Check {
  if (found.kind !== 'python')
    return {
      name: 'Python',
      verdict: 'fault',
      detail: found.reason,
      remedy: 'Install Python 3.12 of 64 bits, or set srft.environment.python.',
    };
  const { version, program, platform: system, machine } = found.python;
  return { name: 'Python', verdict: 'ok', detail: `${version} (${program}), ${system} on ${machine}`, remedy: null };
}

async function uvCheck({ storage, env, signal }: Patient): Promise<Check> {
  const uv = await findUv({ storage, env }, signal);
  if (uv.kind === 'uv') return { name: 'uv', verdict: 'ok', detail: `${uv.version} (${uv.program})`, remedy: null };
  if (uv.kind === 'cancelled') return { name: 'uv', verdict: 'unknown', detail: 'not looked at', remedy: null };
  return {
    name: 'uv',
    verdict: 'warning',
    detail: uv.reason,
    remedy: 'Nothing: setting up the environment fetches it.',
  };
}

/** The chosen interpreter where it has everything, else the managed environment; then torch in it. */
async function environmentChecks(patient: Patient, python: Python): Promise<Check[]> {
  const own = await fits(python.program, patient.requirements, { env: patient.env });
  if (own.kind === 'fits') {
    const check: Check = {
      name: 'Environment',
      verdict: 'ok',
      detail: `${python.program} has all packages the trainer needs`,
      remedy: null,
    };
    return [check, await torchCheck(python.program, patient)];
  }
  const { environmentFolder: folder, lock } = patient;
  const torch = patient.choosesTorch ? await torchFor({ ...patient, folder, python }) : {};
  const managed = await findEnvironment({ folder, lock, python, ...torch });
  if (managed !== undefined) {
    const pinned = await pinnedTorch(managed.torchLock);
    const instead = pinned === undefined ? '' : `; for the driver it has another torch than the lock: ${pinned}`;
    const detail = `managed, complete (${managed.folder})${instead}`;
    return [{ name: 'Environment', verdict: 'ok', detail, remedy: null }, await torchCheck(managed.python, patient)];
  }
  const why = own.kind === 'lacks' ? `${python.program} lacks ${lackingInWords(own.lacking)}` : own.reason;
  return [
    {
      name: 'Environment',
      verdict: 'fault',
      detail: `none yet: ${why}`,
      remedy: 'Run “SRFT: Set Up Trainer Environment”.',
    },
    { name: 'PyTorch', verdict: 'unknown', detail: 'there is no environment to ask', remedy: null },
  ];
}

/** Importing torch takes seconds and may crash on a broken driver, so another process does it. */
async function torchCheck(python: string, { env, signal }: Patient): Promise<Check> {
  const end = await runProgram(python, ['-c', askTorch], {
    env,
    timeoutMs: 90_000,
    ...(signal === undefined ? {} : { signal }),
  });
  if (end.kind === 'cut')
    return {
      name: 'PyTorch',
      verdict: 'unknown',
      detail: 'importing it took more than 90 s',
      remedy: 'Try again; the first import on a cold disk is slow.',
    };
  if (end.kind === 'missing' || end.code !== 0) {
    const said = end.kind === 'missing' ? end.reason : (end.stderr.trim().split(/\r?\n/).at(-1) ?? '');
    return {
      name: 'PyTorch',
      verdict: 'fault',
      detail: `it cannot be imported: ${said}`,
      remedy:
        'Run “SRFT: Set Up Trainer Environment” again; on Windows, install the Microsoft Visual C++ Redistributable.',
    };
  }
  const [version, cuda, device] = end.stdout.trim().split(/\r?\n/);
  const computes = device === undefined || ['', 'CPU only'].includes(device) ? onlyCpu : `computes on ${device}`;
  return {
    name: 'PyTorch',
    verdict: 'ok',
    detail: `${version ?? ''}, built for CUDA ${cuda ?? ''}, ${computes}`,
    remedy: null,
  };
}

const askTorch = `${withoutOwnFolder}
import torch
mps = getattr(torch.backends, 'mps', None)
device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'Apple GPU' if mps and mps.is_available() else 'CPU only'
print(torch.__version__, torch.version.cuda, device, sep='\\n')`;

async function gpuCheck({ env, signal }: Patient): Promise<Check> {
  const found = await findGpus(env, signal);
  switch (found.kind) {
    case 'none':
      return {
        name: 'GPU',
        verdict: 'warning',
        detail: 'no NVIDIA driver: training computes on the CPU, or on Apple silicon',
        remedy: 'For models above some 100 million parameters use a machine with a GPU.',
      };
    case 'broken':
      return {
        name: 'GPU',
        verdict: 'fault',
        detail: found.reason,
        remedy: 'Restart the machine after an update of the driver, or install the driver again.',
      };
    case 'gpus': {
      const each = found.gpus.map((gpu) => {
        const holders = gpu.processes.map(({ pid }) => pid).join(', ');
        return `${gpu.index}: ${gpu.name}, ${gpu.usedMiB} of ${gpu.totalMiB} MiB used${holders === '' ? '' : ` by ${holders}`}`;
      });
      const remedy = driverRemedy({ platform: process.platform, gpus: found }) ?? null;
      const verdict = remedy === null ? 'ok' : 'warning';
      return { name: 'GPU', verdict, detail: `driver ${found.driver}; ${each.join('; ')}`, remedy };
    }
  }
}

/** Room and the right to write, tried by writing. */
async function folderCheck(name: string, folder: string, wanted: number, setting: string): Promise<Check> {
  // Looking must not leave a folder behind: one that is not there yet would be made in the nearest that is.
  const there = await nearestFolder(folder);
  const probe = join(there, `.srft-${randomUUID()}`);
  try {
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    const detail = `${folder} cannot be written to: ${error instanceof Error ? error.message : String(error)}`;
    return { name, verdict: 'fault', detail, remedy: `Make it writable, or name another folder in ${setting}.` };
  }
  const free = await freeBytes(folder);
  const detail = `${folder}, ${gigabytes(free)} free`;
  if (free >= wanted) return { name, verdict: 'ok', detail, remedy: null };
  return {
    name,
    verdict: 'warning',
    detail,
    remedy: `Have ${gigabytes(wanted)} free, or name a folder on another disk in ${setting}.`,
  };
}
