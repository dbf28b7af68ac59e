import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ratioAt, ratioOfRecipe } from '../../../core/demonstrationRatio';
import {
  massesOf,
  pullStreams,
  sequenceSources,
  sharesOf,
  sourceOf,
  stepPull,
  streamOf,
} from '../../../core/pullStreams';
import {
  addSequence,
  addTokensThere,
  entropyBins,
  entropyEdges,
  massesByStep,
  merged,
  positionBins,
  profileAt,
  ratioBins,
  tokenAnalysis,
  type AnalysedSequence,
  type TokenAnalysis,
} from '../../../core/tokenAnalysis';
import { tokensOf } from '../../../core/tokenSample';
import { arbitrarySequences, recordOf } from './arbitrarySequences';

const shaped = { kind: 'shaped', gamma: 0.1 } as const;

function analysed(sequences: readonly AnalysedSequence[], mostPoints = 30): TokenAnalysis {
  const analysis = tokenAnalysis(shaped, mostPoints);
  for (const sequence of sequences) {
    addTokensThere(analysis, sequence.step, sequence.source, sequence.record.tokens);
    addSequence(analysis, sequence);
  }
  return analysis;
}

/** Sums of floating-point numbers in another order differ in their last digits. */
function assertClose(one: Iterable<number>, other: Iterable<number>): void {
  const [a, b] = [[...one], [...other]];
  assert.equal(a.length, b.length);
  a.forEach((value, place) => {
    const same =
      Object.is(value, b[place]) || Math.abs(value - (b[place] ?? NaN)) <= 1e-9 * Math.max(1, Math.abs(value));
    assert.ok(same, `${value} and ${b[place]} at ${place}`);
  });
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((before, value) => before + value, 0);
}

describe('what tokens say together', () => {
  it('of parts put together is what they say at once, in any order', () => {
    fc.assert(
      fc.property(arbitrarySequences, fc.nat(12), (sequences, cut) => {
        const whole = analysed(sequences);
        const parts = merged(analysed(sequences.slice(0, cut)), analysed(sequences.slice(cut)));
        const backwards = analysed([...sequences].reverse());
        for (const other of [parts, backwards]) {
          for (const name of ['entropyTokens', 'positionCount', 'ratioTokens'] as const)
            assert.deepEqual(other[name], whole[name]);
          for (const name of ['entropyMass', 'positionSum', 'positionSquares'] as const)
            assertClose(other[name], whole[name]);
          assert.deepEqual(
            [other.sequences, other.tokens, other.withoutEntropy, other.withoutPull, other.sample.seen],
            [whole.sequences, whole.tokens, whole.withoutEntropy, whole.withoutPull, whole.sample.seen],
          );
          assert.deepEqual(tokensOf(other.sample), tokensOf(whole.sample));
          assert.deepEqual(
            massesByStep(other).map(({ step }) => step),
            massesByStep(whole).map(({ step }) => step),
          );
          assertClose(
            massesByStep(other).flatMap(({ masses }) => [...masses]),
            massesByStep(whole).flatMap(({ masses }) => [...masses]),
          );
        }
      }),
    );
  });

  it('counts every token once in each histogram, or says that it had no number', () => {
    fc.assert(
      fc.property(arbitrarySequences, (sequences) => {
        const analysis = analysed(sequences);
        const pulls = sequences.flatMap(({ record }) =>
          [...record.columns].flatMap(([name, { values }]) =>
            name.startsWith('pull/') && values.some((value) => value !== 0) ? [values] : [],
          ),
        );
        const offered = sum(pulls.map(({ length }) => length));
        const withBoth = sum(analysis.entropyTokens);
        assert.equal(withBoth, analysis.sample.seen);
        assert.ok(withBoth <= offered - analysis.withoutPull);
        assert.ok(withBoth >= offered - analysis.withoutPull - 2 * analysis.withoutEntropy);
        const given = sequences.filter(({ source }) => source === 'demonstration');
        assert.equal(sum(analysis.ratioTokens), sum(given.map(({ record }) => record.tokens)));
        assert.equal(sum(analysis.positionCount.map((count) => Number(count > sequences.length))), 0);
      }),
    );
  });

  it('has every token with an entropy in the bin of its entropy', () => {
    const edges = entropyEdges();
    assert.equal(edges.length, entropyBins + 1);
    const values = [0, 1e-6, 0.00015, 0.5, 0.99, 1.01, 9, 30];
    const analysis = analysed([
      {
        row: 0,
        step: 1,
        source: 'right',
        seed: 1,
        record: recordOf({ entropy: values, 'pull/self_rl': values.map(() => 1) }),
      },
    ]);
    const expected = values.map((value) => {
      const bin = edges.findLastIndex((edge) => edge <= value);
      return Math.min(entropyBins - 1, Math.max(0, bin));
    });
    const found = [...analysis.entropyTokens.subarray(0, entropyBins)].flatMap((count, bin) =>
      Array.from({ length: count }, () => bin),
    );
    assert.deepEqual(found, expected);
  });

  it('takes a sample that is bounded, without repetition, and the same for the same sequences', () => {
    fc.assert(
      fc.property(arbitrarySequences, fc.integer({ min: 1, max: 40 }), (sequences, most) => {
        const { sample } = analysed(sequences, most);
        const points = tokensOf(sample);
        assert.equal(points.length, Math.min(most, sample.seen));
        assert.equal(new Set(points.map(({ row, token, stream }) => `${row} ${token} ${stream}`)).size, points.length);
        for (const { row, token, bytes, entropy } of points) {
          assert.equal(String.fromCharCode(...bytes), 'abcdefghij'[token % 10]);
          assert.equal(entropy, sequences[row]?.record.columns.get('entropy')?.values[token]);
        }
        // A larger sample holds the smaller one.
        const larger = new Set(
          tokensOf(analysed(sequences, 2 * most).sample).map(({ row, token, stream }) => `${row} ${token} ${stream}`),
        );
        assert.ok(points.every(({ row, token, stream }) => larger.has(`${row} ${token} ${stream}`)));
      }),
    );
  });

  it('has a profile that is the mean of the sequences’ means, with an interval about it', () => {
    const flat = (value: number, tokens: number, row: number): AnalysedSequence => ({
      ...{ row, step: 1, source: 'wrong', seed: row },
      record: recordOf({
        entropy: Array.from({ length: tokens }, () => value),
        'pull/self_rl': Array.from({ length: tokens }, () => -1),
      }),
    });
    // A long sequence counts no more than a short one.
    const analysis = analysed([flat(0.5, positionBins, 0), flat(1.5, 3 * positionBins, 1)]);
    for (let position = 0; position < positionBins; position += 1) {
      const { count, mean, low, high } = profileAt(analysis, 'wrong', position);
      assert.deepEqual([count, mean], [2, 1]);
      assertClose([low, high], [1 - 1.96 * 0.5, 1 + 1.96 * 0.5]);
      assert.deepEqual(profileAt(analysis, 'right', position).count, 0);
    }
    assert.ok(Number.isNaN(profileAt(analysed([flat(1, 40, 0)]), 'wrong', 0).low));
  });
});

describe('pull of the streams', () => {
  it('has shares that sum to one, or none', () => {
    fc.assert(
      fc.property(arbitrarySequences, (sequences) => {
        for (const { masses } of massesByStep(analysed(sequences))) {
          const shares = sharesOf(masses);
          if (sum(masses) > 0) assertClose([sum(shares)], [1]);
          else assert.ok(shares.every(Number.isNaN));
          assert.ok(shares.every((share) => Number.isNaN(share) || (share >= 0 && share <= 1)));
        }
      }),
    );
  });

  it('is estimated by the tokens there are where some were not read, and unknown where none was', () => {
    const pull = stepPull(7);
    pull.mass.set([4, 6, 3, 1]);
    pull.read.set([10, 20, 5]);
    pull.all.set([40, 20, 10]);
    assert.deepEqual([...massesOf(pull)], [16, 6, 6, 2]);
    pull.read.set([10, 0, 5]);
    assert.ok(Number.isNaN(massesOf(pull)[1]));
    assert.ok(sharesOf(massesOf(pull)).every(Number.isNaN));
  });

  it('is that of the sequence’s verdict, or of the term that acts on a demonstration', () => {
    assert.deepEqual(
      (['rollout', 'hybrid', 'demonstration', 'evaluation', 'probe', 'novel'] as const).map((kind) =>
        sourceOf(kind, true),
      ),
      ['right', 'right', 'demonstration', undefined, undefined, undefined],
    );
    assert.equal(streamOf('wrong', 'self_rl'), 'wrong');
    assert.equal(streamOf('right', 'kl'), 'right');
    assert.equal(streamOf('demonstration', 'demo_sft'), 'imitation');
    assert.equal(streamOf('demonstration', 'demo_rl'), 'reinforcement');
    assert.equal(pullStreams.length, sequenceSources.length + 1);
  });
});

describe('the ratio of demonstration tokens', () => {
  it('is what the resolved recipe says, or nothing', () => {
    const of = (method: unknown): unknown => ratioOfRecipe({ method });
    assert.deepEqual(of({ kind: 'srft', demo_ratio: 'shaped', gamma: 0.1 }), shaped);
    assert.deepEqual(of({ kind: 'srft', demo_ratio: 'identity', gamma: 0.1 }), { kind: 'identity' });
    assert.deepEqual(of({ kind: 'luffy', gamma: 0.2 }), { kind: 'shaped', gamma: 0.2 });
    for (const none of [undefined, null, 'srft', { kind: 'grpo' }, { kind: 'sft' }, { kind: 'srft', demo_ratio: null }])
      assert.equal(of(none), null);
  });

  it('lies from nothing to one', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (probability) => {
        for (const ratio of [shaped, { kind: 'identity' } as const]) {
          const value = ratioAt(ratio, probability);
          assert.ok(value >= 0 && value <= 1);
        }
        assert.equal(ratioAt({ kind: 'identity' }, probability), probability);
      }),
    );
    assert.equal(ratioAt(shaped, 0.1), 0.5);
    assert.equal(tokenAnalysis(shaped, 1).ratioTokens.length, ratioBins);
  });
});
