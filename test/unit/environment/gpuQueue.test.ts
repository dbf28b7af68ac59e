import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { queueForGpu, type QueueWanted } from '../../../src/environment/gpuQueue';
import { busyGpus, type Gpu, type Gpus } from '../../../src/environment/gpus';
import { inFolder } from '../support/folder';

const holder = { pid: 31245, name: '/usr/bin/python3', usedMiB: 70000 };
const gpu = (usedMiB: number): Gpu => ({
  ...{ index: 0, uuid: 'GPU-aa', name: 'H100', totalMiB: 80000, usedMiB },
  processes: usedMiB === 0 ? [] : [holder],
});
const listed = (...gpus: Gpu[]): Gpus => ({ kind: 'gpus', driver: '570', gpus });
const broken: Gpus = { kind: 'broken', reason: 'nvidia-smi gave no answer' };

/** Waiting over answers of the driver, of which the last stays. */
async function waiting(
  answers: readonly Gpus[],
  body: (wanted: QueueWanted, told: string[]) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const [told, left]: [string[], Gpus[]] = [[], [...answers]];
    const last = answers.at(-1) ?? broken;
    await body(
      {
        uuid: 'GPU-aa',
        isFree: (one) => busyGpus([one], 0.8).length === 0,
        look: () => Promise.resolve(left.shift() ?? last),
        lock: join(folder, 'gpus', 'GPU-aa.lock'),
        lookEveryMs: 5,
        settleMs: 200,
        signal: AbortSignal.timeout(10_000),
        onWaiting: (words) => told.push(words),
      },
      told,
    );
  });
}

describe('waiting for a GPU', () => {
  it('until it is free, with who holds it', () =>
    waiting([listed(gpu(70000)), listed(gpu(70000)), listed(gpu(0))], async (wanted, told) => {
      assert.equal(await queueForGpu(wanted), 'free');
      const words = '70000 of 80000 MiB are in use by python3 (process 31245, 70000 MiB); waiting for 0 min';
      assert.deepEqual(told, [words, words]);
    }));

  it('a driver that gives no answer for once does not start it', () =>
    waiting([listed(gpu(70000)), broken, { kind: 'none' }, listed(gpu(0))], async (wanted, told) => {
      assert.equal(await queueForGpu(wanted), 'free');
      assert.deepEqual(told.slice(1), Array(2).fill('the driver gives no answer; waiting for 0 min'));
    }));

  it('one that is no longer there is told', () =>
    waiting([listed(gpu(70000)), listed()], async (wanted) => {
      assert.equal(await queueForGpu(wanted), 'gone');
    }));

  it('until a person has enough of it, and then nobody waits behind', () =>
    waiting([listed(gpu(70000))], async (wanted) => {
      const stop = new AbortController();
      const first = queueForGpu({ ...wanted, signal: stop.signal });
      const second = queueForGpu({ ...wanted, signal: stop.signal });
      setTimeout(() => {
        stop.abort();
      }, 50);
      assert.deepEqual(await Promise.all([first, second]), ['cancelled', 'cancelled']);
      assert.equal(await queueForGpu({ ...wanted, look: () => Promise.resolve(listed(gpu(0))) }), 'free');
    }));

  it('of two one is let go, and the other when the first has taken and left it', () =>
    waiting([listed(gpu(0))], async (wanted, told) => {
      let used = 0;
      const look = (): Promise<Gpus> => Promise.resolve(listed(gpu(used)));
      const long = { ...wanted, look, settleMs: 60_000 };
      assert.equal(await queueForGpu(long), 'free');
      let second: string | undefined;
      const waits = queueForGpu(long).then((end) => (second = end));
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(second, undefined);
      assert.match(told[0] ?? '', /another run that waits for it is first/);
      used = 70000;
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(second, undefined);
      used = 0;
      assert.equal(await waits, 'free');
    }));

  it('the next does not wait for ever for a run that takes little', () =>
    waiting([listed(gpu(0))], async (wanted) => {
      assert.equal(await queueForGpu(wanted), 'free');
      assert.equal(await queueForGpu(wanted), 'free');
    }));
});
