import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { dirname, join } from 'node:path';
import { srftFolder } from './paths.mjs';
import { say } from './say.mjs';

/**
 * Lets one process at a time do a piece of work on .srft; the others wait. A lock whose process is gone is taken over.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} [file]
 * @returns {Promise<T>}
 */
export async function withLock(work, file = join(srftFolder, 'setup.lock')) {
  mkdirSync(dirname(file), { recursive: true });
  await take(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** @param {string} file */
async function take(file) {
  for (let told = false; ;) {
    if (created(file)) return;
    const owner = ownerOf(file);
    if (owner === undefined) continue;
    if (!isAlive(owner)) {
      dropAbandoned(file, owner);
      continue;
    }
    if (!told) say(`• waiting for the set-up of process ${owner} (if that is something else, delete ${file}) …`);
    told = true;
    await sleep(500);
  }
}

/** Makes the lock with its content in one go; false when there is one. @param {string} file */
function created(file) {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine);
  }
}

/** Removes a dead process's lock, unless another waiter was quicker and holds it now. @param {string} file @param {number} owner */
function dropAbandoned(file, owner) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (ownerOf(aside) === owner) {
    say(`• taking over the set-up that process ${owner} left unfinished`);
    rmSync(aside);
  } else {
    renameSync(aside, file);
  }
}

/** The process that holds the lock, or undefined when it has just gone. @param {string} file */
function ownerOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
