import { spawn, spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { root, trainerFolder } from './paths.mjs';

/** A failure a person can mend: shown as one sentence, without a stack. */
export class Failure extends Error {}

/** The environment of every Python child: `srft` is imported from the working tree. */
export function pythonEnvironment(extra = {}) {
  const inherited = process.env['PYTHONPATH'];
  return {
    ...process.env,
    PYTHONPATH: inherited ? `${trainerFolder}${delimiter}${inherited}` : trainerFolder,
    PYTHONUTF8: '1',
    ...extra,
  };
}

/**
 * Runs a program with its output passed through, or into an open file; resolves to its exit code.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, toStderr?: boolean, output?: number | undefined }} [options]
 * @returns {Promise<number>}
 */
export function run(program, args, { cwd = root, env = process.env, toStderr = false, output } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', output ?? (toStderr ? 2 : 1), output ?? 2] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/**
 * Runs a program and returns what it wrote; never throws for a program that is missing or fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function capture(program, args, { cwd = root, env = process.env } = {}) {
  const result = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 2 ** 20,
  });
  return { ok: result.status === 0, stdout: result.stdout ?? '', stderr: result.stderr ?? '' };
}

/**
 * Runs a script's main function: a Failure becomes one sentence, anything else a stack; both exit with 1.
 * @param {() => Promise<number>} main resolves to the exit code
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Failure ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}
