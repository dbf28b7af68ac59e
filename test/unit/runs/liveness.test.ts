import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import type { Status } from '../../../core/generated/wire';
import {
  isSameMachine,
  liveness,
  watchHeartbeat,
  type HeartbeatWatch,
  type Machine,
  type ProcessFact,
} from '../../../src/runs/liveness';
import { processFact, thisMachine } from '../../../src/runs/processFacts';

const here: Machine = { host: 'box', bootId: 'b1', pidNamespace: 'pid:[1]' };
const status: Status = {
  format: '1.0',
  run_id: 'r',
  host: 'box',
  boot_id: 'b1',
  pid_namespace: 'pid:[1]',
  pid: 42,
  pid_started: 1000,
  attempt: 1,
  state: 'running',
  stage: 'generate',
  step: 3,
  steps: 10,
  heartbeat: 7,
  updated: 0,
  metrics: {},
  end: null,
};
const still: HeartbeatWatch = { key: 'r/1/7', unchangedSinceMs: 0, moved: false };
const moving: HeartbeatWatch = { ...still, moved: true };

describe('who runs', () => {
  const cases: readonly [string, Partial<Status>, ProcessFact | undefined, HeartbeatWatch, number, string][] = [
    ['its process is there', {}, { kind: 'present', startedAt: 1000.4 }, still, 0, 'running'],
    ['a later process has its number', {}, { kind: 'present', startedAt: 5000 }, moving, 0, 'gone'],
    ['its process is not there', {}, { kind: 'absent' }, moving, 0, 'gone'],
    [
      'it has ended, whatever has its number',
      { state: 'ended' },
      { kind: 'present', startedAt: 1000 },
      moving,
      0,
      'ended',
    ],
    ['elsewhere, the heart beats', {}, undefined, moving, 5_000, 'running'],
    ['elsewhere, seen once', {}, undefined, still, 5_000, 'watching'],
    ['elsewhere, no beat for long', {}, undefined, moving, 20_000, 'silent'],
    ['no start time is known here', {}, { kind: 'present', startedAt: null }, moving, 20_000, 'silent'],
    [
      'no start time was written',
      { pid_started: null },
      { kind: 'present', startedAt: 1000 },
      still,
      20_000,
      'running',
    ],
  ];
  for (const [name, change, fact, watch, nowMs, expected] of cases) {
    it(name, () => {
      assert.equal(liveness({ ...status, ...change }, fact, watch, nowMs).kind, expected);
    });
  }

  for (const change of [{ host: 'other' }, { boot_id: 'b2' }, { pid_namespace: 'pid:[2]' }]) {
    it(`a pid is not believed with ${JSON.stringify(change)}`, () => {
      assert.equal(isSameMachine({ ...status, ...change }, here), false);
    });
  }

  it('a pid is believed on the same machine', () => {
    assert.equal(isSameMachine(status, here), true);
    assert.equal(isSameMachine({ ...status, boot_id: null, pid_namespace: null }, here), true);
  });

  it('the watch moves with the counter, by the clock of the reader', () => {
    const first = watchHeartbeat(undefined, status, 100);
    assert.deepEqual(first, { key: 'r/1/7', unchangedSinceMs: 100, moved: false });
    assert.equal(watchHeartbeat(first, status, 900), first);
    assert.deepEqual(watchHeartbeat(first, { ...status, heartbeat: 8 }, 900), {
      key: 'r/1/8',
      unchangedSinceMs: 900,
      moved: true,
    });
  });

  it('the system is asked about real processes', async () => {
    assert.notEqual((await thisMachine()).host, '');
    assert.equal((await processFact(process.pid)).kind, 'present');
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    const pid = child.pid ?? 0;
    const fact = await processFact(pid);
    const startedAt = fact.kind === 'present' ? fact.startedAt : NaN;
    assert.ok(startedAt === null || Math.abs(startedAt - Date.now() / 1000) < 10);
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await closed;
    assert.equal((await processFact(pid)).kind, 'absent');
  });
});
