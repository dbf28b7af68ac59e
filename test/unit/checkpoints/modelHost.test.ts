import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { Written } from '../../../src/checkpoints/languageModel';
import { inFolder } from '../support/folder';
import {
  endHosts,
  expectedIds,
  hostOf,
  ids,
  isGone,
  makeFake,
  pidIn,
  problemIn,
  rowOf,
  scoreOf,
  until,
  writeOf,
} from './fakeHosts';
import { fakeSource, logProbOf, vocabulary } from './fakeModel';

before(() => makeFake('modelHost'));
afterEach(endHosts);

describe('a checkpoint in a process of its own', () => {
  it('answers what the model says, whatever is asked and in which order', async () => {
    const { host } = hostOf();
    const model = host.open(fakeSource('1'));
    assert.equal(await model.load(), 'fake');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 2, max: 40 }), { minLength: 1, maxLength: 5 }),
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        async (lengths, seed) => {
          const tokens: Written[] = [];
          const written = model.write(writeOf([seed, 5n], 9), { onTokens: (batch) => tokens.push(...batch) });
          const scored = await Promise.all(lengths.map((length) => model.score(scoreOf(length))));
          await written;
          for (const [at, { logProb, topIds }] of scored.entries()) {
            const text = ids(lengths[at] ?? 0);
            const expected = [...text.slice(1)].map((id, place) => logProbOf(text[place] ?? 0, id, vocabulary));
            assert.deepEqual([...logProb], expected);
            assert.equal(topIds.length, expected.length * 2);
          }
          assert.deepEqual(rowOf(tokens, 0), expectedIds(seed, 9));
          assert.deepEqual(rowOf(tokens, 1), expectedIds(5n, 9));
        },
      ),
      { numRuns: 20 },
    );
    assert.equal(host.loaded, 1);
  });

  it('tells how far it came, and ever more', async () => {
    const progress: number[] = [];
    await hostOf()
      .host.open(fakeSource('1'))
      .score(scoreOf(33), { onProgress: (tokens) => progress.push(tokens) });
    assert.deepEqual(progress, [8, 16, 24]);
  });

  it('leaves the processor to others', () =>
    inFolder(async (folder) => {
      await hostOf()
        .host.open(fakeSource('1', { mark: true }, folder))
        .load();
      const { PRIORITY_BELOW_NORMAL: below } = constants.priority;
      assert.equal(getPriority(pidIn(folder)), Math.max(getPriority(), below));
    }));

  it('survives a flood of 100,000 tokens, each of them heard once', async () => {
    const { host } = hostOf();
    const counts: number[] = [];
    const tokens: Written[] = [];
    await host.open(fakeSource('1', { chunk: 1000 })).write(writeOf([1n, 2n, 3n, 4n], 25_000), {
      onTokens: (batch) => {
        counts.push(batch.length);
        for (const token of batch) tokens.push(token);
      },
    });
    assert.equal(tokens.length, 100_000);
    assert.deepEqual(rowOf(tokens, 2), expectedIds(3n, 25_000));
    assert.ok(counts.length <= 100_000 / 4 && Math.max(...counts) <= 1024, `${counts.length} batches`);
  });

  it('serves a person before what runs by itself', async () => {
    const { host } = hostOf();
    const model = host.open(fakeSource('1'));
    const order: string[] = [];
    const asked = (['background', 'background', 'user', 'background', 'user'] as const).map((priority, at) =>
      model.score(scoreOf(2 + at), { priority }).then(() => order.push(`${priority} ${at}`)),
    );
    await Promise.all(asked);
    assert.deepEqual(order, ['user 2', 'user 4', 'background 0', 'background 1', 'background 3']);
  });

  it('puts off what runs by itself when a person asks, and then does it from its beginning, heard once', async () => {
    const { host, notices } = hostOf({ hangMs: 60_000 });
    const model = host.open(fakeSource('1', { slowMs: 2 }));
    const order: string[] = [];
    const tokens: Written[] = [];
    let person: Promise<unknown> | undefined;
    await model.write(writeOf([3n, 4n], 60), {
      priority: 'background',
      onTokens: (batch) => {
        tokens.push(...batch);
        person ??= model.score(scoreOf(9)).then(() => order.push('person'));
      },
    });
    order.push('background');
    await person;
    assert.deepEqual(order, ['person', 'background']);
    assert.deepEqual(rowOf(tokens, 0), expectedIds(3n, 60));
    assert.deepEqual(rowOf(tokens, 1), expectedIds(4n, 60));
    assert.deepEqual(notices, []);
  });

  it('refuses what does not belong to the vocabulary, and goes on', async () => {
    const { host } = hostOf();
    const model = host.open(fakeSource('1'));
    const foreign = { ...scoreOf(4), ids: Int32Array.of(1, vocabulary, 2) };
    assert.match((await problemIn(model.score(foreign))).message, /token 100 is not in the vocabulary of 100/);
    assert.match((await problemIn(model.score({ ...scoreOf(4), from: 0 }))).message, /from is 0, not within 1 … 4/);
    const written = model.write(writeOf([], 4), { onTokens: () => undefined });
    assert.match((await problemIn(written)).message, /0 rows, not within 1 … 256/);
    assert.equal((await model.score(scoreOf(4))).logProb.length, 3);
    assert.equal(host.loaded, 1);
  });

  it('gives the words of a checkpoint that cannot be loaded, and keeps no process for it', async () => {
    const { host, notices } = hostOf();
    const model = host.open(fakeSource('1', { refuse: true }));
    const [first, second] = await Promise.all([problemIn(model.load()), problemIn(model.score(scoreOf(3)))]);
    assert.equal(first.message, 'config.json: it is no model; take another.');
    assert.equal(second.fault, 'it is no model');
    assert.equal(host.loaded, 0);
    assert.deepEqual(notices, []);
  });

  it('keeps the detail of a bug for the log', async () => {
    const { host, logs } = hostOf();
    const problem = await problemIn(host.open(fakeSource('1', { atScore: { kind: 'throw' } })).score(scoreOf(3)));
    assert.match(problem.message, /^step 1: something went wrong that was not foreseen; try again/);
    assert.match(logs.join(), /a bug in the model/);
    assert.match(logs.join(), /fakeModelProcess/);
  });

  it('tells an asker that cannot take its tokens its own error, and nobody else', async () => {
    const { host } = hostOf();
    const model = host.open(fakeSource('1', { slowMs: 1 }));
    const broken = model.write(writeOf([1n], 1000), {
      onTokens: () => {
        throw new Error('a bug in the view');
      },
    });
    await assert.rejects(broken, /a bug in the view/);
    assert.equal((await model.score(scoreOf(3))).logProb.length, 2);
  });
});

describe('a question that is aborted', () => {
  it('is over at once when it was aborted before, and starts nothing', async () => {
    const { host } = hostOf();
    const reason = new Error('changed my mind');
    const asking = { signal: AbortSignal.abort(reason) };
    await assert.rejects(host.open(fakeSource('1')).score(scoreOf(3), asking), reason);
    assert.equal(host.loaded, 0);
  });

  it('rejects while it runs, and the next one is answered by the same process', () =>
    inFolder(async (folder) => {
      const { host, notices } = hostOf({ hangMs: 60_000 });
      const model = host.open(fakeSource('1', { slowMs: 5, mark: true }, folder));
      const stop = new AbortController();
      const tokens: Written[] = [];
      const written = model.write(writeOf([1n], 1_000_000), {
        signal: stop.signal,
        onTokens: (batch) => {
          tokens.push(...batch);
          if (tokens.length > 5) stop.abort();
        },
      });
      await assert.rejects(written, { name: 'AbortError' });
      const pid = pidIn(folder);
      const heard = tokens.length;
      assert.equal((await model.score(scoreOf(4))).logProb.length, 3);
      assert.equal(tokens.length, heard);
      assert.equal(pidIn(folder), pid);
      assert.deepEqual(notices, []);
    }));

  it('rejects before the process has heard of it', async () => {
    const { host } = hostOf({ hangMs: 60_000 });
    const model = host.open(fakeSource('1', { atScore: { kind: 'hang' } }));
    await model.load();
    const stop = new AbortController();
    const scored = model.score(scoreOf(9), { signal: stop.signal });
    const outcome = scored.catch((reason: unknown) => reason);
    await sleep(50);
    stop.abort('enough');
    // A turn is all it takes: the process hangs, and is not waited for.
    const winner = await Promise.race([outcome, new Promise((settle) => setImmediate(settle, 'late'))]);
    assert.equal(winner, 'enough');
  });

  it('leaves the queue, and the others are answered', async () => {
    const { host } = hostOf();
    const model = host.open(fakeSource('1', { slowMs: 2 }));
    const stop = new AbortController();
    const first = model.score(scoreOf(200));
    const second = model.score(scoreOf(3), { signal: stop.signal });
    const third = model.score(scoreOf(4));
    stop.abort();
    await assert.rejects(second, { name: 'AbortError' });
    assert.equal((await first).logProb.length, 199);
    assert.equal((await third).logProb.length, 3);
  });

  it('ends a load that nobody waits for', () =>
    inFolder(async (folder) => {
      const { host } = hostOf();
      const stop = new AbortController();
      const loaded = host.open(fakeSource('1', { mark: true, atLoad: { kind: 'hang' } }, folder)).load(stop);
      const outcome = assert.rejects(loaded, { name: 'AbortError' });
      await until(() => existsSync(join(folder, 'began')) && pidIn(folder) > 0);
      stop.abort();
      await outcome;
      assert.equal(host.loaded, 0);
      assert.ok(await isGone(pidIn(folder)));
    }));

  it('costs a process that hangs its life, and the next question starts another', () =>
    inFolder(async (folder) => {
      const { host, logs, notices } = hostOf();
      const hang = { kind: 'hang', onlyFirst: true } as const;
      const model = host.open(fakeSource('1', { mark: true, atScore: hang, after: 8 }, folder));
      const stop = new AbortController();
      await model.load();
      const pid = pidIn(folder);
      const asking = {
        signal: stop.signal,
        onProgress: () => {
          stop.abort();
        },
      };
      const hanging = assert.rejects(model.score(scoreOf(40), asking), { name: 'AbortError' });
      const next = model.score(scoreOf(5));
      await hanging;
      assert.equal((await next).logProb.length, 4);
      assert.ok(await isGone(pid));
      assert.notEqual(pidIn(folder), pid);
      assert.match(logs.join(), /did not stop in 300 ms/);
      assert.deepEqual(notices, []);
    }));
});

describe('a process that crashes', () => {
  it('is started again once, saying so, and nothing is heard twice', () =>
    inFolder(async (folder) => {
      const { host, notices, logs } = hostOf();
      const exit = { kind: 'exit', code: 3, onlyFirst: true } as const;
      const model = host.open(fakeSource('1', { mark: true, atWrite: exit, after: 20 }, folder));
      const tokens: Written[] = [];
      await model.write(writeOf([7n, 8n], 50), { onTokens: (batch) => tokens.push(...batch) });
      assert.deepEqual(rowOf(tokens, 0), expectedIds(7n, 50));
      assert.deepEqual(rowOf(tokens, 1), expectedIds(8n, 50));
      assert.equal(notices.length, 1);
      assert.match(
        notices[0] ?? '',
        /^step 1: its process ended unexpectedly \(exit code 3\); .* started again now\.$/,
      );
      assert.match(logs.join(), /last words/);
    }));

  it('is given up after the second crash in a row, saying how it ended and what may help', async () => {
    const { host, notices } = hostOf();
    const model = host.open(fakeSource('1', { atScore: { kind: 'kill', signal: 'SIGKILL' } }));
    const [running, waiting] = await Promise.all(
      [problemIn(model.score(scoreOf(9))), problemIn(model.load())].reverse(),
    );
    for (const problem of [running, waiting]) {
      assert.match(problem?.message ?? '', /signal SIGKILL\), as happens when memory runs out; close other programs/);
    }
    assert.equal(notices.length, 1);
    assert.equal(host.loaded, 0);
  });

  it('may crash while it loads', async () => {
    const { host, notices } = hostOf();
    const model = host.open(fakeSource('1', { atLoad: { kind: 'exit', code: 137 } }));
    assert.match((await problemIn(model.load())).message, /exit code 137\), as happens when memory runs out/);
    // Asked again, it is tried again.
    assert.match((await problemIn(model.load())).message, /exit code 137/);
    assert.equal(notices.length, 2);
  });

  it('may be killed from outside in the middle of its work, or at rest', () =>
    inFolder(async (folder) => {
      const { host, notices } = hostOf();
      const model = host.open(fakeSource('1', { mark: true, slowMs: 1 }, folder));
      const tokens: Written[] = [];
      const pids: number[] = [];
      await model.write(writeOf([7n], 300), {
        onTokens: (batch) => {
          if (tokens.length < 100 && tokens.length + batch.length >= 100) {
            pids.push(pidIn(folder));
            process.kill(pidIn(folder), 'SIGKILL');
          }
          tokens.push(...batch);
        },
      });
      assert.deepEqual(rowOf(tokens, 0), expectedIds(7n, 300));
      assert.equal(pids.length, 1);
      process.kill(pidIn(folder), 'SIGTERM');
      await until(() => notices.length === 2);
      assert.match(notices[1] ?? '', /SIGTERM.* when it is next asked\.$/);
      assert.equal((await model.score(scoreOf(3))).logProb.length, 2);
    }));

  it('tells that its script is missing', async () => {
    const { host, logs } = hostOf({ entry: join(process.cwd(), 'nothing.mjs') });
    assert.match((await problemIn(host.open(fakeSource('1')).load())).message, /exit code 1/);
    assert.match(logs.join(), /Cannot find module/);
  });
});
