import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Scores, ScoreRequest } from '../../../src/checkpoints/languageModel';
import { decodeScores, encodeScores } from '../../../src/checkpoints/scoreBytes';
import { ScoreCache } from '../../../src/checkpoints/scoreCache';
import { inFolder } from '../support/folder';

const float = fc.float({ noDefaultInfinity: false });
const whole = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const anyScores: fc.Arbitrary<Scores> = fc
  .record({ count: fc.integer({ min: 1, max: 12 }), top: fc.integer({ min: 0, max: 4 }) })
  .chain(({ count, top }) => {
    const floats = (length: number): fc.Arbitrary<Float32Array> =>
      fc.array(float, { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));
    const wholes = (length: number): fc.Arbitrary<Int32Array> =>
      fc.array(whole, { minLength: length, maxLength: length }).map((values) => Int32Array.from(values));
    const scores = {
      logProb: floats(count),
      entropy: floats(count),
      rank: wholes(count),
      topIds: wholes(count * top),
      topLogProbs: floats(count * top),
    };
    return fc.record(scores, { noNullPrototype: true });
  });

const anyRequest: fc.Arbitrary<ScoreRequest> = fc.record({
  ids: fc.array(fc.nat(200_000), { maxLength: 30 }).map((ids) => Int32Array.from(ids)),
  from: fc.integer({ min: 1, max: 5 }),
  temperature: fc.double({ min: 0.1, max: 2, noNaN: true }),
  top: fc.nat(5),
});

const digest = Uint8Array.from({ length: 32 }, (_, at) => at * 7);

function scoresOf(count: number, value = 1): Scores {
  return {
    logProb: new Float32Array(count).fill(value),
    entropy: new Float32Array(count),
    rank: new Int32Array(count),
    topIds: new Int32Array(0),
    topLogProbs: new Float32Array(0),
  };
}

const requestOf = (id: number): ScoreRequest => ({ ids: Int32Array.of(id, 2), from: 1, temperature: 1, top: 0 });
const scoreFiles = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.scores'));

describe('scores as bytes', () => {
  it('come back as they were, NaN and infinities too', () => {
    fc.assert(
      fc.property(anyScores, (scores) => {
        assert.deepEqual(decodeScores(encodeScores(scores, digest), digest), scores);
      }),
    );
  });

  it('are read from bytes that begin at any place', () => {
    const bytes = encodeScores(scoresOf(3), digest);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    assert.deepEqual(decodeScores(shifted.subarray(1), digest), scoresOf(3));
  });

  it('are nothing when one bit is wrong, when they are cut short or too long, or answer another question', () => {
    fc.assert(
      fc.property(anyScores, fc.nat(), fc.nat(), (scores, bit, length) => {
        const bytes = encodeScores(scores, digest);
        const flipped = Uint8Array.from(bytes);
        const at = bit % (bytes.length * 8);
        flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
        assert.equal(decodeScores(flipped, digest), undefined);
        assert.equal(decodeScores(bytes.subarray(0, length % bytes.length), digest), undefined);
        assert.equal(decodeScores(Uint8Array.of(...bytes, 0), digest), undefined);
        assert.equal(
          decodeScores(
            bytes,
            digest.map((byte) => byte + 1),
          ),
          undefined,
        );
      }),
    );
  });

  it('are nothing in bytes of any kind', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeScores(bytes, digest) === undefined));
  });
});

describe('the cache of scores', () => {
  it('gives what was put under the same question, and nothing under another', () =>
    inFolder(async (folder) => {
      const cache = new ScoreCache(join(folder, 'made', 'when needed'), () => 1e9);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.string(), anyRequest, anyScores), { minLength: 1, maxLength: 4 }),
          fc.tuple(fc.string(), anyRequest),
          async (entries, [other, otherRequest]) => {
            // A question that was asked twice has its later answer.
            const last = new Map<string, Scores>();
            const nameOf = (checkpoint: string, { ids, from, temperature, top }: ScoreRequest): string =>
              JSON.stringify([checkpoint, [...ids], from, temperature, top]);
            for (const [checkpoint, request, scores] of entries) {
              assert.deepEqual(await cache.put(checkpoint, request, scores), { kind: 'kept' });
              last.set(nameOf(checkpoint, request), scores);
            }
            for (const [checkpoint, request] of entries) {
              assert.deepEqual(await cache.get(checkpoint, request), last.get(nameOf(checkpoint, request)));
            }
            if (last.has(nameOf(other, otherRequest))) return;
            await rm(join(folder, 'made'), { recursive: true });
            for (const [checkpoint, request, scores] of entries) await cache.put(checkpoint, request, scores);
            assert.equal(await cache.get(other, otherRequest), undefined);
          },
        ),
        { numRuns: 40 },
      );
    }));

  it('takes every part of a question seriously', () =>
    inFolder(async (folder) => {
      const cache = new ScoreCache(folder, () => 1e9);
      const request: ScoreRequest = { ids: Int32Array.of(1, 2, 3), from: 1, temperature: 1, top: 2 };
      await cache.put('a', request, scoresOf(2));
      const others: [string, ScoreRequest][] = [
        ['b', request],
        ['a', { ...request, ids: Int32Array.of(1, 2, 4) }],
        ['a', { ...request, ids: Int32Array.of(1, 2) }],
        ['a', { ...request, from: 2 }],
        ['a', { ...request, temperature: 1.0000000000000002 }],
        ['a', { ...request, top: 3 }],
      ];
      for (const [checkpoint, other] of others) assert.equal(await cache.get(checkpoint, other), undefined);
      assert.deepEqual(await cache.get('a', request), scoresOf(2));
    }));

  it('takes a damaged file for none, removes it, and writes it anew', () =>
    inFolder(async (folder) => {
      const cache = new ScoreCache(folder, () => 1e9);
      await cache.put('a', requestOf(1), scoresOf(5));
      const [name = ''] = await scoreFiles(folder);
      for (const damage of [
        Buffer.alloc(0),
        Buffer.from('not scores'),
        (await readFile(join(folder, name))).subarray(3),
      ]) {
        await writeFile(join(folder, name), damage);
        assert.equal(await cache.get('a', requestOf(1)), undefined);
        assert.deepEqual(await scoreFiles(folder), []);
        await cache.put('a', requestOf(1), scoresOf(5));
        assert.deepEqual(await cache.get('a', requestOf(1)), scoresOf(5));
      }
      // A file of another question under this one's name is not believed.
      await cache.put('a', requestOf(2), scoresOf(6));
      const [other = ''] = (await scoreFiles(folder)).filter((file) => file !== name);
      await writeFile(join(folder, name), await readFile(join(folder, other)));
      assert.equal(await cache.get('a', requestOf(1)), undefined);
    }));

  it('stays below its size, and forgets what was not read for longest', () =>
    inFolder(async (folder) => {
      const size = encodeScores(scoresOf(100), digest).length;
      let most = 1e9;
      const cache = new ScoreCache(folder, () => most);
      for (let id = 0; id < 6; id += 1) {
        await cache.put('a', requestOf(id), scoresOf(100, id));
        await age(folder, 1000);
      }
      assert.deepEqual(await cache.get('a', requestOf(0)), scoresOf(100, 0));
      most = 3 * size;
      await cache.put('a', requestOf(6), scoresOf(100, 6));
      const left: number[] = [];
      for (let id = 0; id < 7; id += 1) if ((await cache.get('a', requestOf(id))) !== undefined) left.push(id);
      assert.deepEqual(left, [0, 5, 6]);
      most = size - 1;
      assert.equal((await cache.put('a', requestOf(7), scoresOf(100))).kind, 'refused');
    }));

  it('leaves foreign files alone, and takes away what a window left behind', () =>
    inFolder(async (folder) => {
      const old = new Date(Date.now() - 2 * 3_600_000);
      for (const name of ['notes.txt', 'old.aside', 'new.aside']) await writeFile(join(folder, name), 'x');
      await mkdir(join(folder, 'folder.scores'));
      for (const name of ['notes.txt', 'old.aside']) await utimes(join(folder, name), old, old);
      const cache = new ScoreCache(folder, () => 1000);
      for (let id = 0; id < 9; id += 1) await cache.put('a', requestOf(id), scoresOf(50));
      const names = (await readdir(folder)).filter((name) => !/^[0-9a-f]{64}\.scores$/.test(name));
      assert.deepEqual(names.sort(), ['folder.scores', 'new.aside', 'notes.txt']);
    }));

  it('is shared by windows that read, write and tidy at once, and never gives a torn answer', () =>
    inFolder(async (folder) => {
      const windows = [0, 1, 2].map(() => new ScoreCache(folder, () => 4000));
      const misses: unknown[] = [];
      await Promise.all(
        windows.flatMap((cache, window) =>
          Array.from({ length: 60 }, async (_, turn) => {
            const id = (turn * 7 + window) % 10;
            assert.equal((await cache.put('a', requestOf(id), scoresOf(100, id))).kind, 'kept');
            const found = await cache.get('a', requestOf((id + 3) % 10));
            if (found === undefined) misses.push(id);
            else assert.deepEqual(found, scoresOf(100, (id + 3) % 10));
          }),
        ),
      );
      assert.ok(misses.length < 180, 'nothing was ever found');
      const sizes = await Promise.all(
        (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
      );
      assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= 4000);
    }));

  it('says why it cannot keep a result', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'file'), 'x');
      const kept = await new ScoreCache(join(folder, 'file'), () => 1e9).put('a', requestOf(1), scoresOf(2));
      assert.ok(kept.kind === 'refused' && /EEXIST|ENOTDIR/.test(kept.reason), JSON.stringify(kept));
      assert.equal(await new ScoreCache(join(folder, 'file'), () => 1e9).get('a', requestOf(1)), undefined);
    }));
});

/** Let all files look older, as if time had gone by. */
async function age(folder: string, ms: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name));
    const before = new Date(mtimeMs - ms);
    await utimes(join(folder, name), before, before);
  }
}
