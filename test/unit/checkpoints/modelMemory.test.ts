import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { bundle } from '../../../scripts/lib/bundle.mjs';
import { inFolder } from '../support/folder';
import { endHosts, hostOf, isGone, makeFake, pidIn, scoreOf, until, writeOf } from './fakeHosts';
import { fakeSource } from './fakeModel';

let entry = '';

before(async () => {
  entry = await makeFake('modelMemory');
});
afterEach(endHosts);

describe('the memory of checkpoints', () => {
  it('is freed when nobody asks for a while, and the next question loads again', () =>
    inFolder(async (folder) => {
      const { host, notices } = hostOf({ idleMs: () => 50 });
      const model = host.open(fakeSource('1', { mark: true }, folder));
      await model.load();
      const pid = pidIn(folder);
      assert.ok(await isGone(pid));
      assert.equal(host.loaded, 0);
      assert.equal((await model.score(scoreOf(3))).logProb.length, 2);
      assert.notEqual(pidIn(folder), pid);
      assert.deepEqual(notices, []);
    }));

  it('holds so many, and the one that was not asked for longest makes room', () =>
    inFolder(async (folder) => {
      const { host } = hostOf({ most: 2 });
      const pids = new Map<string, number>();
      const use = async (key: string): Promise<void> => {
        const place = join(folder, key);
        await host.open(fakeSource(key, { mark: true }, place)).score(scoreOf(3));
        pids.set(key, pidIn(place));
      };
      for (const key of ['a', 'b', 'a', 'c']) await use(key);
      assert.equal(host.loaded, 2);
      assert.ok(await isGone(pids.get('b') ?? 0));
      const [a, c] = [pids.get('a'), pids.get('c')];
      await Promise.all([use('a'), use('c')]);
      assert.deepEqual([pids.get('a'), pids.get('c')], [a, c]);
    }));

  it('is taken from what runs by itself when a person waits, and given back', async () => {
    const { host, notices } = hostOf({ most: 1 });
    const order: string[] = [];
    const [probed, asked] = [host.open(fakeSource('a', { slowMs: 2 })), host.open(fakeSource('b'))];
    await probed.load({ priority: 'background' });
    const probes = Array.from({ length: 4 }, () =>
      probed.score(scoreOf(90), { priority: 'background' }).then(() => order.push('probe')),
    );
    const person = asked.score(scoreOf(5)).then(() => order.push('person'));
    const later = asked.score(scoreOf(5), { priority: 'background' }).then(() => order.push('later'));
    await Promise.all([...probes, person, later]);
    assert.deepEqual(order, ['person', 'later', 'probe', 'probe', 'probe', 'probe']);
    assert.equal(host.loaded, 1);
    assert.deepEqual(notices, []);
  });

  it('is never held by more than that, whoever asks at once; all are answered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(7), { maxLength: 3 }),
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        async (keys, aborted, byThemselves) => {
          const { host } = hostOf({ most: 2 });
          let mostSeen = 0;
          const stops = keys.map(() => new AbortController());
          const asked = keys.map(async (key, at) => {
            const length = 3 + at;
            const priority = byThemselves[at] === true ? 'background' : 'user';
            const signal = stops[at]?.signal ?? AbortSignal.abort();
            const scores = await host.open(fakeSource(`${key}`)).score(scoreOf(length), { signal, priority });
            mostSeen = Math.max(mostSeen, host.loaded);
            assert.equal(scores.logProb.length, length - 1);
          });
          for (const at of aborted) stops[at]?.abort();
          const outcomes = await Promise.allSettled(asked);
          const failed = outcomes.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []));
          assert.deepEqual(failed, [...new Set(aborted)].filter((at) => at < keys.length).sort());
          assert.ok(mostSeen <= 2, `${mostSeen} were loaded`);
          host.dispose();
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('the end', () => {
  it('comes to all at once, while they load, run and wait', () =>
    inFolder(async (folder) => {
      const { host } = hostOf({ most: 2 });
      const hanging = { mark: true, atLoad: { kind: 'hang' } } as const;
      const places = [join(folder, 'a'), join(folder, 'b')];
      const busy = host.open(fakeSource('b', { mark: true, slowMs: 5 }, places[1]));
      await busy.load();
      const asked = [
        host.open(fakeSource('a', hanging, places[0])).load(),
        busy.write(writeOf([1n], 1_000_000), { onTokens: () => undefined }),
        busy.score(scoreOf(3)),
        host.open(fakeSource('c')).load(),
      ].map((promise) => assert.rejects(promise, { name: 'AbortError' }));
      await until(() => places.every((place) => existsSync(join(place, 'began')) && pidIn(place) > 0));
      host.dispose();
      await Promise.all(asked);
      for (const place of places) assert.ok(await isGone(pidIn(place)));
      assert.equal(host.loaded, 0);
      await assert.rejects(busy.load(), { name: 'AbortError' });
    }));

  const orphans = {
    'at rest': {},
    'at work': { slowMs: 600 },
    'in an endless loop, which hears of no closed channel': { atScore: { kind: 'hang' }, after: 8 },
    'while it loads for ever': { atLoad: { kind: 'hang' } },
  } as const;
  for (const [title, behaviour] of Object.entries(orphans)) {
    it(`of a killed parent ends its process ${title}`, () =>
      inFolder(async (folder) => {
        const [script = ''] = await bundle('modelMemory', ['test/unit/checkpoints/orphan.ts'], process.cwd());
        const parent = spawn(process.execPath, [script, entry, folder, JSON.stringify({ ...behaviour, mark: true })], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await until(() => existsSync(join(folder, 'began')) && pidIn(folder) > 0);
        if (!('atLoad' in behaviour)) await once(parent.stdout, 'data');
        const ended = once(parent, 'close');
        parent.kill('SIGKILL');
        await ended;
        assert.ok(await isGone(pidIn(folder)));
      }));
  }
});
