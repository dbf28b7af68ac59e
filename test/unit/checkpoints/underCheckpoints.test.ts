import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Scores } from '../../../src/checkpoints/languageModel';
import {
  compareEach,
  scoreResponse,
  scoreUnderEach,
  type ResponseScores,
  type ScoreUnder,
} from '../../../src/checkpoints/underCheckpoints';
import { CheckpointProblem } from '../../../src/inference/problem';

const alternatives = 3;

/** A checkpoint that finds each token the less likely the greater its id; `place` is how much less. */
const scoreOf: ScoreUnder<number> = (place, ids, from) => {
  assert.ok(from >= 1 && from < ids.length);
  const asked = ids.subarray(from);
  const scores: Scores = {
    logProb: Float32Array.from(asked, (id) => -id * place),
    entropy: Float32Array.from(asked, (id) => id),
    rank: Int32Array.from(asked, (id) => id),
    topIds: Int32Array.from({ length: asked.length * alternatives }, (_, at) => at),
    topLogProbs: new Float32Array(asked.length * alternatives).fill(-1),
  };
  return Promise.resolve(scores);
};

const sequenceOf = (prompt: number, response: readonly number[]): { ids: Int32Array; promptTokens: number } => ({
  ids: Int32Array.from([...Array.from({ length: prompt }, () => 99), ...response]),
  promptTokens: prompt,
});

const problem = new CheckpointProblem('it was removed', '/runs/a/step-1', 'choose another');

describe('a response under a checkpoint', () => {
  it('has a figure for each of its tokens, whatever its prompt', async () => {
    const ids = fc.array(fc.nat(50), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.nat(4), ids, async (prompt, response) => {
        const scores = await scoreResponse(2, sequenceOf(prompt, response), scoreOf);
        assert.equal(scores.logProb.length, response.length);
        response.forEach((id, token) => {
          const isFirstOfAll = prompt === 0 && token === 0;
          assert.equal(scores.logProb[token], isFirstOfAll ? NaN : -id * 2);
          assert.equal(scores.rank[token], isFirstOfAll ? -1 : id);
        });
        const kept = scores.topIds.length / response.length;
        assert.ok(kept === alternatives || (prompt === 0 && response.length === 1));
      }),
    );
  });

  it('that nothing precedes begins with a token without figures, and the likeliest of the next stay beside it', async () => {
    const { topIds, topLogProbs, entropy } = await scoreResponse(1, sequenceOf(0, [5, 6]), scoreOf);
    assert.deepEqual([...topIds], [-1, -1, -1, 0, 1, 2]);
    assert.deepEqual([...topLogProbs], [NaN, NaN, NaN, -1, -1, -1]);
    assert.deepEqual([...entropy], [NaN, 6]);
  });
});

describe('sequences under two checkpoints', () => {
  it('come one after the other, each under both', async () => {
    const told: [number, number, number][] = [];
    await compareEach({ before: 1, after: 2 }, [sequenceOf(1, [3]), sequenceOf(2, [4])], scoreOf, ({ ids }, a, b) =>
      told.push([ids.length, a.logProb[0] ?? NaN, b.logProb[0] ?? NaN]),
    );
    assert.deepEqual(told, [
      [2, -3, -6],
      [3, -4, -8],
    ]);
  });

  it('what came before a checkpoint went away stays', async () => {
    const told: ResponseScores[] = [];
    const failing: ScoreUnder<number> = (place, ids, from) =>
      ids.length === 3 && place === 2 ? Promise.reject(problem) : scoreOf(place, ids, from);
    const work = compareEach(
      { before: 1, after: 2 },
      [sequenceOf(1, [3]), sequenceOf(2, [4]), sequenceOf(1, [5])],
      failing,
      (_, a) => told.push(a),
    );
    await assert.rejects(work, problem);
    assert.equal(told.length, 1);
  });
});

describe('sequences under every checkpoint', () => {
  const sequences = [sequenceOf(1, [3]), sequenceOf(1, [4])];

  it('one that cannot be asked does not keep the others from it', async () => {
    const told: string[] = [];
    const failing: ScoreUnder<number> = (place, ids, from) =>
      place === 2 && ids[1] === 4 ? Promise.reject(problem) : scoreOf(place, ids, from);
    await scoreUnderEach([1, 2, 3], sequences, failing, {
      onScores: (place, sequence) => told.push(`${place} ${sequence}`),
      onProblem: (place, { message }) => told.push(`${place} ${message}`),
    });
    assert.deepEqual(told, ['0 0', '0 1', '1 0', `1 ${problem.message}`, '2 0', '2 1']);
  });

  it('anything else ends it', async () => {
    const stop = new DOMException('enough', 'AbortError');
    const told: string[] = [];
    const work = scoreUnderEach([1, 2], sequences, () => Promise.reject(stop), {
      onScores: () => told.push('scores'),
      onProblem: () => told.push('problem'),
    });
    await assert.rejects(work, stop);
    assert.deepEqual(told, []);
  });
});
