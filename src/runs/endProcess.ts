import { spawn } from 'node:child_process';

/** What became of an attempt to end a process. */
export type Signalled =
  { readonly kind: 'sent' } | { readonly kind: 'absent' } | { readonly kind: 'refused'; readonly reason: string };

/** Ask a process to end. On Windows there is no such signal, and nothing is sent. */
export function askToEnd(pid: number): Signalled {
  if (process.platform === 'win32')
    return { kind: 'refused', reason: 'Windows has no signal that asks a process to end' };
  return signalled(() => process.kill(pid, 'SIGTERM'));
}

/** End a process and what it started, at once. */
export async function endTree(pid: number): Promise<Signalled> {
  if (process.platform === 'win32') return taskkill(pid);
  const group = signalled(() => process.kill(-pid, 'SIGKILL'));
  // A trainer started by somebody's script leads no group of its own.
  return group.kind === 'sent' ? group : signalled(() => process.kill(pid, 'SIGKILL'));
}

function taskkill(pid: number): Promise<Signalled> {
  return new Promise((resolve) => {
    const killer = spawn('taskkill', ['/T', '/F', '/PID', `${pid}`], { stdio: 'ignore', windowsHide: true });
    killer.once('error', (error) => {
      resolve({ kind: 'refused', reason: error.message });
    });
    killer.once('exit', (code) => {
      // 128: there is no such process.
      if (code === 0) resolve({ kind: 'sent' });
      else
        resolve(
          code === 128 ? { kind: 'absent' } : { kind: 'refused', reason: `taskkill ended with ${code ?? 'no code'}` },
        );
    });
  });
}

function signalled(send: () => unknown): Signalled {
  try {
    send();
    return { kind: 'sent' };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ESRCH') return { kind: 'absent' };
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) };
  }
}
