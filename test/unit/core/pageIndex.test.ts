import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { indexBytes, PageCutter, pageBytes, pageIndex } from '../../../core/pageIndex';

describe('pages of a long file', () => {
  it('whatever the chunks, the pages together are the lines of the file', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'ä', '\r', '"'), maxLength: 6 });
    const chunks = fc.array(fc.nat(9), { maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(line),
        fc.boolean(),
        chunks,
        fc.integer({ min: 1, max: 4 }),
        (lines, ends, cuts, perPage) => {
          const text = lines.join('\n') + (ends && lines.length > 0 ? '\n' : '');
          const bytes = Buffer.from(text);
          const index = pageIndex(perPage);
          for (const chunk of cutBytes(bytes, cuts)) indexBytes(index, chunk);
          const expected = text === '' ? [] : text.replace(/\n$/, '').split('\n');
          assert.equal(index.lines, expected.length);
          const shown = index.starts.flatMap((_, page) => {
            const { from, to } = pageBytes(index, page);
            const cutter = new PageCutter(100);
            for (const chunk of cutBytes(bytes.subarray(from, to), cuts)) cutter.push(chunk);
            const found = cutter.lines();
            assert.ok(found.length <= perPage);
            return found.map(({ text: shownText }) => shownText);
          });
          assert.deepEqual(
            shown,
            expected.map((one) => one.replace(/\r$/, '')),
          );
        },
      ),
    );
  });

  it('a long line is cut, and says by how much', () => {
    const cutter = new PageCutter(4);
    for (const chunk of ['abc', 'def\nx', 'y\r\n']) cutter.push(Buffer.from(chunk));
    assert.deepEqual(cutter.lines(), [
      { text: 'abcd', cut: 2 },
      { text: 'xy', cut: 0 },
    ]);
  });

  it('bytes that are no text are shown as such', () => {
    const cutter = new PageCutter(10);
    cutter.push(Uint8Array.of(0xff, 0x41));
    assert.deepEqual(cutter.lines(), [{ text: '\uFFFDA', cut: 0 }]);
  });
});

function* cutBytes(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at = Math.min(bytes.length, at + size);
  }
  yield bytes.subarray(at);
}
