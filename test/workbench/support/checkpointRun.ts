import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { equipment } from '../equipment.mjs';
import { copyRun } from './recordedRun';

const base = join(equipment().root, 'trainer/demo/base');

/**
 * The three recorded steps of the demo with a checkpoint after each, which is the demo's base with its weights moved a
 * little, by more with each step: real files, from which real figures come. The base is found where the recipe says.
 */
export function copyRunWithCheckpoints(workspace: string, name: string): string {
  const directory = copyRun(workspace, name, 'trained');
  const manifest = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as { recipe: { model: object } };
  manifest.recipe.model = { ...manifest.recipe.model, path: base };
  writeFileSync(join(directory, 'run.json'), JSON.stringify(manifest));
  const file = join(directory, 'events.jsonl');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const saved = events.filter(({ kind }) => kind === 'checkpoint')[0] ?? {};
  const withCheckpoints = events.flatMap((event) => {
    if (event['kind'] === 'checkpoint') return [];
    if (event['kind'] !== 'step') return [event];
    const step = Number(event['step']);
    const path = `checkpoints/step-${String(step).padStart(6, '0')}`;
    writeCheckpoint(join(directory, path), step);
    return [event, { ...saved, step, path, accuracy: 0.3 + step / 10, best: step === 3, removed: [] }];
  });
  writeFileSync(file, withCheckpoints.map((event, seq) => `${JSON.stringify({ ...event, seq })}\n`).join(''));
  return directory;
}

/** The demo's base with each weight moved, `size` being how far. */
export function writeCheckpoint(folder: string, size: number): void {
  cpSync(base, folder, { recursive: true });
  const file = join(folder, 'model.safetensors');
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  for (let place = 0; start + place * 4 < bytes.length; place += 1) {
    const at = start + place * 4;
    bytes.writeFloatLE(bytes.readFloatLE(at) + size * 0.004 * Math.sin(place * 12.9898), at);
  }
  writeFileSync(file, bytes);
}
