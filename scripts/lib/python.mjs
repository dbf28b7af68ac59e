import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pythonOf, srftFolder, trainerFolder } from './paths.mjs';
import { capture, Failure, run } from './run.mjs';
import { timed } from './say.mjs';

/** Versions the lock was resolved for, the ones to prefer first. */
const pythonVersions = ['3.12', '3.13', '3.11', '3.10'];
const windows = process.platform === 'win32';
const uvFolder = join(srftFolder, 'uv');

/**
 * Finds a Python 3.10–3.13 of 64 bits: what people call `python3` first, then by version.
 * @returns {{ program: string, version: string }}
 */
export function findPython() {
  const named = process.env['SRFT_PYTHON'];
  const candidates = named
    ? [[named]]
    : [
        ['python3'],
        ['python'],
        ...(windows ? pythonVersions.map((version) => ['py', `-${version}`]) : []),
        ...pythonVersions.map((version) => [`python${version}`]),
      ];
  const tell = 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3], sys.maxsize > 2**32, sep="\\n")';
  const seen = [];
  for (const [program = '', ...args] of candidates) {
    const [executable = '', version = '', is64Bit] = capture(program, [...args, '-c', tell])
      .stdout.trim()
      .split(/\r?\n/);
    const fits = pythonVersions.includes(version.split('.', 2).join('.')) && is64Bit === 'True';
    if (fits) return { program: executable, version };
    if (version !== '') seen.push(version);
  }
  const found = seen.length > 0 ? ` (found ${[...new Set(seen)].join(', ')})` : '';
  throw new Failure(
    `No 64-bit Python 3.10, 3.11, 3.12 or 3.13 was found${found}; install one, or set SRFT_PYTHON to its path.`,
  );
}

/**
 * Finds uv, or fetches it into the project's own folder.
 * @param {string} python
 * @returns {Promise<string>}
 */
export async function findUv(python) {
  const onPath = capture('uv', ['--version']).stdout.match(/^uv (\d+)\.(\d+)/);
  if (onPath && (Number(onPath[1]) > 0 || Number(onPath[2]) >= 8)) return 'uv';
  const program = windows ? 'uv.exe' : 'uv';
  const fetched = () => [join(uvFolder, 'bin', program), join(uvFolder, 'Scripts', program)].find(existsSync);
  const present = fetched();
  if (present !== undefined) return present;
  await timed('fetching uv, the installer of Python packages, into .srft/uv (about 25 MB)', () => fetchUv(python));
  const uv = fetched();
  if (uv === undefined)
    throw new Failure(`pip ended without error but left no ${program} in ${uvFolder}; install uv yourself.`);
  return uv;
}

/** @param {string} python */
async function fetchUv(python) {
  const lock = ['--require-hashes', '-r', join(trainerFolder, 'requirements-uv.lock')];
  if (capture(python, ['-m', 'pip', '--version']).ok) return pipInstall(python, ['--target', uvFolder, ...lock]);
  if (capture(python, ['-m', 'venv', uvFolder]).ok) return pipInstall(pythonOf(uvFolder), lock);
  rmSync(uvFolder, { recursive: true, force: true });
  throw new Failure(
    `${python} has neither pip nor venv, so uv cannot be fetched; install one of uv, pip or venv ` +
      '(Debian and Ubuntu: apt install python3-venv) and run the command again.',
  );
}

/** @param {string} python @param {string[]} what */
async function pipInstall(python, what) {
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...what];
  const code = await run(python, args, { toStderr: true, env: { ...process.env, PIP_ROOT_USER_ACTION: 'ignore' } });
  if (code !== 0) throw new Failure('pip could not fetch uv (see above); check the network and run the command again.');
}
