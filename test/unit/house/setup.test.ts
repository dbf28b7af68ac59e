import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { junitCounts, tapCounts } from '../../../scripts/lib/suites.mjs';

const folder = mkdtempSync(join(tmpdir(), 'srft-house-'));
after(() => {
  rmSync(folder, { recursive: true });
});

describe('the lock of set-up', () => {
  const lock = join(folder, 'setup.lock');
  const log = join(folder, 'log');
  const program = `
    import { withLock } from './scripts/lib/lock.mjs';
    import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    await withLock(async () => {
      appendFileSync(${JSON.stringify(log)}, 'in ');
      await sleep(100);
      appendFileSync(${JSON.stringify(log)}, 'out ');
    }, ${JSON.stringify(lock)});`;

  it('lets one process in at a time, and takes over from one that is gone', async () => {
    const gone = spawnSync(process.execPath, ['--version']);
    writeFileSync(lock, String(gone.pid));
    await Promise.all([runProgram(program), runProgram(program), runProgram(program)]);
    assert.equal(readFileSync(log, 'utf8').trim(), 'in out in out in out');
  });
});

describe('counts of a suite', () => {
  it('reads them from TAP', () => {
    const tap = '# tests 5\n# suites 1\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 0\n';
    assert.deepEqual(tapCounts(tap, true), { passed: 3, failed: 2, broke: true });
  });

  it('counts a file without a test as a failure', () => {
    const tap = 'ok 1 - a test\nok 2 - /build/test/empty.test.mjs\n# pass 2\n# fail 0\n';
    assert.deepEqual(tapCounts(tap, false), { passed: 1, failed: 1, broke: false });
  });

  it('reads them from a JUnit report', () => {
    const xml =
      '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1"></testsuite>';
    assert.deepEqual(junitCounts(xml, false), { passed: 4, failed: 3, broke: false });
  });

  it('finds none in a report that was not written', () => {
    assert.deepEqual(tapCounts('', true), { passed: 0, failed: 0, broke: true });
    assert.deepEqual(junitCounts('', false), { passed: 0, failed: 0, broke: false });
  });
});

function runProgram(source: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`exit code ${code}`));
    });
  });
}
