import { broken, read, type Read } from '../../core/read';
import { trainerEnvironment } from './launch';

/** A reward that is to be looked at by a debugger, on one request. */
export interface RewardDebug {
  readonly python: string;
  readonly trainerFolder: string;
  /** Absolute. */
  readonly recipe: string;
  /** A file with the one line for `srft verify`. */
  readonly requests: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What the Python debugger is started with. */
export interface DebugLaunch {
  readonly type: 'debugpy';
  readonly request: 'launch';
  readonly name: string;
  readonly python: string;
  readonly module: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly console: 'internalConsole';
  readonly internalConsoleOptions: 'openOnSessionStart';
  readonly subProcess: false;
}

/** Where a breakpoint stops in somebody's function. */
export interface FunctionPlace {
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
}

/** The judge in one process, which waits for a person as long as it takes. Broken, in words, where a path forbids it. */
export function rewardDebugLaunch({ python, trainerFolder, recipe, requests, env }: RewardDebug): Read<DebugLaunch> {
  // The editor replaces ${…} in what a session is started with, and ${command:…} would run a command.
  const strange = [python, trainerFolder, recipe, requests].find((path) => path.includes('${'));
  if (strange !== undefined)
    return broken(
      `The path ${strange} holds \${, which the editor takes for a variable of its own; rename that folder.`,
    );
  const { PYTHONPATH = '', PYTHONUTF8 = '' } = trainerEnvironment({ env: ownPath(env), trainerFolder });
  return read({
    type: 'debugpy',
    request: 'launch',
    name: 'SRFT: Debug Reward',
    python,
    module: 'srft.cli',
    args: ['verify', recipe, '--in-process', '--input', requests],
    // Python imports from the folder it stands in, which must not be a workspace.
    cwd: trainerFolder,
    env: { PYTHONPATH, PYTHONUTF8 },
    console: 'internalConsole',
    internalConsoleOptions: 'openOnSessionStart',
    // The checks of `math` and `regex` are ours, and keep their limits.
    subProcess: false,
  });
}

/** What `srft verify --where` says. */
export function functionPlaces(stdout: string): readonly FunctionPlace[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FunctionPlace);
}

/** The rest of the environment is the debugger's to hand on; a variable in this one would be replaced too. */
function ownPath({ PYTHONPATH: inherited }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return inherited === undefined || inherited.includes('${') ? {} : { PYTHONPATH: inherited };
}
