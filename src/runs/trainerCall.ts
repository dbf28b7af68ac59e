import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { endTree } from './endProcess';
import { trainerEnvironment } from './launch';

/** A command of the trainer's that answers and ends. */
export interface TrainerCall {
  readonly python: string;
  readonly trainerFolder: string;
  /** After `srft`: a command and what it takes; paths absolute. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Lines for standard input, without their ends; asked for only as fast as they are read. */
  readonly input?: Iterable<string> | AsyncIterable<string>;
  readonly signal?: AbortSignal;
  /** Told each line of standard error: what the trainer is busy with. */
  readonly onWords?: (line: string) => void;
  /** Told each line of standard output, which is then not kept. */
  readonly onLine?: (line: string) => void;
}

/** What became of it. */
export type TrainerAnswer =
  | {
      readonly kind: 'answered';
      readonly code: number | null;
      /** Empty where `onLine` was told. */
      readonly stdout: string;
      /** The last lines of standard error. */
      readonly errorLines: readonly string[];
    }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly message: string };

const keptErrorLines = 2000;

/** Run a command of the trainer's to its end; the signal ends it and all it started. */
export async function callTrainer(call: TrainerCall): Promise<TrainerAnswer> {
  const { python, trainerFolder, args, signal } = call;
  const isCancelled = (): boolean => signal?.aborted === true;
  if (isCancelled()) return { kind: 'cancelled' };
  const child = spawn(python, ['-m', 'srft.cli', ...args], {
    env: trainerEnvironment(call),
    // Python imports from the folder it stands in, which must not be a workspace.
    cwd: trainerFolder,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own, so that what it starts can be ended with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  const onAbort = (): void => {
    if (child.pid !== undefined) void endTree(child.pid);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const output: string[] = [];
    const errorLines: string[] = [];
    createInterface({ input: child.stdout, crlfDelay: Infinity }).on('line', (line) => {
      if (call.onLine === undefined) output.push(line);
      else call.onLine(line);
    });
    createInterface({ input: child.stderr, crlfDelay: Infinity }).on('line', (line) => {
      errorLines.push(line);
      if (errorLines.length > keptErrorLines) errorLines.shift();
      call.onWords?.(line);
    });
    // A trainer that ends early closes its input; that it ended is told by its exit code.
    child.stdin.on('error', () => undefined);
    const closed = new Promise<number | null | Error>((settle) => {
      child.once('error', settle);
      child.once('close', settle);
    });
    const [end] = await Promise.all([closed, feed(child.stdin, call.input ?? [], closed)]);
    if (isCancelled()) return { kind: 'cancelled' };
    if (end instanceof Error) return { kind: 'failed', message: `${python} cannot be started: ${end.message}` };
    return { kind: 'answered', code: end, stdout: output.join('\n'), errorLines };
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

async function feed(
  stdin: NodeJS.WritableStream & { readonly destroyed?: boolean },
  lines: Iterable<string> | AsyncIterable<string>,
  closed: Promise<unknown>,
): Promise<void> {
  const source = Symbol.asyncIterator in lines ? lines[Symbol.asyncIterator]() : lines[Symbol.iterator]();
  // Whoever waits for a next line to hand over is told that nobody reads it.
  void closed.then(() => source.return?.());
  for (;;) {
    const next = await source.next();
    if (stdin.destroyed === true) return;
    if (next.done === true) break;
    if (!stdin.write(`${next.value}\n`)) await Promise.race([once(stdin, 'drain').catch(() => undefined), closed]);
  }
  stdin.end();
}
