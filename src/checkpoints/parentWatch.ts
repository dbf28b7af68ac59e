import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const lookEveryMs = 500;

/**
 * Ends this process when its parent is gone, even while native code or an endless loop blocks the main thread, which
 * then hears of no closed channel. The thread runs the script that this process began with, which must call
 * `watchParent` there.
 */
export function startParentWatch(): void {
  const script = process.argv[1];
  if (script === undefined) throw new Error('A forked process has a script.');
  const thread = new Worker(script, { workerData: { parent: process.ppid } });
  thread.unref();
}

/** What the thread does, for as long as the process lives. */
export async function watchParent(parent: number): Promise<void> {
  while (isThere(parent)) await sleep(lookEveryMs);
  // To exit would wait for the main thread.
  process.kill(process.pid, 'SIGKILL');
}

function isThere(parent: number): boolean {
  // On Linux and macOS an orphan has another parent; Windows keeps the number, and says that nobody has it.
  if (process.platform !== 'win32') return process.ppid === parent;
  try {
    process.kill(parent, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
