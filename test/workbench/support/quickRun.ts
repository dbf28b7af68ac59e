import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../../core/generated/wire';
import { equipment } from '../equipment.mjs';

/** What a test looks at in an event of a run. */
export interface RunEvent {
  readonly kind: string;
  readonly step?: number;
  readonly attempt?: number;
  readonly path?: string;
  readonly end?: { readonly kind: string };
}

const { root } = equipment();

/** The project's own interpreter, so that no environment has to be made. */
export const projectPython = join(
  root,
  '.srft/venv',
  ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
);

/** A recipe over the demo's model and data whose steps take a quarter of a second. */
export function writeQuickRecipe(workspace: string, steps: number): string {
  const demo = join(root, 'trainer', 'demo');
  const recipe = JSON.parse(readFileSync(join(demo, 'recipes', 'srft.srft.json'), 'utf8')) as Record<string, object>;
  const quick = {
    ...recipe,
    name: 'quick',
    model: { ...recipe['model'], path: join(demo, 'base'), threads: 1 },
    data: { ...recipe['data'], path: join(demo, 'data', 'train.jsonl') },
    method: { ...recipe['method'], rollouts: 3 },
    training: { steps, prompts_per_step: 3 },
    evaluation: {
      ...recipe['evaluation'],
      data: { path: join(demo, 'data', 'held_out.jsonl'), columns: { id: 'id' }, limit: 8 },
    },
    final_evaluation: null,
  };
  const path = join(workspace, 'quick.srft.json');
  writeFileSync(path, JSON.stringify(quick, undefined, 2));
  return path;
}

/** The same as a workspace that is ready to train. */
export function fillToTrain(workspace: string, steps: number): void {
  writeQuickRecipe(workspace, steps);
  mkdirSync(join(workspace, '.vscode'), { recursive: true });
  const settings = { 'srft.environment.python': projectPython };
  writeFileSync(join(workspace, '.vscode', 'settings.json'), JSON.stringify(settings));
}

/** The directories of runs that were started from the quick recipe. */
export function quickRuns(workspace: string): string[] {
  const runs = join(workspace, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .filter((name) => name.startsWith('quick-'))
    .map((name) => join(runs, name));
}

/** The status as it stands, or undefined before the first. */
export function statusOf(directory: string | undefined): Status | undefined {
  if (directory === undefined || !existsSync(join(directory, 'status.json'))) return undefined;
  return JSON.parse(readFileSync(join(directory, 'status.json'), 'utf8')) as Status;
}

/** All whole events so far. */
export function eventsOf(directory: string): RunEvent[] {
  const lines = readFileSync(join(directory, 'events.jsonl'), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as RunEvent);
}

/** The steps in the order they were recorded. */
export function stepsOf(directory: string): number[] {
  return eventsOf(directory).flatMap(({ kind, step }) => (kind === 'step' && step !== undefined ? [step] : []));
}

/** Is there such a process? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
