import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { besideGpu, examine, type Check, type Patient } from '../../../src/environment/doctor';
import { anonymous, doctorDocument } from '../../../src/environment/doctorDocument';
import { unsupported } from '../../../src/environment/unsupported';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';

describe('the doctor', () => {
  it('looks at everything, and every fault has a remedy', () =>
    patient(async (given) => {
      const missing = { name: 'there-is-no-such-package', extras: [], atLeast: null };
      const checks = await examine({ ...given, requirements: [missing] });
      assert.deepEqual(
        checks.map(({ name }) => name),
        [
          ...['Machine', 'Versions', 'Trust', 'Python', 'uv', 'Environment', 'PyTorch', 'GPU'],
          ...['Folder of the environment', 'Folder of the runs'],
        ],
      );
      assert.equal(verdictOf(checks, 'Python'), 'ok');
      assert.equal(verdictOf(checks, 'Environment'), 'fault');
      assert.ok(checks.every(({ verdict, remedy }) => verdict !== 'fault' || remedy !== null));
    }));

  it('starts nothing where the workspace is not trusted', () =>
    patient(async (given) => {
      const checks = await examine({ ...given, isTrusted: false });
      assert.equal(verdictOf(checks, 'Trust'), 'fault');
      assert.ok(checks.every(({ name }) => name !== 'Python' && name !== 'PyTorch'));
    }));

  it('a folder that cannot be written to is a fault', () =>
    patient(async (given) => {
      const file = join(given.runsFolder, '..', 'file');
      await writeFile(file, '');
      const checks = await examine({ ...given, isTrusted: false, runsFolder: join(file, 'runs') });
      assert.equal(verdictOf(checks, 'Folder of the runs'), 'fault');
    }));

  it('a torch that leaves a GPU idle is a warning with a remedy', () => {
    const of = (name: string, verdict: Check['verdict'], detail: string): Check => ({
      ...{ name, verdict, detail },
      remedy: null,
    });
    const idle = of('PyTorch', 'ok', '2.15.0, built for CUDA None, computes on CPU only');
    const gpu = of('GPU', 'ok', 'driver 581.15; 0: RTX');
    assert.equal(besideGpu(idle, gpu).verdict, 'warning');
    assert.match(besideGpu(idle, gpu).remedy ?? '', /update the NVIDIA driver/);
    assert.equal(besideGpu(idle, of('GPU', 'warning', 'no NVIDIA driver')), idle);
    const busy = of('PyTorch', 'ok', '2.15.0, built for CUDA 13.2, computes on RTX');
    assert.equal(besideGpu(busy, gpu), busy);
  });

  it('the document names neither home nor user', () => {
    const detail = `${homedir()}/x and ${userInfo().username} and C:/Users/Ada Lovelace/y`;
    const checks: Check[] = [
      { name: 'Python', verdict: 'ok', detail, remedy: null },
      { name: 'Environment', verdict: 'fault', detail: 'none yet', remedy: 'Set it up.' },
    ];
    const text = doctorDocument(checks, { home: homedir(), user: userInfo().username });
    assert.match(text, /^# SRFT Doctor\n\n1 thing keeps training from working\.\n\n- ✓ \*\*Python\*\*: ~\/x/);
    assert.match(text, /- ✗ \*\*Environment\*\*: none yet\n {2}\*What to do:\* Set it up\.\n$/);
    assert.equal(text.includes(homedir()), false);
  });

  it('a home on Windows goes with either slash, and the name with it', () => {
    const person = { home: 'C:\\Users\\ada', user: 'ada' };
    assert.equal(anonymous('C:\\Users\\ada\\x C:/Users/ada/y D:\\ada adamant', person), '~\\x ~/y D:\\user adamant');
  });
});

describe('machines without PyTorch', () => {
  for (const [platform, architecture, isSupported] of [
    ['darwin', 'x64', false],
    ['darwin', 'arm64', true],
    ['linux', 'x64', true],
    ['linux', 'arm64', true],
    ['linux', 'ia32', false],
    ['win32', 'x64', true],
    ['freebsd', 'x64', false],
  ] as const) {
    it(`${platform} ${architecture}`, () => {
      assert.equal(unsupported(platform, architecture) === undefined, isSupported);
    });
  }
});

async function patient(body: (given: Patient) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await body({
      versions: { extension: '0.1.0', 'VS Code': '1.100.0' },
      isTrusted: true,
      givenPython: testInterpreter(),
      env: process.env,
      requirements: [],
      lock: 'trainer/requirements.lock',
      choosesTorch: true,
      storage: folder,
      environmentFolder: join(folder, 'environment'),
      runsFolder: join(folder, 'runs'),
    });
  });
}

function verdictOf(checks: readonly Check[], name: string): string | undefined {
  return checks.find((check) => check.name === name)?.verdict;
}
