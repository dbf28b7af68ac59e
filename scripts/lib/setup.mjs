import { existsSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { npmScript, pythonOf, root, srftFolder, trainerFolder, venvFolder } from './paths.mjs';
import { findPython, findUv } from './python.mjs';
import { capture, Failure, run } from './run.mjs';
import { say, timed } from './say.mjs';
import { hashOf, readStamp, removeStamp, writeStamp } from './stamp.mjs';

/**
 * What the trainer's packages weigh in GB: fetched into an empty cache, then on disk. Measured on 2026-11-21 with
 * `uv pip install --target … --python-platform …`, counting the bytes that came in; to be measured again when torch is.
 */
const trainerSizes = {
  'linux-x64': { download: 3.2, disk: 6.0 },
  'linux-arm64': { download: 3.5, disk: 6.1 },
  'darwin-arm64': { download: 0.3, disk: 1.0 },
  'win32-x64': { download: 0.3, disk: 1.0 },
};

const trainerLocks = ['requirements.lock', 'requirements-dev.lock'];

/** Makes everything ready that any command needs; quick when it is. */
export async function setUp() {
  await ensureNodeModules();
  await ensurePython();
}

/** The npm packages of package-lock.json. */
export async function ensureNodeModules() {
  const key = hashOf([join(root, 'package-lock.json')]);
  const isReady = () => readStamp('node_modules') === key && existsSync(join(root, 'node_modules'));
  if (isReady()) return;
  await withLock(async () => {
    if (isReady()) return;
    const npm = npmScript();
    if (npm === undefined) throw new Failure('npm was not found beside Node; start the command with `npm run …`.');
    await timed('fetching the npm packages (about 150 MB)', async () => {
      const code = await run(process.execPath, [npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
        toStderr: true,
      });
      if (code !== 0) throw new Failure('npm ci failed (see above); check the network and run the command again.');
    });
    writeStamp('node_modules', key);
  });
}

/** The Python environment of the trainer, its tests and its linters. @returns {Promise<string>} its interpreter */
export async function ensurePython() {
  const key = hashOf(trainerLocks.map((name) => join(trainerFolder, name)));
  await ensureEnvironment({ name: 'python', venv: venvFolder, key, locks: trainerLocks, sizes: trainerSizes });
  return pythonOf(venvFolder);
}

/** What `npm run test:long` needs beside it. */
export async function ensureLongPackages() {
  await ensurePython();
  const lock = join(trainerFolder, 'requirements-long.lock');
  const key = `${readStamp('python')} ${hashOf([lock])}`;
  if (readStamp('python-long') === key) return;
  await withLock(async () => {
    const uv = await findUv(pythonOf(venvFolder));
    await install(uv, 'fetching what the long tests need (about 110 MB)', [
      ...['pip', 'install', '--python', pythonOf(venvFolder), '--require-hashes', '--no-deps', '-r', lock],
    ]);
    writeStamp('python-long', key);
  });
}

/** The peer's own environment, for `npm run bench`. @returns {Promise<string>} its interpreter */
export async function ensurePeer() {
  const locks = ['benchmarks/requirements-peer.lock'];
  const key = hashOf(locks.map((name) => join(trainerFolder, name)));
  const venv = join(srftFolder, 'venv-peer');
  await ensureEnvironment({ name: 'python-peer', venv, key, locks, sizes: trainerSizes });
  if (readStamp('python-peer')?.includes(' 3.10.')) {
    throw new Failure(`The peer, TRL, needs Python 3.11 or newer; delete ${venv} and set SRFT_PYTHON to one.`);
  }
  return pythonOf(venv);
}

/**
 * @typedef {Record<string, { download: number, disk: number }>} Sizes
 * @param {{ name: string, venv: string, key: string, locks: string[], sizes: Sizes }} wanted
 */
async function ensureEnvironment({ name, venv, key, locks, sizes }) {
  // The stamp holds the version too, so that a lock can be resolved anew for another Python.
  const isReady = () => readStamp(name)?.split(' ')[0] === key && existsSync(pythonOf(venv));
  if (isReady()) return;
  refuseUnsupported();
  await withLock(async () => {
    if (isReady()) return;
    const base = findPython();
    const uv = await findUv(base.program);
    removeStamp(name);
    if (!capture(pythonOf(venv), ['-c', '']).ok) {
      rmSync(venv, { recursive: true, force: true });
      await install(uv, `making a Python ${base.version} environment in .srft`, [
        'venv',
        '--python',
        base.program,
        '--quiet',
        venv,
      ]);
    }
    const files = locks.map((lock) => join(trainerFolder, lock));
    const sync = ['pip', 'sync', '--python', pythonOf(venv), '--require-hashes', ...files];
    await install(uv, `installing the Python packages${whatToFetch(uv, sync, sizes)}`, sync);
    writeStamp(name, `${key} ${base.version}`);
  });
}

/** @param {string} uv @param {string} what @param {string[]} args */
async function install(uv, what, args) {
  await timed(what, async () => {
    const env = { ...process.env, UV_HTTP_TIMEOUT: process.env['UV_HTTP_TIMEOUT'] ?? '180' };
    const code = await run(uv, args, { toStderr: true, env });
    if (code !== 0) {
      throw new Failure(
        `uv ${args[0]} failed (see above); what it has fetched is kept, so run the command again once that is mended.`,
      );
    }
  });
}

/** How large the download is, in words, after a check that it fits. @param {string} uv @param {string[]} sync @param {Sizes} sizes */
function whatToFetch(uv, sync, sizes) {
  const plan = capture(uv, [...sync, '--dry-run']).stderr;
  const count = Number(plan.match(/Would download (\d+) package/)?.[1] ?? 0);
  const total = Number(plan.match(/Would install (\d+) package/)?.[1] ?? count);
  if (count === 0) return ", all of them in uv's cache";
  const size = sizes[`${process.platform}-${process.arch}`];
  if (size === undefined) return `: ${count} to download`;
  const disk = statfsSync(srftFolder);
  const freeGb = (disk.bavail * disk.bsize) / 1e9;
  if (freeGb < size.disk + 0.5) {
    throw new Failure(
      `The Python packages need ${size.disk} GB in ${srftFolder}, which has ${freeGb.toFixed(1)} GB free; free some and run the command again.`,
    );
  }
  const isAll = count >= total;
  return isAll
    ? `: ${size.download} GB to download, ${size.disk} GB on disk`
    : `: ${count} of ${total} to download (all would be ${size.download} GB, ${size.disk} GB on disk)`;
}

function refuseUnsupported() {
  if (process.platform === 'darwin' && process.arch === 'x64') {
    throw new Failure(
      'PyTorch no longer exists for Intel Macs, so training is not possible here; use Apple silicon, Linux or Windows.',
    );
  }
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) throw new Failure(`Node ${process.versions.node} is too old; install Node 20 or newer.`);
  say('First run: setting up. Everything goes to node_modules and .srft; deleting them undoes it.');
}
