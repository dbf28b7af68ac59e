import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  ensureEnvironment,
  findEnvironment,
  removeOldEnvironments,
  type EnvironmentResult,
  type EnvironmentWanted,
} from '../../../src/environment/environment';
import { runProgram } from '../../../src/environment/program';
import { planInWords, planOf, uvListener, type EnvironmentProgress } from '../../../src/environment/uvProgress';
import { withFakeProgram } from '../support/fakeProgram';
import { inFolder } from '../support/folder';
import { testPython, testUv } from '../support/testPython';
import { writeWheel } from '../support/wheel';

const onPosix = { skip: process.platform === 'win32' };

describe('a managed environment', () => {
  it('is made from a folder of wheels, found again, and made anew when it broke', () =>
    prepared(async (wanted) => {
      const told: EnvironmentProgress[] = [];
      const made = ready(await ensureEnvironment({ ...wanted, onProgress: (progress) => told.push(progress) }));
      assert.equal(made.made, true);
      assert.equal(await versionIn(made.python), '1.0');
      assert.deepEqual([...new Set(told.map(({ stage }) => stage))], ['making', 'planning', 'fetching', 'installing']);
      assert.equal(ready(await ensureEnvironment(wanted)).made, false);
      await rm(join(made.folder, 'srft-complete'));
      assert.equal(await findEnvironment(wanted), undefined);
      assert.equal(ready(await ensureEnvironment(wanted)).made, true);
      await rm(made.python);
      assert.equal(ready(await ensureEnvironment(wanted)).made, true);
      assert.equal(await versionIn(made.python), '1.0');
    }));

  it('two windows make it once, and another lock makes another', () =>
    prepared(async (wanted, folder) => {
      const both = await Promise.all([ensureEnvironment(wanted), ensureEnvironment(wanted)]);
      assert.deepEqual(both.map((result) => ready(result).made).sort(), [false, true]);
      const lock = join(folder, 'other.lock');
      await writeFile(lock, await writeWheel(join(folder, 'wheels'), 'tinything', '2.0'));
      const other = ready(await ensureEnvironment({ ...wanted, lock }));
      assert.equal(await versionIn(other.python), '2.0');
      const first = ready(both[0]).folder;
      const removed = await removeOldEnvironments(wanted.folder, other.folder, () => Promise.resolve(false));
      assert.deepEqual(removed, [first]);
      assert.equal(existsSync(first), false);
    }));

  it('a wheel that is missing or not the right one is told with a remedy', () =>
    prepared(async (wanted, folder) => {
      const empty = join(folder, 'empty');
      await mkdir(empty);
      const missing = await ensureEnvironment({ ...wanted, wheels: empty });
      assert.equal(missing.kind, 'failed');
      assert.match(missing.message, /put every wheel that requirements\.lock names for this machine into/);
      assert.ok(missing.output.length > 0);
      await writeFile(wanted.lock, `tinything==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
      const wrong = await ensureEnvironment(wanted);
      assert.equal(wrong.kind, 'failed');
      assert.equal(await findEnvironment(wanted), undefined);
    }));

  it('too little room is told before anything is fetched', () =>
    prepared(async (wanted) => {
      const result = await ensureEnvironment({ ...wanted, ownCache: true, neededBytes: 1e18 });
      assert.equal(result.kind, 'noSpace');
      assert.match(result.message, /need 1000000000\.0 GB free in .*srft\.environment\.folder/);
    }));

  it('cancelling ends uv and what it started, and leaves no lock', onPosix, () =>
    prepared(async (wanted, folder) => {
      const pids = join(folder, 'pids');
      // In place of uv: a program that never ends, with a child.
      await withFakeProgram(
        folder,
        'uv-that-hangs',
        `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
         require('node:fs').writeFileSync(${JSON.stringify(pids)}, child.pid + '');
         setInterval(() => {}, 1000);`,
      );
      const control = new AbortController();
      const result = ensureEnvironment({ ...wanted, uv: join(folder, 'uv-that-hangs'), signal: control.signal });
      while (!existsSync(pids)) await new Promise((resolve) => setTimeout(resolve, 20));
      control.abort();
      assert.deepEqual(await result, { kind: 'cancelled' });
      const { stdout } = await runProgram('ps', ['-o', 'stat=', '-p', await readFile(pids, 'utf8')]).then(ended);
      assert.match(stdout.trim(), /^(Z.*)?$/);
      const left = await readdir(join(wanted.folder, 'envs'));
      assert.deepEqual(
        left.filter((name) => name.endsWith('.lock')),
        [],
      );
      assert.equal(ready(await ensureEnvironment(wanted)).made, true);
    }),
  );

  it('a lock whose holder is gone is taken over', () =>
    prepared(async (wanted) => {
      const key = ready(await ensureEnvironment(wanted)).folder;
      await rm(join(key, 'srft-complete'));
      await writeFile(`${key}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), id: 'x' }));
      assert.equal(ready(await ensureEnvironment(wanted)).made, true);
    }));
});

describe('the words of uv', () => {
  it('a dry run tells what is to be fetched', () => {
    const plan = planOf(
      'Resolved 80 packages in 1ms\nWould download 3 packages\nWould install 80 packages\n + six==1.16.0\n',
    );
    assert.deepEqual(plan, { downloads: 3, installs: 80 });
    assert.match(planInWords(plan, 'linux-x64'), /^3 of 80 packages to download \(all would be 3\.2 GB/);
    assert.equal(planInWords({ downloads: 80, installs: 80 }, 'linux-x64'), '3.2 GB to download, 6.0 GB on disk');
    assert.equal(planInWords({ downloads: 0, installs: 80 }, 'linux-x64'), "80 packages, all of them in uv's cache");
  });

  it('become progress', () => {
    const told: EnvironmentProgress[] = [];
    const listen = uvListener({ downloads: 2, installs: 4 }, 'linux-x64', (progress) => told.push(progress));
    for (const line of [
      'Downloading torch (100.0MiB)',
      'Downloading numpy (100.0MiB)',
      ' Downloaded numpy',
      'Prepared 2 packages in 1s',
    ]) {
      listen(line);
    }
    assert.deepEqual(told.at(-2), { stage: 'fetching', detail: '0.1 GB of 0.2 GB fetched · torch', percent: 50 });
    assert.deepEqual(told.at(-1), { stage: 'installing', detail: 'Prepared 2 packages in 1s' });
  });
});

async function prepared(body: (wanted: EnvironmentWanted, folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const wheels = join(folder, 'wheels');
    await mkdir(wheels);
    const lock = join(folder, 'requirements.lock');
    await writeFile(lock, await writeWheel(wheels, 'tinything', '1.0'));
    const python = await testPython();
    // A cache of its own: what one test installed must not be there for the next.
    const env = { ...process.env, UV_CACHE_DIR: join(folder, 'cache') };
    await body({ folder: join(folder, 'storage'), lock, python, uv: testUv(), env, wheels, neededBytes: 0 }, folder);
  });
}

function ready(result: EnvironmentResult): EnvironmentResult & { kind: 'ready' } {
  assert.ok(result.kind === 'ready', JSON.stringify(result));
  return result;
}

async function versionIn(python: string): Promise<string> {
  const { stdout } = ended(await runProgram(python, ['-c', 'import tinything; print(tinything.version)']));
  return stdout.trim();
}

function ended(end: Awaited<ReturnType<typeof runProgram>>): { stdout: string } {
  assert.ok(end.kind === 'ended');
  return end;
}
