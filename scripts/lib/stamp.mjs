import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { srftFolder } from './paths.mjs';

const folder = join(srftFolder, 'stamps');

/** @param {readonly string[]} files absolute paths; line ends do not matter */
export function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file, 'utf8').replaceAll('\r\n', '\n')).update('\0');
  return hash.digest('hex');
}

/** What stood in the stamp when a piece of set-up was last finished, or undefined. @param {string} name */
export function readStamp(name) {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return undefined;
  }
}

/** Written when the work is complete, so an interrupted set-up leaves none. @param {string} name @param {string} value */
export function writeStamp(name, value) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), value);
}

/** @param {string} name */
export function removeStamp(name) {
  rmSync(join(folder, name), { force: true });
}
