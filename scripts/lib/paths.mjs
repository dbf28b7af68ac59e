import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const windows = process.platform === 'win32';

/** The folder of the project; every script and every test works from here. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What set-up and builds make; may be deleted at any time. */
export const srftFolder = join(root, '.srft');
export const venvFolder = join(srftFolder, 'venv');
export const trainerFolder = join(root, 'trainer');

/** @param {string} venv */
export function pythonOf(venv) {
  return windows ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
}

/** @param {string} name a program that the environment installs, such as `ruff` */
export function venvProgram(name) {
  return windows ? join(venvFolder, 'Scripts', `${name}.exe`) : join(venvFolder, 'bin', name);
}

/** npm's own script, run with this Node: without a shell, and without npm.cmd, which Windows runs only in one. */
export function npmScript() {
  const node = dirname(process.execPath);
  const candidates = [
    process.env['npm_execpath'] ?? '',
    join(node, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(node, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(node, '..', 'share', 'nodejs', 'npm', 'bin', 'npm-cli.js'),
  ];
  return candidates.find((candidate) => candidate.endsWith('.js') && existsSync(candidate));
}
