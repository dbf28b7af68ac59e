import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawToken, likeliest, uniform, type Sampling } from '../../../src/inference/sampling';

interface Reference {
  readonly pairs: readonly (readonly [seed: string, position: number])[];
  readonly uniform: readonly number[];
  readonly logits: readonly number[];
  readonly draws: readonly { readonly sampling: Record<string, number>; readonly ids: readonly number[] }[];
}

// Written by the trainer (trainer/tests/inference/sampling_reference.py).
const reference = JSON.parse(readFileSync('test/fixtures/sampling.json', 'utf8')) as Reference;
const all: Sampling = { temperature: 1, topK: 0, topP: 1, minP: 0 };

test('random numbers are the trainer’s, to the bit', () => {
  reference.pairs.forEach(([seed, position], place) => {
    assert.equal(uniform(BigInt(seed), position), reference.uniform[place]);
  });
});

for (const { sampling, ids } of reference.draws) {
  test(`draws what the trainer draws with ${JSON.stringify(sampling)}`, () => {
    const probabilities = softmax(reference.logits);
    const drawn = reference.pairs.map(([seed, position]) =>
      drawToken(probabilities, named(sampling), uniform(BigInt(seed), position)),
    );
    assert.deepEqual(drawn, ids);
  });
}

const weights = fc
  .array(fc.oneof(fc.constant(0), fc.float({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 60 })
  .filter((values) => values.some((value) => value > 0))
  .map((values) => Float32Array.from(values));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a token of probability 0 is never drawn', () => {
  fc.assert(
    fc.property(weights, random, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, number, topP) => {
      assert.ok((values[drawToken(values, { ...all, topP }, number)] ?? 0) > 0);
    }),
  );
});

test('filters keep the likeliest, and none that is less likely than one they drop', () => {
  const filters = fc.record({
    temperature: fc.constant(1),
    topK: fc.integer({ min: 0, max: 8 }),
    topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 0.9, noNaN: true }),
  });
  fc.assert(
    fc.property(weights, filters, (values, sampling) => {
      const drawn = new Set(Array.from({ length: 400 }, (_, step) => drawToken(values, sampling, step / 400)));
      const least = Math.min(...[...drawn].map((id) => values[id] ?? 0));
      const greatest = values[likeliest(values)] ?? 0;
      assert.ok(least >= Math.fround(Math.fround(sampling.minP) * greatest));
      if (sampling.topK > 0) {
        const limit = [...values].sort((one, other) => other - one)[Math.min(sampling.topK, values.length) - 1] ?? 0;
        assert.ok(least >= limit);
      }
    }),
  );
});

test('greedy takes the first of the likeliest', () => {
  assert.equal(drawToken(Float32Array.of(0.1, 0.4, 0.4, 0.1), { ...all, temperature: 0 }, 0.99), 1);
});

function named(sampling: Record<string, number>): Sampling {
  const { temperature = 1, top_k: topK = 0, top_p: topP = 1, min_p: minP = 0 } = sampling;
  return { temperature, topK, topP, minP };
}

function softmax(logits: readonly number[]): Float32Array {
  const greatest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const exponentials = logits.map((value) => Math.exp(value - greatest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return Float32Array.from(exponentials, (value) => value / sum);
}
