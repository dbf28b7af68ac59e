import { fork, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import type { FromModel, ToModel } from './protocol';

/** How a process ended that nobody told to. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It could not even be started. */
  readonly refusal: string | null;
  /** The last of what it wrote to standard error, for the log. */
  readonly words: string;
}

const keptWords = 16_384;

/** One forked process and its channel. */
export class ModelChild {
  private readonly process: ChildProcess;
  private words = '';
  private isOver = false;

  /** `entry`: the script, whose whole content is a call of `serveModel`. Nothing is told after `kill`. */
  constructor(
    entry: string,
    private readonly listener: {
      readonly message: (message: FromModel) => void;
      readonly ended: (end: ChildEnd) => void;
    },
  ) {
    this.process = fork(entry, [], {
      // No debugger's flags: a second process cannot listen where the first one does.
      execArgv: [],
      env: modelEnvironment(process.env),
      // Not a workspace: libraries are looked for in the folder that a process stands in, on Windows.
      cwd: dirname(entry),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.process.stderr?.setEncoding('utf8').on('data', (words: string) => {
      this.words = (this.words + words).slice(-keptWords);
    });
    this.process.on('message', (message) => {
      if (!this.isOver) listener.message(message as FromModel);
    });
    this.process.on('error', (error) => {
      this.over({ code: null, signal: null, refusal: error.message });
    });
    // When its output has ended too, so that its last words are known.
    this.process.once('close', (code, signal) => {
      this.over({ code, signal, refusal: null });
    });
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** What does not arrive since the process has ended is told by its end. */
  send(message: ToModel): void {
    if (this.isOver || !this.process.connected) return;
    this.process.send(message, () => undefined);
  }

  /** End it at once, whatever it computes: it holds nothing that has to be kept. */
  kill(): void {
    this.isOver = true;
    this.process.kill('SIGKILL');
  }

  private over(end: Omit<ChildEnd, 'words'>): void {
    if (this.isOver) return;
    this.isOver = true;
    this.listener.ended({ ...end, words: this.words });
  }
}

/** What libraries are found by, what is written to, whose graphics driver it is; no token, nothing of the editor's. */
const handedDown = [
  ...['PATH', 'LD_LIBRARY_PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'XDG_RUNTIME_DIR', 'VK_ICD_FILENAMES'],
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'USERPROFILE', 'LOCALAPPDATA', 'APPDATA', 'TEMP', 'TMP'],
];

/** The environment of a forked process, out of this one's. */
export function modelEnvironment(env: NodeJS.ProcessEnv, electron = process.versions['electron']): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => handedDown.includes(name.toUpperCase()));
  // The editor's own program is Node only when it is told so.
  return { ...Object.fromEntries(kept), ...(electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' }) };
}
