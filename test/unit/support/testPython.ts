import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pythonOf } from '../../../scripts/lib/paths.mjs';
import { askPython, type Python } from '../../../src/environment/python';

/** The interpreter that set-up made, which has all the trainer needs. */
export function testInterpreter(): string {
  // Tests are bundled, so that a path which scripts/ makes of its own place would be wrong; they run from the root.
  return resolve(pythonOf(join('.srft', 'venv')));
}

/** The same, as the extension knows interpreters. */
export async function testPython(): Promise<Python> {
  const found = await askPython([testInterpreter()]);
  if (found.kind !== 'python') throw new Error(found.reason);
  return found.python;
}

/** The uv of the set-up, else the one on the PATH. */
export function testUv(): string {
  const name = process.platform === 'win32' ? 'uv.exe' : 'uv';
  const own = ['bin', 'Scripts'].map((folder) => resolve('.srft', 'uv', folder, name));
  return own.find((path) => existsSync(path)) ?? 'uv';
}
