import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AnswerNews } from '../../../core/generated/playground';
import {
  blockSize,
  countOf,
  levelsOf,
  placeOfKey,
  sumsOf,
  tokenAt,
  withNews,
  type AnswerBlocks,
} from '../../../webview/answerTokens';

/** Tokens of which each has its number everywhere. */
function newsOf(from: number, ids: readonly number[]): AnswerNews {
  return {
    ...{ kind: 'answer', column: 0, answer: 1, state: 'writing', seconds: 0, provider: '', problem: '', speed: null },
    from,
    ids: Int32Array.from(ids),
    texts: ids.map((id) => `t${id}`),
    special: Uint8Array.from(ids, (id) => id % 2),
    logProb: Float32Array.from(ids, (id) => -id / 4),
    entropy: Float32Array.from(ids, (id) => id / 2),
  };
}

const ids = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 150 });

describe('tokens of an answer', () => {
  it('are those of all messages, each in the place of what was there from its first on', () => {
    const messages = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), ids), { maxLength: 12 });
    fc.assert(
      fc.property(messages, (parts) => {
        let blocks: AnswerBlocks = [];
        let all: number[] = [];
        for (const [share, more] of parts) {
          const from = Math.round(share * all.length);
          const before = blocks;
          blocks = withNews(blocks, newsOf(from, more));
          all = [...all.slice(0, from), ...more];
          // What is whole and before the message is not drawn again.
          for (let block = 0; block < Math.floor(from / blockSize); block += 1)
            assert.equal(blocks[block], before[block]);
        }
        assert.deepEqual(
          blocks.flat().map(({ id }) => id),
          all,
        );
        assert.equal(countOf(blocks), all.length);
        assert.ok(blocks.slice(0, -1).every(({ length }) => length === blockSize));
        all.forEach((id, place) => {
          assert.deepEqual(tokenAt(blocks, place), {
            ...{ id, text: `t${id}`, isSpecial: id % 2 === 1, logProb: -id / 4, entropy: id / 2 },
          });
        });
        assert.equal(tokenAt(blocks, all.length), undefined);
        const sum = all.reduce((total, id) => total + id, 0);
        assert.equal(sumsOf(blocks).logProb, 0 - sum / 4);
        if (all.length > 0) assert.ok(Math.abs(sumsOf(blocks).meanEntropy - sum / 2 / all.length) < 1e-9);
      }),
    );
  });

  it('are tinted by the limits that traces have', () => {
    const [block = []] = withNews([], newsOf(0, [0, 1, 2, 3, 4, 6]));
    assert.deepEqual(levelsOf(block, 'none'), [0, 0, 0, 0, 0, 0]);
    // −log p: 0, 0.25, 0.5, 0.75, 1, 1.5
    assert.deepEqual(levelsOf(block, 'surprise'), [0, 1, 2, 3, 4, 5]);
    // Entropy: 0, 0.5, 1, 1.5, 2, 3
    assert.deepEqual(levelsOf(block, 'entropy'), [0, 2, 4, 5, 5, 5]);
  });

  it('are read by keys, which lead nowhere else', () => {
    assert.equal(placeOfKey('ArrowRight', -1, 3), 0);
    assert.equal(placeOfKey('ArrowLeft', 0, 3), 0);
    assert.equal(placeOfKey('End', 0, 3), 2);
    assert.equal(placeOfKey('Tab', 0, 3), undefined);
    assert.equal(placeOfKey('Home', 0, 0), undefined);
    const keys = fc.constantFrom('ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown', 'Home', 'End');
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 200 }), fc.nat(200), (key, count, from) => {
        const place = placeOfKey(key, Math.min(from, count - 1), count);
        assert.ok(place !== undefined && place >= 0 && place < count);
      }),
    );
  });
});
