import fc from 'fast-check';
import { sequenceSources } from '../../../core/pullStreams';
import type { RolloutColumn, RolloutColumns } from '../../../core/rolloutColumns';
import type { AnalysedSequence } from '../../../core/tokenAnalysis';
import { seedOf } from '../../../core/tokenSample';

const token = fc.record({
  entropy: fc.oneof({ weight: 9, arbitrary: fc.double({ min: 0, max: 6, noNaN: true }) }, fc.constant(NaN)),
  logprob: fc.double({ min: -12, max: 0, noNaN: true }),
  sft: fc.double({ min: -2, max: 2, noNaN: true }),
  rl: fc.oneof({ weight: 9, arbitrary: fc.double({ min: -2, max: 2, noNaN: true }) }, fc.constant(NaN)),
});

/** Sequences of training with figures of all kinds, each with a row of its own. */
export const arbitrarySequences: fc.Arbitrary<AnalysedSequence[]> = fc
  .array(
    fc.record({
      step: fc.integer({ min: 1, max: 4 }),
      source: fc.constantFrom(...sequenceSources),
      tokens: fc.array(token, { maxLength: 50 }),
    }),
    { maxLength: 12 },
  )
  .map((list) =>
    list.map(({ step, source, tokens }, row) => ({
      ...{ row, step, source, seed: seedOf(`a1-s${step}-g${row}-0`) },
      record: recordOf({
        entropy: tokens.map(({ entropy }) => entropy),
        logprob: tokens.map(({ logprob }) => logprob),
        ...(source === 'demonstration' ? { 'pull/demo_sft': tokens.map(({ sft }) => sft) } : {}),
        [source === 'demonstration' ? 'pull/demo_rl' : 'pull/self_rl']: tokens.map(({ rl }) => rl),
      }),
    })),
  );

/** A record with these columns, one letter a token. */
export function recordOf(columns: Readonly<Record<string, readonly number[]>>): RolloutColumns {
  const tokens = Object.values(columns)[0]?.length ?? 0;
  const column = (values: RolloutColumn['values']): RolloutColumn => ({ unit: null, per: 'token', values });
  return {
    kind: 'rollout',
    tokens,
    text: new TextEncoder().encode('abcdefghij'.repeat(6).slice(0, tokens)),
    columns: new Map([
      ['byte_length', column(new Uint16Array(tokens).fill(1))],
      ...Object.entries(columns).map(([name, values]) => [name, column(Float32Array.from(values))] as const),
    ]),
  };
}
