import { spawn } from 'node:child_process';
import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../core/generated/wire';
import { broken, read, type Read } from '../../core/read';
import { parseStatus } from '../../core/wireText';
import { absentAsUndefined } from './tail';

/** What is to be trained, and with what. */
export interface Launch {
  readonly python: string;
  /** A copy of the trainer that stays as it is while the run lives. */
  readonly trainerFolder: string;
  /** Null only when a run is resumed with the recipe it carries. */
  readonly recipe: string | null;
  readonly runDirectory: string;
  /** `key=value`, each. */
  readonly overrides: readonly string[];
  /** From nothing, from the run's own newest checkpoint, or from a checkpoint of another run. */
  readonly start: LaunchStart;
  /** Tokens go to the trainer by this alone, never by its arguments. */
  readonly env: NodeJS.ProcessEnv;
  /** Where the trainer's words go; default: a hidden file beside the run. */
  readonly log?: string;
}

/** Where a run begins. */
export type LaunchStart =
  | { readonly kind: 'new' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'fork'; readonly run: string; readonly step: number };

/** A trainer that was started and belongs to nobody: it lives on without this process. */
export interface Launched {
  readonly kind: 'launched';
  readonly pid: number;
  readonly log: string;
  readonly runDirectory: string;
  /** How it ended, for as long as this process lives. */
  readonly ended: Promise<{ readonly code: number | null }>;
  /** `status.json` as it was before, so that a resumed run's old one is not taken for a sign of life. */
  readonly statusBefore: string | undefined;
}

/** Start the trainer as a process of its own session. */
export async function launchTrainer(
  launch: Launch,
): Promise<Launched | { readonly kind: 'failed'; readonly message: string }> {
  const runDirectory = resolve(launch.runDirectory);
  const log = launch.log ?? launchLogOf(runDirectory);
  const output = await openedLog(runDirectory, log);
  if (output.kind === 'broken') return { kind: 'failed', message: output.reason };
  const { fd } = output.value;
  const statusBefore = await statusText(runDirectory);
  try {
    const child = spawn(launch.python, argumentsOf(launch, runDirectory), {
      env: trainerEnvironment(launch),
      // Python imports from the folder it stands in, which must not be a workspace.
      cwd: launch.trainerFolder,
      stdio: ['ignore', fd, fd],
      detached: true,
      windowsHide: true,
    });
    const ended = new Promise<{ code: number | null }>((resolveEnd) => {
      child.once('exit', (code) => {
        resolveEnd({ code });
      });
    });
    const failure = await new Promise<Error | undefined>((settle) => {
      child.once('spawn', () => {
        settle(undefined);
      });
      child.once('error', settle);
    });
    if (failure !== undefined || child.pid === undefined) {
      return { kind: 'failed', message: `${launch.python} cannot be started: ${failure?.message ?? 'no process'}` };
    }
    child.unref();
    return { kind: 'launched', pid: child.pid, log, runDirectory, ended, statusBefore };
  } finally {
    await output.value.close();
  }
}

async function openedLog(runDirectory: string, log: string): Promise<Read<FileHandle>> {
  try {
    // The trainer makes the run directory itself and refuses one that holds anything.
    await mkdir(dirname(runDirectory), { recursive: true });
    await mkdir(dirname(log), { recursive: true });
    return read(await open(log, 'w'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return broken(`The folder of the run cannot be written to (${reason}); make it writable, or choose another.`);
  }
}

/** What became of a start. */
export type Start =
  | { readonly kind: 'started'; readonly status: Status }
  /** `message`: the trainer's own sentence where the input is wrong (exit code 2), else its last words. */
  | {
      readonly kind: 'ended';
      readonly code: number | null;
      readonly isInputFault: boolean;
      readonly message: string;
      readonly lastWords: readonly string[];
    }
  | { readonly kind: 'cancelled' };

/** Wait until the run is there or the process has ended. `onWords` is told the trainer's newest line: what it is busy with. */
export async function awaitStart(
  launched: Launched,
  options: { readonly signal?: AbortSignal; readonly onWords?: (line: string) => void } = {},
): Promise<Start> {
  let code: number | null | undefined;
  void launched.ended.then((end) => (code = end.code));
  let told = '';
  for (;;) {
    // Looked at first: a short run may have ended well between two looks.
    const hasEnded = code !== undefined;
    const text = await statusText(launched.runDirectory);
    const status = text === undefined || text === launched.statusBefore ? undefined : parseStatus(text);
    if (status?.kind === 'read') return { kind: 'started', status: status.value };
    const lines = await lastWords(launched.log);
    const newest = lines.at(-1) ?? '';
    if (newest !== told) options.onWords?.(newest);
    told = newest;
    if (hasEnded) return endedStart(code ?? null, lines);
    if (options.signal?.aborted === true) return { kind: 'cancelled' };
    await sleep(100);
  }
}

/** The last lines a trainer wrote, as they stand in its log. */
export async function lastWords(log: string): Promise<readonly string[]> {
  const handle = await absentAsUndefined(open(log, 'r'));
  if (handle === undefined) return [];
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 64 * 1024);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const text = buffer.subarray(0, bytesRead).toString('utf8').trimEnd();
    return text === '' ? [] : text.split(/\r\n|\r|\n/).slice(-200);
  } finally {
    await handle.close();
  }
}

/** Beside the run, since the run directory is the trainer's to make. */
export function launchLogOf(runDirectory: string): string {
  return join(dirname(resolve(runDirectory)), `.launch-${basename(runDirectory)}.log`);
}

function endedStart(code: number | null, lines: readonly string[]): Start {
  const isInputFault = code === 2;
  const own = lines.findLastIndex((line) => line.startsWith('srft: '));
  const sentence = own < 0 ? undefined : lines.slice(own).join('\n').slice('srft: '.length);
  const how = code === null ? 'was ended by a signal' : `ended with ${code}`;
  const message =
    sentence ?? `The trainer ${how} before its run began${lines.length === 0 ? '' : `: ${lines.at(-1) ?? ''}`}`;
  return { kind: 'ended', code, isInputFault, message, lastWords: lines };
}

function argumentsOf(launch: Launch, runDirectory: string): string[] {
  const { start } = launch;
  return [
    '-m',
    'srft.cli',
    'train',
    ...(launch.recipe === null ? [] : [resolve(launch.recipe)]),
    '--run-dir',
    runDirectory,
    ...(start.kind === 'resume' ? ['--resume'] : []),
    ...(start.kind === 'fork' ? ['--fork', `${resolve(start.run)}@${start.step}`] : []),
    ...launch.overrides.flatMap((override) => ['--set', override]),
  ];
}

/** The environment a trainer is started in: it is found by its folder, and speaks UTF-8 without delay. */
export function trainerEnvironment({ env, trainerFolder }: Pick<Launch, 'env' | 'trainerFolder'>): NodeJS.ProcessEnv {
  const inherited = env['PYTHONPATH'];
  return {
    ...env,
    PYTHONPATH:
      inherited === undefined || inherited === '' ? trainerFolder : `${trainerFolder}${delimiter}${inherited}`,
    PYTHONUTF8: '1',
    PYTHONUNBUFFERED: '1',
  };
}

async function statusText(runDirectory: string): Promise<string | undefined> {
  return absentAsUndefined(readFile(join(runDirectory, 'status.json'), 'utf8'));
}
