import { spawn, type ChildProcess } from 'node:child_process';
import { requestControl } from '../runs/control';

/** How the trainer is started. */
export interface TrainerOptions {
  readonly python: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly recipe: string;
  readonly runDirectory: string;
  /** `key=value`, each. */
  readonly overrides: readonly string[];
}

/** How the trainer ended. */
export interface TrainerEnd {
  /** Its exit code; null when a signal ended it or it could not be started. */
  readonly code: number | null;
  /** What it said last on its standard error. */
  readonly lastWords: readonly string[];
}

const keptLines = 200;
const keptCharacters = 64 * 1024;

/** A trainer that runs. Owns its process until it has ended. */
export class Trainer {
  readonly ended: Promise<TrainerEnd>;
  private readonly process: ChildProcess;
  private stopRequests = 0;
  private words = '';

  constructor(private readonly options: TrainerOptions) {
    const sets = options.overrides.flatMap((override) => ['--set', override]);
    this.process = spawn(
      options.python,
      ['-m', 'srft.cli', 'train', options.recipe, '--run-dir', options.runDirectory, ...sets],
      {
        env: options.environment,
        stdio: ['ignore', 'ignore', 'pipe'],
        // A group of its own: Ctrl-C in the terminal must reach the trainer once, through us, not twice.
        detached: process.platform !== 'win32',
        windowsHide: true,
      },
    );
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.words = (this.words + text).slice(-keptCharacters);
    });
    this.ended = this.end();
  }

  /** What the trainer said last on its standard error: what it is busy with while it starts. */
  get lastLine(): string {
    return linesOf(this.words).at(-1) ?? '';
  }

  /** First call: end at the next safe point. Second call: end at once. */
  stop(): void {
    this.stopRequests += 1;
    if (this.stopRequests > 1) this.kill();
    else if (process.platform === 'win32')
      void requestControl(this.options.runDirectory, 'stop', 'npm run demo').catch(() => {
        this.kill();
      });
    else this.process.kill('SIGINT');
  }

  /** Was a stop asked for? */
  get stopping(): boolean {
    return this.stopRequests > 0;
  }

  /** End the process and what it started. */
  kill(): void {
    const { pid } = this.process;
    const isOver = this.process.exitCode !== null || this.process.signalCode !== null;
    if (pid === undefined || isOver) return;
    if (process.platform === 'win32') {
      spawn('taskkill', ['/T', '/F', '/PID', `${pid}`], { stdio: 'ignore', windowsHide: true });
      return;
    }
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended between the look and the signal.
      this.process.kill('SIGKILL');
    }
  }

  private end(): Promise<TrainerEnd> {
    return new Promise((resolve) => {
      this.process.once('error', (error) => {
        resolve({ code: null, lastWords: [error.message] });
      });
      this.process.once('close', (code) => {
        resolve({ code, lastWords: linesOf(this.words).slice(-keptLines) });
      });
    });
  }
}

function linesOf(text: string): string[] {
  return text.trimEnd().split(/\r\n|\r|\n/);
}
