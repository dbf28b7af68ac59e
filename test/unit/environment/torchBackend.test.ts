import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ensureEnvironment, findEnvironment } from '../../../src/environment/environment';
import type { Gpus } from '../../../src/environment/gpus';
import { pythonVersions } from '../../../src/environment/python';
import {
  driverRemedy,
  lockedTorch,
  pinnedTorch,
  torchBackend,
  torchFor,
  withoutPackagesOf,
  withoutTorch,
} from '../../../src/environment/torchBackend';
import { withFakeProgram } from '../support/fakeProgram';
import { inFolder } from '../support/folder';
import { testInterpreter, testPython } from '../support/testPython';

const gpusOf = (driver: string): Gpus => ({ kind: 'gpus', driver, gpus: [] });

describe('which torch', () => {
  const check = (
    name: string,
    [platform, architecture]: readonly [NodeJS.Platform, string],
    gpus: Gpus,
    cuda: string | null,
    expected: string | undefined,
  ): void => {
    it(name, () => {
      assert.equal(torchBackend({ platform, architecture, gpus }, { version: '2.15.0', cuda }), expected);
    });
  };
  const [linux, windows] = [['linux', 'x64'] as const, ['win32', 'x64'] as const];
  check('Linux, a driver for the lock', linux, gpusOf('580.65.06'), '13.2', undefined);
  check('Linux, a driver of CUDA 12', linux, gpusOf('570.86.15'), '13.2', 'cu126');
  check('Linux, the oldest driver of CUDA 12', linux, gpusOf('525.60.13'), '13.2', 'cu126');
  check('Linux, a driver older than any torch', linux, gpusOf('470.256.02'), '13.2', undefined);
  check('Linux, that driver and a lock for CUDA 12', linux, gpusOf('570.86.15'), '12.8', undefined);
  check('Linux without a GPU', linux, { kind: 'none' }, '13.2', undefined);
  check('Linux, a driver that does not work', linux, { kind: 'broken', reason: 'x' }, '13.2', undefined);
  check('Linux on ARM', ['linux', 'arm64'], gpusOf('570.86.15'), '13.2', undefined);
  check('Windows, a new driver', windows, gpusOf('581.15'), '13.2', 'cu132');
  check('Windows, the same with another lock', windows, gpusOf('581.15'), '13.0', 'cu130');
  check('Windows, a driver of CUDA 12', windows, gpusOf('566.36'), '13.2', 'cu126');
  check('Windows, a driver older than any torch', windows, gpusOf('472.12'), '13.2', undefined);
  check('Windows without a GPU', windows, { kind: 'none' }, '13.2', undefined);
  check('a Mac', ['darwin', 'arm64'], { kind: 'none' }, '13.2', undefined);
  check('a lock that tells no CUDA', linux, gpusOf('570.86.15'), null, undefined);

  it('a driver older than any torch has a remedy', () => {
    assert.match(driverRemedy({ platform: 'linux', gpus: gpusOf('470.256.02') }) ?? '', /525\.60\.13 or newer/);
    assert.match(driverRemedy({ platform: 'win32', gpus: gpusOf('472.12') }) ?? '', /528\.33 or newer/);
    assert.equal(driverRemedy({ platform: 'linux', gpus: gpusOf('525.60.13') }), undefined);
    assert.equal(driverRemedy({ platform: 'linux', gpus: { kind: 'none' } }), undefined);
  });
});

describe('the trainer’s lock', () => {
  it('names one torch and its CUDA for each Python', async () => {
    const lock = await readFile('trainer/requirements.lock', 'utf8');
    for (const python of pythonVersions) {
      const locked = lockedTorch(lock, python);
      assert.match(locked?.version ?? '', /^\d+\.\d+\.\d+$/, python);
      assert.match(locked?.cuda ?? '', /^1[2-9]\.\d$/, python);
      assert.ok(lock.includes(`torch==${locked?.version ?? ''} `));
    }
  });

  it('without torch holds everything else with its hashes, and nothing of CUDA', async () => {
    const lock = await readFile('trainer/requirements.lock', 'utf8');
    const rest = withoutTorch(lock);
    const namesIn = (text: string): string[] => text.match(/^[A-Za-z0-9._-]+(?===)/gm) ?? [];
    const gone = namesIn(lock).filter((name) => !namesIn(rest).includes(name));
    assert.ok(
      gone.every((name) => /^(torch|triton|cuda-|nvidia-)/.test(name)),
      gone.join(),
    );
    assert.ok(['transformers', 'numpy', 'sympy'].every((name) => namesIn(rest).includes(name)));
    assert.equal(namesIn(rest).filter((name) => /^(torch|triton|cuda|nvidia)/.test(name)).length, 0);
    assert.equal(withoutPackagesOf(lock, lock), '');
    assert.deepEqual(new Set(namesIn(withoutPackagesOf(lock, rest))), new Set(gone));
  });
});

describe('which torch on this machine', { skip: `${process.platform}-${process.arch}` !== 'linux-x64' }, () => {
  it('as its driver says, and while that gives no answer as it was before', () =>
    inFolder(async (folder) => {
      const answering = (code: string): Promise<NodeJS.ProcessEnv> => withFakeProgram(folder, 'nvidia-smi', code);
      const row = '0, GPU-aa, NVIDIA T4, 15360, 4, 570.86';
      const table = `console.log(process.argv[2].startsWith('--query-gpu') ? '${row}' : '')`;
      const wanted = { folder, lock: 'trainer/requirements.lock', python: await testPython() };
      assert.deepEqual(await torchFor({ ...wanted, env: await answering(table) }), { torchBackend: 'cu126' });
      const silent = await answering('process.exit(18)');
      assert.deepEqual(await torchFor({ ...wanted, env: silent }), {});
      await mkdir(join(folder, 'envs', `0123456789ab-python3.12-linux-x64-cu126`), { recursive: true });
      assert.deepEqual(await torchFor({ ...wanted, env: silent }), { torchBackend: 'cu126' });
      assert.deepEqual(await torchFor({ ...wanted, env: { PATH: '' } }), {});
    }));
});

const sum = 'ab'.repeat(32);
const lockText = `numpy==2.0.0 \\
    --hash=sha256:${'01'.repeat(32)}
sympy==1.14.0 \\
    --hash=sha256:${'02'.repeat(32)}
cuda-toolkit==13.2.2 ; sys_platform == 'linux' \\
    --hash=sha256:${'03'.repeat(32)}
torch==2.15.0 ; python_full_version >= '3.10' \\
    --hash=sha256:${'04'.repeat(32)}
`;
/** What uv answers when it is asked for the torch of a backend: with dependencies, of which the lock has one. */
const compiled = `sympy==1.14.0 \\
    --hash=sha256:${'02'.repeat(32)}
nvidia-cublas-cu12==12.6.4.1 \\
    --hash=sha256:${'05'.repeat(32)}
torch==2.15.0+cu126 \\
    --hash=sha256:${sum}
`;

describe('an environment with another torch', { skip: process.platform === 'win32' }, () => {
  it('takes down its hashes first, then installs everything by hashes', () =>
    inFolder(async (folder) => {
      const calls = join(folder, 'calls');
      await fakeUv(folder, calls, `fs.writeFileSync(after('--output-file'), ${JSON.stringify(compiled)});`);
      const wanted = await wantedIn(folder);
      const made = await ensureEnvironment(wanted);
      assert.ok(made.kind === 'ready', JSON.stringify(made));
      assert.match(made.folder, /-cu126$/);
      const asked = await callsIn(calls);
      const compile = asked.find((args) => args[1] === 'compile') ?? [];
      assert.equal(compile[compile.indexOf('--torch-backend') + 1], 'cu126');
      assert.ok(compile.includes('--generate-hashes'));
      const [rest, torch] = ['srft-rest.lock', 'srft-torch.lock'].map((name) => join(made.folder, name));
      const sync = asked.at(-1) ?? [];
      assert.deepEqual(sync.slice(4, 9), ['--require-hashes', '--torch-backend', 'cu126', rest, torch]);
      assert.equal(await readFile(join(made.folder, 'srft-torch.in'), 'utf8'), 'torch==2.15.0\n');
      assert.equal(await readFile(rest ?? '', 'utf8'), lockText.slice(0, lockText.indexOf('cuda-toolkit')));
      assert.equal(await readFile(torch ?? '', 'utf8'), compiled.slice(compiled.indexOf('nvidia')));
      const found = await findEnvironment(wanted);
      assert.equal(await pinnedTorch(found?.torchLock ?? ''), `torch 2.15.0+cu126, sha256:${sum}`);
      const { lock, python } = wanted;
      assert.equal(await findEnvironment({ folder: wanted.folder, lock, python }), undefined);
    }));

  it('goes on after a cut with the hashes it took down', () =>
    inFolder(async (folder) => {
      const calls = join(folder, 'calls');
      await fakeUv(
        folder,
        calls,
        `fs.writeFileSync(after('--output-file'), ${JSON.stringify(compiled)});`,
        'process.exit(2)',
      );
      const wanted = await wantedIn(folder);
      assert.equal((await ensureEnvironment(wanted)).kind, 'failed');
      await fakeUv(folder, calls, 'process.exit(3)');
      assert.equal((await ensureEnvironment(wanted)).kind, 'ready');
      assert.equal((await callsIn(calls)).filter((args) => args[1] === 'compile').length, 1);
    }));

  it('that nobody has is told with a remedy', () =>
    inFolder(async (folder) => {
      await fakeUv(folder, join(folder, 'calls'), `console.error('× No solution found'); process.exit(1);`);
      const result = await ensureEnvironment(await wantedIn(folder));
      assert.equal(result.kind, 'failed');
      assert.match(result.message, /could not find torch 2\.15\.0 for cu126 .*set srft\.environment\.torch to "lock"/);
    }));
});

async function wantedIn(folder: string): Promise<Parameters<typeof ensureEnvironment>[0] & { torchBackend: string }> {
  const lock = join(folder, 'requirements.lock');
  await writeFile(lock, lockText);
  await mkdir(join(folder, 'storage'), { recursive: true });
  return {
    ...{ folder: join(folder, 'storage'), lock, python: await testPython(), uv: join(folder, 'uv') },
    ...{ env: process.env, torchBackend: 'cu126', neededBytes: 0 },
  };
}

/** In place of uv: writes down what it is asked, makes "environments" of the test's interpreter, installs nothing. */
async function fakeUv(folder: string, calls: string, compile: string, sync = ''): Promise<void> {
  await withFakeProgram(
    folder,
    'uv',
    `const fs = require('node:fs');
     const args = process.argv.slice(2);
     const after = (name) => args[args.indexOf(name) + 1];
     fs.appendFileSync(${JSON.stringify(calls)}, JSON.stringify(args) + '\\n');
     if (args[0] === 'venv') {
       const place = args.find((one) => one.includes('/envs/')) + '/bin';
       fs.mkdirSync(place, { recursive: true });
       fs.symlinkSync(${JSON.stringify(testInterpreter())}, place + '/python');
     } else if (args[1] === 'compile') { ${compile} }
     else if (args[1] === 'sync' && !args.includes('--dry-run')) { ${sync} }`,
  );
}

async function callsIn(calls: string): Promise<string[][]> {
  const lines = (await readFile(calls, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as string[]);
}
