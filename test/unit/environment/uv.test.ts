import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ensureEnvironment } from '../../../src/environment/environment';
import { withFolderLock } from '../../../src/environment/folderLock';
import { ensureUv, findUv } from '../../../src/environment/uv';
import { withFakeProgram } from '../support/fakeProgram';
import { inFolder } from '../support/folder';
import { testPython, testUv } from '../support/testPython';

const onPosix = { skip: process.platform === 'win32' };

describe('finding uv', () => {
  it('the given one is the only one', () =>
    inFolder(async (storage) => {
      const found = await findUv({ given: testUv(), storage, env: process.env });
      assert.equal(found.kind, 'uv');
      assert.match(found.version, /^\d+\.\d+\.\d+$/);
      assert.equal((await findUv({ given: process.execPath, storage, env: process.env })).kind, 'none');
    }));

  it('one that is too old is not taken', onPosix, () =>
    inFolder(async (storage) => {
      await withFakeProgram(storage, 'uv', `console.log('uv 0.4.30')`);
      const found = await findUv({ storage, env: { PATH: storage } });
      assert.equal(found.kind, 'none');
    }),
  );

  it('it is fetched by pip once, though two want it', onPosix, () =>
    inFolder(async (folder) => {
      const [storage, calls] = [join(folder, 'storage'), join(folder, 'calls')];
      await withFakeProgram(folder, 'python-with-pip', pipThatMakesUv(calls));
      const wanted = {
        storage,
        env: { PATH: '' },
        python: join(folder, 'python-with-pip'),
        lock: 'trainer/requirements-uv.lock',
      };
      const [first, second] = await Promise.all([ensureUv(wanted), ensureUv(wanted)]);
      const program = join(storage, 'uv', 'bin', 'uv');
      assert.deepEqual(first, { kind: 'uv', program, version: '0.13.8' });
      assert.deepEqual(second, first);
    }),
  );

  it('a pip that fails is quoted, with a remedy', onPosix, () =>
    inFolder(async (folder) => {
      const code = `if (process.argv.includes('install')) { console.error('no route to host'); process.exit(1); }`;
      await withFakeProgram(folder, 'python', code);
      const wanted = {
        storage: folder,
        env: { PATH: '' },
        python: join(folder, 'python'),
        lock: 'trainer/requirements-uv.lock',
      };
      const result = await ensureUv(wanted);
      assert.equal(result.kind, 'none');
      assert.match(result.reason, /check the network and proxy, or install uv yourself\. pip said:\nno route to host/);
    }),
  );
});

describe('a lock', () => {
  it('of a holder that shows no life is taken over, one that lives is waited for', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'lock');
      // Of another machine, so that its pid says nothing.
      await writeFile(file, JSON.stringify({ pid: process.pid, host: `not ${hostname()}`, id: 'x' }));
      let waited = 0;
      const options = { abandonedAfterMs: 300, onWaiting: () => (waited += 1) };
      assert.deepEqual(await withFolderLock(file, options, () => Promise.resolve(1)), { kind: 'done', value: 1 });
      assert.equal(waited, 1);
      await writeFile(file, JSON.stringify({ pid: process.pid, host: hostname(), id: 'x' }));
      const signal = AbortSignal.timeout(300);
      assert.deepEqual(await withFolderLock(file, { signal }, () => Promise.resolve(1)), { kind: 'cancelled' });
    }));

  it('in a folder that cannot be is told', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '');
      const result = await ensureEnvironment({
        ...{ folder: join(folder, 'file', 'below'), lock: 'trainer/requirements.lock', python: await testPython() },
        ...{ uv: testUv(), env: process.env },
      });
      assert.equal(result.kind, 'failed');
      assert.match(result.message, /cannot be written to .*srft\.environment\.folder/);
    }));
});

/** In place of Python: its pip "installs" a program that calls itself uv, and fails when it is asked twice. */
function pipThatMakesUv(calls: string): string {
  return `
const { chmodSync, mkdirSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
if (!args.includes('install')) process.exit(0);
writeFileSync(${JSON.stringify(calls)}, '', { flag: 'wx' });
const folder = args[args.indexOf('--target') + 1] + '/bin';
mkdirSync(folder, { recursive: true });
writeFileSync(folder + '/uv', '#!' + process.execPath + '\\nconsole.log("uv 0.13.8 (test)")\\n');
chmodSync(folder + '/uv', 0o755);`;
}
