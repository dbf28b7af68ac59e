import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Status } from '../../../core/generated/wire';
import { equipment } from '../equipment.mjs';

const fixtures = join(equipment().root, 'test/fixtures/runs');

/** Copies a recorded run into a workspace: `rich` was made by hand, `trained` is three steps of the demo. */
export function copyRun(workspace: string, name: string, from: 'rich' | 'trained' = 'rich'): string {
  const directory = join(workspace, 'runs', name);
  cpSync(join(fixtures, from), directory, { recursive: true });
  return directory;
}

/** The recorded run as a trainer at work left it: without its end, its status as given. */
export function copyUnfinishedRun(workspace: string, name: string, status: Partial<Status>): string {
  const directory = copyRun(workspace, name);
  const events = readFileSync(join(directory, 'events.jsonl'), 'utf8').split('\n');
  writeFileSync(join(directory, 'events.jsonl'), events.filter((line) => !line.includes('"kind":"ended"')).join('\n'));
  const before = JSON.parse(readFileSync(join(directory, 'status.json'), 'utf8')) as Status;
  const now: Status = { ...before, state: 'running', end: null, ...status };
  writeFileSync(join(directory, 'status.json'), JSON.stringify(now));
  return directory;
}

/** The recorded run with another end. */
export function copyFailedRun(workspace: string, name: string, message: string): string {
  const directory = copyRun(workspace, name);
  const file = join(directory, 'events.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n');
  const changed = lines.map((line) => {
    if (!line.includes('"kind":"ended"')) return line;
    return JSON.stringify({ ...(JSON.parse(line) as object), end: { kind: 'failed', message } });
  });
  writeFileSync(file, changed.join('\n'));
  return directory;
}

/** A run that has been started and has no step yet; the test's own process stands for its trainer. */
export function copyStartingRun(workspace: string, name: string): string {
  const directory = copyUnfinishedRun(workspace, name, {
    host: hostname(),
    boot_id: null,
    pid_namespace: null,
    pid: process.pid,
    pid_started: null,
    state: 'starting',
    stage: 'reading the model',
    step: 0,
  });
  const [first = ''] = readFileSync(join(directory, 'events.jsonl'), 'utf8').split('\n');
  writeFileSync(join(directory, 'events.jsonl'), `${first}\n`);
  return directory;
}
