// Writes the trainer's lock files: npm run lock [-- --upgrade]. Without --upgrade, versions that still fit stay.
// One lock serves Linux, macOS and Windows with Python 3.10 to 3.13; it holds hashes and no addresses.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { srftFolder, trainerFolder } from './lib/paths.mjs';
import { findPython, findUv } from './lib/python.mjs';
import { capture, Failure, runMain } from './lib/run.mjs';
import { say, timed } from './lib/say.mjs';

const common = [
  '--universal',
  '--python-version',
  '3.10',
  '--generate-hashes',
  '--no-emit-index-url',
  '--no-annotate',
  '--no-header',
];
const withinMain = ['--constraint', 'requirements.lock'];

/** @type {Record<string, string[][]>} lock file → the resolutions it is made of */
const locks = {
  'requirements.lock': [['pyproject.toml']],
  'requirements-dev.lock': [['--group', 'pyproject.toml:dev', ...withinMain]],
  'requirements-long.lock': [
    ['--group', 'pyproject.toml:long', ...withinMain],
    ['--group', 'pyproject.toml:long-weights', '--no-deps'],
  ],
  'requirements-uv.lock': [['--group', 'pyproject.toml:uv']],
  'benchmarks/requirements-peer.lock': [['pyproject.toml', '--group', 'pyproject.toml:peer']],
};

/** Every platform and the oldest and newest Python must find a wheel for every package. */
const platforms = [
  'x86_64-unknown-linux-gnu',
  'aarch64-unknown-linux-gnu',
  'aarch64-apple-darwin',
  'x86_64-pc-windows-msvc',
];
const pythons = ['3.10', '3.13'];

await runMain(async () => {
  const upgrade = process.argv.includes('--upgrade') ? ['--upgrade'] : [];
  const uv = await findUv(findPython().program);
  for (const [lock, resolutions] of Object.entries(locks)) {
    await timed(`resolving ${lock}`, async () => {
      const parts = resolutions.map((arguments_) => resolve(uv, lock, [...arguments_, ...upgrade]));
      writeLock(lock, parts.join(''));
    });
  }
  for (const platform of platforms) {
    for (const python of pythons) {
      await timed(`checking ${platform}, Python ${python}`, async () => checkPlatform(uv, platform, python));
    }
  }
  say('Run npm test now; when torch has changed, measure the sizes in scripts/lib/setup.mjs again.');
  return 0;
});

/** @param {string} uv @param {string} lock @param {string[]} what @returns {string} requirements with hashes */
function resolve(uv, lock, what) {
  // uv prefers the versions it finds in the output file, so it is given a copy of a lock to write over; the peer's
  // environment takes the trainer's, so that both sides of a comparison have the same torch.
  const output = join(srftFolder, 'resolving.lock');
  mkdirSync(srftFolder, { recursive: true });
  rmSync(output, { force: true });
  const present = readIfThere(join(trainerFolder, lock.includes('peer') ? 'requirements.lock' : lock));
  if (present !== undefined) writeFileSync(output, present);
  const { ok, stderr } = capture(uv, ['pip', 'compile', '--quiet', ...common, ...what, '--output-file', output], {
    cwd: trainerFolder,
  });
  if (!ok) throw new Failure(`${lock} could not be resolved:\n${stderr}`);
  return readFileSync(output, 'utf8');
}

/** @param {string} lock @param {string} text */
function writeLock(lock, text) {
  if (/:\/\//.test(text))
    throw new Failure(`${lock} would hold an address; look for an index or a link in uv's settings.`);
  mkdirSync(dirname(join(trainerFolder, lock)), { recursive: true });
  writeFileSync(join(trainerFolder, lock), text);
}

/** @param {string} uv @param {string} platform @param {string} python */
function checkPlatform(uv, platform, python) {
  const requirements = ['requirements.lock', 'requirements-dev.lock'].flatMap((name) => ['-r', name]);
  const target = ['--target', join(srftFolder, 'nowhere'), '--python-platform', platform, '--python-version', python];
  const args = [
    'pip',
    'install',
    '--dry-run',
    '--only-binary',
    ':all:',
    '--require-hashes',
    ...target,
    ...requirements,
  ];
  // The oldest macOS that torch's wheels run on.
  const env = { ...process.env, MACOSX_DEPLOYMENT_TARGET: '14.0' };
  const { ok, stderr } = capture(uv, args, { cwd: trainerFolder, env });
  if (!ok) throw new Failure(`the lock cannot be installed on ${platform} with Python ${python}:\n${stderr}`);
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
