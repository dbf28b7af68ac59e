import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RolloutColumns } from '../../../core/rolloutColumns';
import { differenceLimits, overlaysOfScores } from '../../../core/scoreOverlays';
import { scoresOfToken, scoreSentence, totalsInWords } from '../../../core/scoreWords';
import { recordOf } from '../../../core/spelledText';
import { tokenWords } from '../../../core/tokenWords';
import { traceOf, type Trace } from '../../../core/trace';
import { levelAt, signedLevels, sizeLevels, type Overlay } from '../../../core/traceOverlays';
import {
  alternativesAt,
  inOrder,
  isOfScores,
  lineFigures,
  mostScored,
  placedScores,
  totalsOf,
  withScores,
  type AnsweredScores,
  type TraceScores,
} from '../../../core/traceScores';
import { encodeUtf8 } from '../../../core/utf8';

/** Four tokens of one byte each, and their recorded log-probs where there are some. */
function traceWith(logProb?: readonly number[]): Trace {
  const record = recordOf({
    ids: Int32Array.of(7, 8, 9, 10),
    bytes: encodeUtf8('abcd'),
    lengths: Int32Array.of(1, 1, 1, 1),
  });
  if (logProb === undefined) return traceOf(record, 'p');
  const column = { unit: 'nat', per: 'token', values: Float32Array.from(logProb) } as const;
  const columns: RolloutColumns = { ...record, columns: new Map([...record.columns, ['logprob', column]]) };
  return traceOf(columns, 'p');
}

function answered(logProb: readonly number[], rank = logProb.map(() => 0)): AnsweredScores {
  return {
    logProb: Float32Array.from(logProb),
    entropy: Float32Array.from(logProb, () => 0.5),
    rank: Int32Array.from(rank),
    topIds: Int32Array.from(logProb.flatMap(() => [7, 8])),
    topLogProbs: Float32Array.from(logProb.flatMap(() => [-0.5, -1])),
  };
}

function scoresWith(
  name: string,
  logProb: readonly number[],
  { step = null, rank }: { readonly step?: number | null; readonly rank?: readonly number[] } = {},
): TraceScores {
  return {
    key: `/runs/${name}`,
    name,
    step,
    temperature: 1,
    ...placedScores(answered(logProb, rank === undefined ? undefined : [...rank]), 4),
    spelled: new Map([
      [7, encodeUtf8('a')],
      [8, encodeUtf8('|\u202e\n')],
    ]),
  };
}

function overlay(overlays: readonly Overlay[], label: string): Overlay & { readonly kind: 'size' | 'signed' } {
  const found = overlays.find((one) => one.label === label);
  assert.ok(
    found !== undefined && found.kind !== 'name',
    `${label} among ${overlays.map((one) => one.label).join('; ')}`,
  );
  return found;
}

const logProbs = fc.array(fc.float({ min: Math.fround(-40), max: 0, noNaN: true }), { minLength: 4, maxLength: 4 });

describe('what a checkpoint says of a trace', () => {
  it('stands with the last tokens; those before have none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.nat(10),
        fc.integer({ min: 1, max: 5 }),
        (count, before, kept) => {
          const placed = placedScores(
            {
              logProb: Float32Array.from({ length: count }, (_, at) => -at),
              entropy: Float32Array.from({ length: count }, (_, at) => at),
              rank: Int32Array.from({ length: count }, (_, at) => at),
              topIds: Int32Array.from({ length: count * kept }, (_, at) => at),
              topLogProbs: Float32Array.from({ length: count * kept }, (_, at) => -at),
            },
            count + before,
          );
          const numbers = Array.from({ length: count }, (_, at) => at);
          const none = Array.from({ length: before }, () => NaN);
          assert.deepEqual([...placed.logProb], [...none, ...numbers.map((at) => -at)]);
          assert.deepEqual([...placed.entropy], [...none, ...numbers]);
          assert.deepEqual([...placed.rank], [...none, ...numbers.map((at) => at + 1)]);
          const scores: TraceScores = { ...scoresWith('step 1', [-1]), ...placed };
          for (let token = 0; token < before; token += 1) assert.deepEqual(alternativesAt(scores, token, 5), []);
          const [first] = alternativesAt(scores, before + count - 1, 1);
          assert.equal(first?.id, (count - 1) * kept);
        },
      ),
    );
  });

  it('alternatives are told likeliest first, of equals the smaller id, in whatever order they came', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.nat(50), fc.constantFrom(-0.5, -1, -2)), {
      selector: ([id]) => id,
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 8 }), (top, most) => {
        const scores: TraceScores = {
          ...scoresWith('base', [-1]),
          kept: top.length,
          topIds: Int32Array.from(top, ([id]) => id),
          topLogProbs: Float32Array.from(top, ([, logProb]) => logProb),
        };
        const told = alternativesAt(scores, 0, most);
        assert.equal(told.length, Math.min(most, top.length));
        told.slice(1).forEach((one, place) => {
          const before = told[place];
          assert.ok(before !== undefined);
          assert.ok(before.logProb > one.logProb || (before.logProb === one.logProb && before.id < one.id));
        });
        const least = told.at(-1)?.logProb ?? NaN;
        assert.ok(top.filter(([, logProb]) => logProb > least).length < most);
      }),
    );
  });

  it('is summed over the tokens that have a score', () => {
    const scores = scoresWith('step 3', [Math.log(0.5), Math.log(0.25), Math.log(0.125)]);
    const { tokens, sum, perplexity, natsPerByte } = totalsOf(traceWith(), scores);
    assert.equal(tokens, 3);
    assert.ok(Math.abs(sum - Math.log(1 / 64)) < 1e-6);
    assert.ok(Math.abs(perplexity - 4) < 1e-5, 'the geometric mean of 2, 4 and 8');
    assert.ok(Math.abs(natsPerByte - Math.log(4)) < 1e-6);
    assert.deepEqual(totalsInWords(traceWith(), [scores]), ['step 3: Σ log p −4.2, perplexity 4.000, 1.386 nats/byte']);
  });

  it('takes the place of what the same checkpoint said before, and the first goes when they are too many', () => {
    const all = Array.from({ length: mostScored + 2 }, (_, step) => scoresWith(`step ${step}`, [-1], { step }));
    const kept = all.reduce<TraceScores[]>((known, one) => withScores(known, one), []);
    assert.deepEqual(kept, all.slice(2));
    const again = scoresWith('step 4', [-2], { step: 4 });
    assert.deepEqual(
      withScores(kept, again).map(({ name }) => name),
      ['step 2', 'step 3', 'step 5', 'step 6', 'step 7', 'step 4'],
    );
    assert.equal(withScores(kept, again).at(-1), again);
    assert.deepEqual(
      inOrder([scoresWith('step 4', [-1], { step: 4 }), scoresWith('base', [-1])]).map(({ name }) => name),
      ['base', 'step 4'],
    );
  });
});

describe('overlays of scores', () => {
  it('of probabilities: their difference, similar below 0.05, by limits that no trace moves', () => {
    fc.assert(
      fc.property(logProbs, logProbs, logProbs, (recorded, first, second) => {
        const scores = [scoresWith('base', first), scoresWith('step 9', second, { step: 9 })];
        const overlays = overlaysOfScores(traceWith(recorded), scores, { name: 'as written', unit: 'T = 1' });
        const between = overlay(overlays, 'Δ probability, step 9 − base');
        const swapped = overlaysOfScores(
          traceWith(recorded),
          [scoresWith('step 9', second), scoresWith('base', first, { step: 9 })],
          { name: 'as written', unit: 'T = 1' },
        );
        const back = overlay(swapped, 'Δ probability, base − step 9');
        assert.deepEqual(
          [...between.values].map((value) => value + 0),
          [...back.values].map((value) => 0 - value),
        );
        for (const each of overlays.filter(({ kind }) => kind === 'signed')) {
          assert.ok(each.kind === 'signed');
          assert.deepEqual(each.limits, differenceLimits);
          each.values.forEach((value, token) => {
            assert.ok(value >= -1 && value <= 1);
            const level = levelAt(each, token);
            assert.equal(level === 0, Math.abs(value) < 0.05);
            assert.ok(Math.abs(level) <= signedLevels && (level === 0 || Math.sign(level) === Math.sign(value)));
          });
        }
      }),
    );
  });

  it('of ranks: the likeliest token has no tint, and the hundredth the strongest', () => {
    const scores = scoresWith('step 3', [-1, -1, -1, -1], { step: 3, rank: [0, 1, 4, 99] });
    const rank = overlay(overlaysOfScores(traceWith(), [scores], { name: '', unit: '' }), 'rank · step 3');
    assert.deepEqual(
      [0, 1, 2, 3].map((token) => levelAt(rank, token)),
      [0, 1, 3, sizeLevels],
    );
  });

  it('are there for what is known: without recorded log-probs and without a second checkpoint no difference', () => {
    const one = scoresWith('step 3', [-1, -2, -3], { step: 3 });
    const labels = (trace: Trace, scores: readonly TraceScores[]): string[] =>
      overlaysOfScores(trace, scores, { name: 'as written', unit: 'T = 1' }).map(({ label }) => label);
    const own = ['surprise · step 3', 'entropy · step 3', 'rank · step 3'];
    assert.deepEqual(labels(traceWith(), []), []);
    assert.deepEqual(labels(traceWith(), [one]), own);
    assert.deepEqual(labels(traceWith([-1, -1, -1, -1]), [one]), [...own, 'Δ probability, step 3 − as written']);
    const all = overlaysOfScores(traceWith([-1, -1, -1, -1]), [one, scoresWith('base', [-1, -1, -1])], {
      name: 'as written',
      unit: 'T = 1',
    });
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length, 'ids tell them apart');
    assert.ok(all.every(({ id }) => isOfScores(id)));
    // Nothing comes before the first token.
    for (const each of all) assert.equal(levelAt(each, 0), 0, each.label);
  });

  it('lead to the figures beside the lines: those of their checkpoint, otherwise the recorded ones', () => {
    const [base, step] = [scoresWith('base', [-1]), scoresWith('step 3', [-2], { step: 3 })];
    const recorded = traceWith([-1, -1, -1, -1]);
    const named = (trace: Trace, id: string | undefined): string => lineFigures(trace, [base, step], id).name;
    for (const each of overlaysOfScores(recorded, [base, step], { name: 'as written', unit: '' }))
      assert.equal(named(recorded, each.id), each.label.includes('step 3') ? 'step 3' : 'base', each.label);
    assert.equal(named(recorded, 'entropy'), '');
    assert.equal(named(recorded, undefined), '');
    assert.equal(named(traceWith(), undefined), 'step 3', 'without recorded figures those that came last');
  });
});

describe('scores in words', () => {
  it('name what is hidden, and which of the alternatives stands there', () => {
    const [score] = scoresOfToken(traceWith(), [scoresWith('step 3', [-0.5, -1, -2, -3], { step: 3 })], 0);
    assert.ok(score !== undefined);
    assert.deepEqual(score.alternatives, [
      { words: '"a"', probability: '0.607', isToken: true },
      { words: '"|⟨U+202E⟩⏎"', probability: '0.368', isToken: false },
    ]);
    assert.equal(
      scoreSentence(score),
      'under step 3: probability 0.607, log-prob −0.500, rank 1, entropy 0.500 nats, likeliest "a" 0.607, "|⟨U+202E⟩⏎" 0.368',
    );
    assert.deepEqual(scoresOfToken(traceWith(), [scoresWith('step 3', [-1])], 0), [], 'a token without a score');
  });

  it('any token is shown on one line, without characters that hide', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const words = tokenWords(bytes);
        assert.doesNotMatch(words, /[\p{Cc}\p{Cf}\u2028\u2029\ufffd]/u);
        assert.ok(words.length < 1200);
      }),
    );
    assert.equal(tokenWords(Uint8Array.of(0xf0, 0x9f)), 'F0 9F');
    assert.equal(tokenWords(encodeUtf8(' '.repeat(200))), `"${' '.repeat(96)}…"`);
  });
});
