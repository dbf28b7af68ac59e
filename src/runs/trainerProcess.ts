import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Status } from '../../core/generated/wire';
import { isSameMachine, type ProcessFact } from './liveness';
import { processFact, thisMachine } from './processFacts';

/** May the pid in a status be signalled? */
export type TrainerProcess =
  | { readonly kind: 'here'; readonly pid: number }
  /** The process that wrote the status is gone, whoever has its number now. */
  | { readonly kind: 'gone' }
  /** It runs on another machine, or nobody can tell whether the pid is still its own. */
  | { readonly kind: 'unknown'; readonly reason: string };

const startToleranceSeconds = 2;

/** Look the trainer up. A pid alone is never believed: its machine and its start time must agree. */
export async function trainerProcess(status: Status): Promise<TrainerProcess> {
  if (!isSameMachine(status, await thisMachine())) {
    return { kind: 'unknown', reason: `the trainer runs on ${status.host}, not on this machine` };
  }
  const fact = await processFact(status.pid);
  if (fact.kind === 'absent') return { kind: 'gone' };
  const startedAt = fact.startedAt ?? (process.platform === 'win32' ? await windowsStart(status.pid) : null);
  return judged(status, { kind: 'present', startedAt });
}

function judged({ pid, pid_started: told }: Status, fact: Extract<ProcessFact, { kind: 'present' }>): TrainerProcess {
  if (told === null || fact.startedAt === null) {
    return { kind: 'unknown', reason: `the system does not tell whether process ${pid} is still the trainer` };
  }
  return Math.abs(fact.startedAt - told) <= startToleranceSeconds ? { kind: 'here', pid } : { kind: 'gone' };
}

async function windowsStart(pid: number): Promise<number | null> {
  const script = `[DateTimeOffset]::new((Get-Process -Id ${pid}).StartTime.ToUniversalTime()).ToUnixTimeMilliseconds()`;
  try {
    const args = ['-NoProfile', '-NonInteractive', '-Command', script];
    const { stdout } = await promisify(execFile)('powershell.exe', args, { timeout: 10_000, windowsHide: true });
    const startedMs = Number(stdout.trim());
    return startedMs > 0 ? startedMs / 1000 : null;
  } catch {
    // Not knowing is an answer: such a pid is not believed.
    return null;
  }
}
