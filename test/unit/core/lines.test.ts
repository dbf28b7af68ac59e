import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readEventLine } from '../../../core/events';
import { lineBuffer, pushBytes } from '../../../core/lines';
import { emptyRun, fold } from '../../../core/runModel';
import { parseIndexLine } from '../../../core/wireText';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('lines', () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    ['a torn last line waits', ['{"seq":0}\n{"se', 'q":1}\n'], ['{"seq":0}', '{"seq":1}']],
    ['an empty line is a line', ['\n\na\n'], ['', '', 'a']],
    ['nothing comes of no newline', ['abc', 'def'], []],
    ['many pieces make one line', ['a', 'b', 'c', '\n'], ['abc']],
  ];
  for (const [name, chunks, expected] of cases) {
    it(name, () => {
      const buffer = lineBuffer();
      assert.deepEqual(
        chunks.flatMap((chunk) => pushBytes(buffer, bytes(chunk))),
        expected,
      );
    });
  }

  it('where the bytes are cut makes no difference, invalid UTF-8 included', () => {
    const byte = fc.oneof(fc.constant(0x0a), fc.nat(255));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(byte, { maxLength: 300 }),
        fc.array(fc.nat(500)),
        (a, b, cuts) => {
          const all = Uint8Array.from([...a, ...b]);
          const whole = pushBytes(lineBuffer(), all);
          const buffer = lineBuffer();
          const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((x, y) => x - y), all.length];
          const pieces = places.slice(1).flatMap((end, piece) => pushBytes(buffer, all.slice(places[piece], end)));
          assert.deepEqual(pieces, whole);
        },
      ),
    );
  });

  it('a reader may use its buffer again', () => {
    const buffer = lineBuffer();
    const chunk = bytes('begin');
    pushBytes(buffer, chunk);
    chunk.fill(0x78);
    assert.deepEqual(pushBytes(buffer, bytes(' end\n')), ['begin end']);
  });

  it('a line over the limit is dropped and counted, and the next one is read', () => {
    const buffer = lineBuffer(10);
    const lines = ['x'.repeat(8), 'x'.repeat(8), 'x\nnext\n', `${'y'.repeat(11)}\nlast\n`].flatMap((chunk) =>
      pushBytes(buffer, bytes(chunk)),
    );
    assert.deepEqual(lines, ['next', 'last']);
    assert.equal(buffer.tooLong, 2);
  });

  it('10,000 broken lines, cut and flipped from good ones, crash nothing and are counted', () => {
    const good = JSON.stringify({
      seq: 0,
      time: 1,
      kind: 'step',
      step: 1,
      phase: 'srft',
      metrics: { 'reward/mean': 0.5 },
      index_bytes: 9,
      tokens: 3,
    });
    const mutation = fc.tuple(
      fc.nat(good.length),
      fc.nat(good.length),
      fc.oneof(fc.string(), fc.constantFrom('null', '{}', '1e999', '"kind"', '[[')),
    );
    const model = emptyRun();
    let folded = 0;
    fc.assert(
      fc.property(mutation, ([a, b, insert]) => {
        const line = good.slice(0, Math.min(a, b)) + insert + good.slice(Math.max(a, b));
        fold(model, readEventLine(line));
        parseIndexLine(line);
        folded += 1;
      }),
      { numRuns: 10_000 },
    );
    assert.equal(folded, 10_000);
    assert.ok(model.oddities.malformedLines > 5_000);
  });
});
