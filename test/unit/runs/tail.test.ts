import assert from 'node:assert/strict';
import { appendFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Tail } from '../../../src/runs/tail';
import { inFolder } from '../support/folder';

type Act = (path: string) => Promise<void>;
const append =
  (text: string): Act =>
  (path) =>
    appendFile(path, text);
const rewrite =
  (text: string): Act =>
  (path) =>
    writeFile(path, text);
const replace =
  (text: string): Act =>
  async (path) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
const cut =
  (length: number): Act =>
  (path) =>
    truncate(path, length);
const remove: Act = (path) => rm(path);

describe('a tail over a real file', () => {
  const cases: readonly [string, readonly Act[], readonly string[]][] = [
    ['grows', [append('one\n'), append('two')], ['one\n', 'two']],
    ['torn characters arrive as they are', [append('a'), append('b')], ['a', 'b']],
    ['is not there yet', [append('')], []],
    ['is replaced by another', [append('old\n'), replace('new file\n')], ['old\n', '<replaced>new file\n']],
    ['is replaced by one as long', [append('old\n'), replace('new\n')], ['old\n', '<replaced>new\n']],
    ['is truncated', [append('one\ntorn'), cut(4)], ['one\ntorn', '<truncated>one\n']],
    [
      'is truncated and grows beyond',
      [append('one\ntorn'), rewrite('one\nwhole line\n')],
      ['one\ntorn', '<truncated>one\nwhole line\n'],
    ],
    ['vanishes', [append('one\n'), remove], ['one\n', '<vanished>']],
    ['vanishes and comes back', [append('one\n'), remove, append('two\n')], ['one\n', '<vanished>', 'two\n']],
  ];
  for (const [name, acts, expected] of cases) {
    it(name, () =>
      inFolder(async (folder) => {
        const path = join(folder, 'file');
        const tail = new Tail(path);
        const seen = [await drain(tail)];
        for (const act of acts) {
          await act(path);
          seen.push(await drain(tail));
        }
        await tail.close();
        assert.deepEqual(
          seen.filter((text) => text !== ''),
          expected,
        );
      }),
    );
  }

  it('whatever is appended, in whatever pieces, comes once and in order', () =>
    inFolder(async (folder) => {
      let file = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.string({ maxLength: 50 }), { maxLength: 8 }), async (pieces) => {
          file += 1;
          const path = join(folder, `${file}`);
          const tail = new Tail(path);
          let seen = '';
          for (const piece of pieces) {
            await appendFile(path, piece);
            seen += await drain(tail);
          }
          await tail.close();
          assert.equal(seen, pieces.join(''));
        }),
        { numRuns: 40 },
      );
    }));

  it('a large file comes in bounded chunks, and not beyond a limit', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'large');
      await writeFile(path, Buffer.alloc(9 * 1024 * 1024, 'x'));
      const tail = new Tail(path);
      const sizes: number[] = [];
      for (let step = await tail.next(9_000_000); step.kind === 'bytes'; step = await tail.next(9_000_000)) {
        sizes.push(step.bytes.length);
      }
      await tail.close();
      assert.ok(sizes.length >= 2);
      assert.ok(Math.max(...sizes) <= 4 * 1024 * 1024);
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        9_000_000,
      );
    }));
});

async function drain(tail: Tail): Promise<string> {
  let seen = '';
  for (;;) {
    const step = await tail.next();
    if (step.kind === 'nothing') return seen;
    seen += step.kind === 'restarted' ? `<${step.reason}>` : Buffer.from(step.bytes).toString();
  }
}
