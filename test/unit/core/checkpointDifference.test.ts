import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  binEdges,
  binOf,
  counted,
  differenceBins,
  differenceLevel,
  differencesOf,
  meanSurprise,
  mostMoved,
  muchAbove,
  nothing,
  probabilityLevel,
  similarBelow,
  surprised,
  thinned,
} from '../../../core/checkpointDifference';

const difference = fc.double({ min: -1, max: 1, noNaN: true });
const differences = fc
  .array(fc.oneof({ weight: 9, arbitrary: difference }, fc.constant(NaN)), { maxLength: 60 })
  .map((values) => Float32Array.from(values));
const logProbs = fc
  .array(fc.oneof({ weight: 9, arbitrary: fc.double({ min: -30, max: 0, noNaN: true }) }, fc.constant(NaN)), {
    maxLength: 40,
  })
  .map((values) => Float32Array.from(values));
const isNear = (one: number, other: number): void => {
  assert.ok(Math.abs(one - other) < 1e-5, `${one} is not ${other}`);
};

describe('differences of two checkpoints', () => {
  it('are probabilities after less those before', () => {
    const found = differencesOf(Float32Array.of(Math.log(0.25), 0, NaN), Float32Array.of(Math.log(0.75), -Infinity, 0));
    isNear(found[0] ?? NaN, 0.5);
    assert.equal(found[1], -1);
    assert.ok(Number.isNaN(found[2]));
  });

  it('fall into the bin whose edges hold them', () => {
    fc.assert(
      fc.property(difference, (value) => {
        const [from, to] = binEdges(binOf(value));
        assert.ok(from <= value + 1e-12 && value <= to + 1e-12, `${value} in ${from}…${to}`);
      }),
    );
    assert.deepEqual(binEdges(0)[0], -1);
    assert.equal(binOf(1), differenceBins - 1);
    assert.equal(binOf(0), (differenceBins - 1) / 2);
    const middle = binEdges(binOf(0));
    isNear(middle[0], -middle[1]);
  });

  it('are counted each once, and parts put together say what the whole says', () => {
    fc.assert(
      fc.property(differences, differences, (one, other) => {
        const whole = counted(Float32Array.from([...one, ...other]));
        const parts = counted(other, counted(one));
        const known = [...one, ...other].filter((value) => Number.isFinite(value));
        assert.deepEqual(parts.bins, whole.bins);
        assert.deepEqual([parts.tokens, parts.much], [whole.tokens, whole.much]);
        isNear(parts.size, whole.size);
        assert.equal(
          whole.bins.reduce((sum, count) => sum + count, 0),
          known.length,
        );
        assert.equal(whole.tokens, known.length);
        assert.equal(whole.much, known.filter((value) => Math.abs(value) > muchAbove).length);
        assert.ok(Math.abs(whole.sum) <= whole.size + 1e-9);
      }),
    );
    assert.equal(nothing.tokens, 0);
  });

  it('have levels that grow with their size, with their sign', () => {
    fc.assert(
      fc.property(difference, difference, (one, other) => {
        if (Math.abs(one) <= Math.abs(other))
          assert.ok(Math.abs(differenceLevel(one)) <= Math.abs(differenceLevel(other)));
        assert.equal(differenceLevel(-one), -differenceLevel(one) || 0);
        assert.equal(differenceLevel(one) === 0, Math.abs(one) < similarBelow);
      }),
    );
    assert.deepEqual([0.049, 0.05, 0.25, 0.5, 0.75, -0.75, NaN].map(differenceLevel), [0, 1, 2, 3, 4, -4, 0]);
    assert.deepEqual([0, 0.09, 0.1, 0.5, 0.95, NaN].map(probabilityLevel), [0, 0, 1, 3, 5, 0]);
  });
});

describe('tokens that moved most', () => {
  it('are the farthest of one side, and none that is similar', () => {
    fc.assert(
      fc.property(fc.array(differences, { maxLength: 5 }), fc.nat(20), (sequences, most) => {
        for (const side of ['up', 'down'] as const) {
          const sign = side === 'up' ? 1 : -1;
          const list = mostMoved(sequences, side, most);
          const all = sequences.flatMap((values) => [...values]).filter((value) => value * sign >= similarBelow);
          assert.equal(list.length, Math.min(most, all.length));
          assert.deepEqual(
            list.map(({ difference: value }) => value * sign),
            all
              .map((value) => value * sign)
              .sort((a, b) => b - a)
              .slice(0, most),
          );
          for (const { sequence, token, difference: value } of list) assert.equal(sequences[sequence]?.[token], value);
        }
      }),
    );
  });
});

describe('mean −log p', () => {
  it('is over all tokens that are known, however they are put together', () => {
    fc.assert(
      fc.property(logProbs, logProbs, (one, other) => {
        const known = [...one, ...other].filter((value) => Number.isFinite(value));
        const mean = meanSurprise(surprised(other, surprised(one)));
        if (known.length === 0) assert.equal(mean, null);
        else isNear(mean ?? NaN, -known.reduce((sum, value) => sum + value, 0) / known.length);
      }),
    );
    isNear(meanSurprise(surprised(Float32Array.of(Math.log(0.5), Math.log(0.125)))) ?? NaN, Math.log(4));
  });
});

describe('a sample that is thinned', () => {
  it('keeps the order, the ends and no item twice', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(50), (count, most) => {
        const items = Array.from({ length: count }, (_, place) => place);
        const kept = thinned(items, most);
        assert.equal(kept.length, Math.min(count, most));
        assert.deepEqual(
          kept,
          [...new Set(kept)].sort((a, b) => a - b),
        );
        if (most >= 2 && count > 0) assert.deepEqual([kept[0], kept.at(-1)], [0, count - 1]);
      }),
    );
  });
});
