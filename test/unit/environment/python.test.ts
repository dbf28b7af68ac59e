import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compareVersions, fits, lackingInWords, requirementsOf } from '../../../src/environment/packages';
import { askPython, findPython, pythonCandidates } from '../../../src/environment/python';
import { withFakeProgram } from '../support/fakeProgram';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';

describe('finding Python', () => {
  it('a path that somebody gave is the only candidate', () => {
    assert.deepEqual(pythonCandidates('/a/python', { SRFT_PYTHON: '/b/python' }), [['/a/python']]);
    assert.deepEqual(pythonCandidates(undefined, { SRFT_PYTHON: '/b/python' }), [['/b/python']]);
    assert.deepEqual(pythonCandidates(undefined, {}, 'linux')[0], ['python3']);
    assert.ok(
      pythonCandidates(undefined, {}, 'win32').some(([program, version]) => program === 'py' && version === '-3'),
    );
  });

  it('an interpreter tells what it is', async () => {
    const found = await askPython([testInterpreter()]);
    assert.equal(found.kind, 'python');
    assert.match(found.python.version, /^3\.1[0-3]\.\d+$/);
    assert.equal(found.python.is64Bit, true);
  });

  it('what is no Python is told in words', async () => {
    const found = await findPython([['there-is-no-such-python'], [process.execPath]]);
    assert.equal(found.kind, 'none');
    assert.match(
      found.reason,
      /^No Python was found \(looked for there-is-no-such-python, .*srft\.environment\.python/,
    );
  });

  it('an old one is named', { skip: process.platform === 'win32' }, () =>
    inFolder(async (folder) => {
      const env = await withFakeProgram(
        folder,
        'python3',
        `console.log('/old/python\\n3.8.10\\nlinux\\nx86_64\\nTrue')`,
      );
      const found = await findPython([['python3']], { env });
      assert.equal(found.kind, 'unsuitable');
      assert.match(found.reason, /only 3\.8\.10 was found/);
    }),
  );
});

describe('what an interpreter has', () => {
  it('the demands are those of pyproject.toml', async () => {
    const requirements = requirementsOf(await readFile('trainer/pyproject.toml', 'utf8'));
    assert.deepEqual(requirements[0], { name: 'torch', extras: [], atLeast: '2.10' });
    assert.deepEqual(
      requirements.find(({ name }) => name === 'math-verify'),
      { name: 'math-verify', extras: ['antlr4_13_2'], atLeast: '0.9' },
    );
    assert.ok(requirements.length > 10);
  });

  it('the environment of the set-up fits', async () => {
    const result = await fits(testInterpreter(), requirementsOf(await readFile('trainer/pyproject.toml', 'utf8')));
    assert.equal(result.kind, 'fits');
    assert.ok(compareVersions(result.versions['torch'] ?? '', '2.10') >= 0);
  });

  it('what is absent, too old or demanded by an extra is named', () =>
    inFolder(async (folder) => {
      const info = join(folder, 'thing-1.2.dist-info');
      await mkdir(info);
      const demands = 'Requires-Dist: nowhere-to-be-found (>=1) ; extra == "fast"';
      await writeFile(join(info, 'METADATA'), `Metadata-Version: 2.1\nName: thing\nVersion: 1.2\n${demands}\n`);
      const wanted = [
        { name: 'thing', extras: ['fast'], atLeast: '1.10' },
        { name: 'absent-thing', extras: [], atLeast: null },
      ];
      const result = await fits(testInterpreter(), wanted, { env: { ...process.env, PYTHONPATH: folder } });
      assert.equal(result.kind, 'lacks');
      assert.equal(lackingInWords(result.lacking), 'thing ≥ 1.10 (it has 1.2), absent-thing, nowhere-to-be-found');
    }));

  it('no interpreter gives no verdict', async () => {
    assert.equal((await fits('there-is-no-such-python', [])).kind, 'unknown');
  });

  for (const [one, other, sign] of [
    ['2.10.0+cu128', '2.10', 0],
    ['2.9.1', '2.10', -1],
    ['3', '2.99', 1],
    ['2.11.0rc1', '2.11', 0],
  ] as const) {
    it(`${one} against ${other}`, () => {
      assert.equal(Math.sign(compareVersions(one, other)), sign);
    });
  }
});
