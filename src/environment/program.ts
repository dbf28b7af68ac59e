import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a program that was asked something came to its end. */
export type ProgramEnd =
  /** `code` is null when a signal ended it. */
  | { readonly kind: 'ended'; readonly code: number | null; readonly stdout: string; readonly stderr: string }
  /** It could not be started at all. */
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'cut'; readonly why: 'cancelled' | 'timeout'; readonly stderr: string };

/** How a program is run. */
export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told each line of standard error as it comes. */
  readonly onErrorLine?: (line: string) => void;
}

/** More than any program asked here has to say; of a longer output the end is kept. */
const keptCharacters = 4 * 1024 * 1024;

/** Run a program without a shell and without input, and take what it says; a signal or time limit ends its whole tree. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramEnd> {
  if (options.signal?.aborted === true) return Promise.resolve({ kind: 'cut', why: 'cancelled', stderr: '' });
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it starts can be ended with it.
      detached: process.platform !== 'win32',
      windowsHide: true,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let [stdout, stderr] = ['', ''];
    let cut: 'cancelled' | 'timeout' | undefined;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(-keptCharacters)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-keptCharacters)));
    const { onErrorLine } = options;
    if (onErrorLine !== undefined) createInterface({ input: child.stderr }).on('line', onErrorLine);
    const end = (why: 'cancelled' | 'timeout'): void => {
      cut ??= why;
      endTree(child);
    };
    const onAbort = (): void => {
      end('cancelled');
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(end, options.timeoutMs, 'timeout');
    const finish = (result: ProgramEnd): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    child.once('error', (error) => {
      finish({ kind: 'missing', reason: error.message });
    });
    // A grandchild that left the group may hold the pipes open, so a program that was cut is not waited for longer.
    child.once('exit', () => {
      if (cut !== undefined) finish({ kind: 'cut', why: cut, stderr });
    });
    child.once('close', (code) => {
      finish(cut === undefined ? { kind: 'ended', code, stdout, stderr } : { kind: 'cut', why: cut, stderr });
    });
  });
}

function endTree(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (process.platform === 'win32') {
    const killer = spawn('taskkill', ['/T', '/F', '/PID', `${pid}`], { stdio: 'ignore', windowsHide: true });
    killer.once('error', () => child.kill());
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone between the look and the signal; the child itself may not have been collected yet.
    child.kill('SIGKILL');
  }
}
