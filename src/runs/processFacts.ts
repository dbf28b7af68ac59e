import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import type { Machine, ProcessFact } from './liveness';

const run = promisify(execFile);

let known: Promise<Machine> | undefined;

/** This machine, as the trainer would name it; looked up once. */
export function thisMachine(): Promise<Machine> {
  return (known ??= lookUpMachine());
}

async function lookUpMachine(): Promise<Machine> {
  const host = hostname();
  if (process.platform === 'linux') {
    const bootId = readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim());
    return { host, bootId: await orNull(bootId), pidNamespace: await orNull(readlink('/proc/self/ns/pid')) };
  }
  if (process.platform === 'darwin') {
    return { host, bootId: await answerOf('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']), pidNamespace: null };
  }
  return { host, bootId: null, pidNamespace: null };
}

/** What the system says about `pid`. A process that has ended and only waits to be collected is absent. */
export async function processFact(pid: number): Promise<ProcessFact> {
  if (!isThere(pid)) return { kind: 'absent' };
  if (process.platform === 'linux') return linuxFact(pid);
  if (process.platform !== 'darwin') return { kind: 'present', startedAt: null };
  const text = await answerOf('/bin/ps', ['-o', 'lstart=', '-p', pid.toString()]);
  const startedMs = text === null ? NaN : Date.parse(text);
  return { kind: 'present', startedAt: Number.isFinite(startedMs) ? startedMs / 1000 : null };
}

/** Clock ticks a second in /proc: 100 on every Linux that user programs see. */
const ticksPerSecond = 100;

async function linuxFact(pid: number): Promise<ProcessFact> {
  const [stat, system] = await Promise.all([
    orNull(readFile(`/proc/${pid}/stat`, 'utf8')),
    orNull(readFile('/proc/stat', 'utf8')),
  ]);
  if (stat === null) return { kind: 'absent' };
  // The name, in parentheses, may hold anything; fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return { kind: 'absent' };
  const bootedAt = Number(/^btime (\d+)$/m.exec(system ?? '')?.[1] ?? NaN);
  const startedAt = bootedAt + Number(fields[19] ?? NaN) / ticksPerSecond;
  return { kind: 'present', startedAt: Number.isFinite(startedAt) ? startedAt : null };
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function answerOf(command: string, args: readonly string[]): Promise<string | null> {
  const text = await orNull(
    run(command, args, { timeout: 2000, env: { LC_ALL: 'C' } }).then(({ stdout }) => stdout.trim()),
  );
  return text === '' ? null : text;
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch {
    return null;
  }
}
