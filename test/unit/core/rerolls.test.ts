import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Continuations, type DrawnToken } from '../../../core/continuations';
import {
  factsOfReroll,
  largestSeed,
  mostContinuations,
  recordOfTokens,
  rerollSource,
  seedIn,
  seedOfRow,
  type RecordToken,
  type Reroll,
} from '../../../core/rerolls';
import { tokenTexts } from '../../../core/rolloutColumns';
import { column, traceOf } from '../../../core/trace';

const seeds = fc.integer({ min: 0, max: largestSeed });
const rows = fc.integer({ min: 1, max: mostContinuations });
const textOf = (id: number): Uint8Array => new TextEncoder().encode(`<${id}é>`);
const spelling = (ids: Int32Array): { ids: Int32Array; bytes: Uint8Array; lengths: Int32Array } => {
  const parts = Array.from(ids, textOf);
  return {
    ids,
    bytes: Uint8Array.from(parts.flatMap((part) => [...part])),
    lengths: Int32Array.from(parts, ({ length }) => length),
  };
};
const beginning: RecordToken[] = [7, 8].map((id) => ({ id, logProb: -0.5, entropy: 1, bytes: textOf(id) }));
const drawn = (row: number, id: number): DrawnToken => ({ row, id, logProb: -0.25, entropy: 0.5 });

describe('seeds of re-rolls', () => {
  it('are seed · 2^16 + row', () => {
    assert.equal(seedOfRow(41, 3), 2_686_979n);
    assert.equal(seedOfRow(0, 1), 1n);
    assert.equal(seedOfRow(largestSeed, 16), 281_474_976_645_136n);
  });

  it('differ for any two rows of any two seeds', () => {
    fc.assert(
      fc.property(seeds, rows, seeds, rows, (seed, row, otherSeed, otherRow) => {
        const isSame = seed === otherSeed && row === otherRow;
        assert.equal(seedOfRow(seed, row) === seedOfRow(otherSeed, otherRow), isSame);
      }),
    );
  });

  it('are typed as whole numbers within their bounds, and what is shown can be typed again', () => {
    fc.assert(fc.property(seeds, (seed) => seedIn(` ${seed} `) === seed));
    for (const text of ['', '-1', '1.5', '1e3', '0x10', `${largestSeed + 1}`, '99999999999', '٣'])
      assert.equal(seedIn(text), undefined, text);
  });
});

describe('continuations that are written side by side', () => {
  it('are the beginning and what was drawn, in whatever pieces it came', () => {
    const ids = fc.array(fc.integer({ min: 10, max: 20 }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 4 }), fc.nat(3), (texts, learnEvery) => {
        const written = new Continuations(beginning, texts.length, { endTokens: [20], maxTokens: 8 });
        for (let place = 0; place < 12; place += 1) {
          written.add(texts.flatMap((text, row) => (place < text.length ? [drawn(row, text[place] ?? 0)] : [])));
          if (place % (learnEvery + 1) === 0) written.learn(spelling(written.unspelled()));
        }
        written.learn(spelling(written.unspelled()));
        written.finish();
        texts.forEach((text, row) => {
          const end = text.indexOf(20);
          const wanted = (end === -1 ? text : text.slice(0, end + 1)).slice(0, 8);
          const record = written.recordOf(row);
          assert.deepEqual(Array.from(record.columns.get('id')?.values ?? []), [7, 8, ...wanted]);
          const texts = tokenTexts(record);
          assert.deepEqual(
            texts.kind === 'read' && texts.value,
            [7, 8, ...wanted].map((id) => `<${id}é>`),
          );
          const state = wanted.at(-1) === 20 ? 'ended' : wanted.length === 8 ? 'limit' : 'cut off';
          assert.equal(written.stateOf(row), state);
        });
      }),
    );
  });

  it('have ended only when their end can be read, and are cut off before what cannot', () => {
    const written = new Continuations(beginning, 1, { endTokens: [20], maxTokens: 8 });
    written.add([drawn(0, 10)]);
    written.learn(spelling(written.unspelled()));
    written.add([drawn(0, 11), drawn(0, 20)]);
    assert.deepEqual([...written.unspelled()], [11, 20]);
    assert.equal(written.stateOf(0), 'writing');
    assert.equal(written.recordOf(0).tokens, 3);
    written.finish();
    assert.equal(written.stateOf(0), 'cut off');
    assert.equal(written.recordOf(0).tokens, 3);
  });

  it('are over where the beginning is', () => {
    const end = { id: 20, logProb: -1, entropy: 1, bytes: textOf(20) };
    const written = new Continuations([...beginning, end], 1, { endTokens: [20], maxTokens: 8 });
    assert.equal(written.stateOf(0), 'ended');
    written.add([drawn(0, 10)]);
    assert.equal(written.recordOf(0).tokens, 3);
  });
});

describe('a re-roll', () => {
  it('is a trace with figures of its checkpoint, characters spread over tokens included', () => {
    const snowman = new TextEncoder().encode('☃');
    const record = recordOfTokens([
      { id: 1, logProb: -1, entropy: 0.5, bytes: snowman.subarray(0, 1) },
      { id: 2, logProb: -2, entropy: 0.25, bytes: snowman.subarray(1) },
    ]);
    const trace = traceOf(record, 'ask: ');
    assert.equal(trace.text, 'ask: ☃');
    assert.equal(trace.trouble, null);
    assert.deepEqual(column(trace, 'logprob'), Float32Array.of(-1, -2));
    assert.deepEqual(column(trace, 'entropy'), Float32Array.of(0.5, 0.25));
  });

  it('says what wrote it and how it was judged', () => {
    const reroll: Reroll = {
      ...{ number: 3, checkpoint: 'step 60', seed: 41, row: 3, origin: 'a1-s1-g0-0', shared: 5 },
      ...{ record: recordOfTokens(beginning), state: 'cut off', verdict: { kind: 'not judged', reason: 'no Python' } },
    };
    assert.equal(rerollSource(reroll), 'step 60 · seed 41:3');
    assert.deepEqual(
      factsOfReroll(reroll).map(({ name, value }) => `${name}: ${value}`),
      ['not from training: step 60 · seed 41:3', 'verdict: not judged: no Python', 'end: cut off', 'tokens: 2'],
    );
  });
});
