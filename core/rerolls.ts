import { formatNumber } from './format';
import type { RolloutColumn, RolloutColumns } from './rolloutColumns';
import type { Fact } from './traceWords';

/** What the judge said of a re-roll. */
export type RerollVerdict =
  /** It is still being written, or the judge is still at it. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'judged'; readonly correct: boolean; readonly reward: number | null; readonly note: string | null }
  /** A sentence without a full stop says why. */
  | { readonly kind: 'not judged'; readonly reason: string };

/** How far the writing of a re-roll came: `limit` is the end of its tokens, `cut off` was ended from outside. */
export type RerollState = 'writing' | 'ended' | 'limit' | 'cut off';

/** A continuation that a checkpoint wrote from a token of a rollout; never a part of training. */
export interface Reroll {
  /** Within its group, from 1; a number is not given twice. */
  readonly number: number;
  /** Name of the checkpoint that wrote it. */
  readonly checkpoint: string;
  readonly seed: number;
  /** Of those that were asked for together, from 1. */
  readonly row: number;
  /** The rollout that it goes on from: its id within the run. */
  readonly origin: string;
  /** Tokens that it has in common with that. */
  readonly shared: number;
  /** T tokens from the response's first: `id`, `byte_length`, and under its checkpoint `logprob` and `entropy`. */
  readonly record: RolloutColumns;
  readonly state: RerollState;
  readonly verdict: RerollVerdict;
}

/** Continuations that can be asked for at once. */
export const mostContinuations = 16;

/** Seeds are whole numbers from 0 to this. */
export const largestSeed = 2 ** 32 - 1;

/**
 * The seed of one row: seed · 2^16 + row. The first rows of a seed are the same however many are asked for, and no two
 * seeds have a row in common.
 * @param row from 1
 */
export function seedOfRow(seed: number, row: number): bigint {
  return BigInt(seed) * 65_536n + BigInt(row);
}

/** A seed that a person typed: digits alone, not above the largest. */
export function seedIn(text: string): number | undefined {
  const words = text.trim();
  return /^\d{1,10}$/.test(words) && Number(words) <= largestSeed ? Number(words) : undefined;
}

/** What a re-roll is called within its group. */
export function rerollName({ number }: Pick<Reroll, 'number'>): string {
  return `Re-roll ${number}`;
}

/** Who wrote it, and what repeats it: `step 60 · seed 41:3`. */
export function rerollSource({ checkpoint, seed, row }: Pick<Reroll, 'checkpoint' | 'seed' | 'row'>): string {
  return `${checkpoint} · seed ${seed}:${row}`;
}

/** What is known of a re-roll as a whole. */
export function factsOfReroll(reroll: Reroll): Fact[] {
  const { verdict, state, record } = reroll;
  return [
    { name: 'not from training', value: rerollSource(reroll) },
    { name: 'verdict', value: verdictWords(verdict) },
    ...(verdict.kind === 'judged' && verdict.reward !== null
      ? [{ name: 'reward', value: formatNumber(verdict.reward) }]
      : []),
    ...(state === 'ended' ? [] : [{ name: 'end', value: stateWords[state] }]),
    { name: 'tokens', value: `${record.tokens}` },
  ];
}

/** `right`, `wrong`, or why neither. */
export function verdictWords(verdict: RerollVerdict): string {
  switch (verdict.kind) {
    case 'judged':
      return verdict.correct ? 'right' : 'wrong';
    case 'not judged':
      return `not judged: ${verdict.reason}`;
    case 'waiting':
      return 'not judged yet';
  }
}

/** How a re-roll came to its end, or not. */
export const stateWords: Readonly<Record<RerollState, string>> = {
  writing: 'being written',
  ended: 'ended by itself',
  limit: 'ended by the length limit',
  'cut off': 'cut off',
};

/** How re-rolls stand. */
export interface RerollCounts {
  readonly all: number;
  readonly right: number;
  readonly wrong: number;
}

/** One token of a record that grows. */
export interface RecordToken {
  readonly id: number;
  readonly logProb: number;
  /** In nats. */
  readonly entropy: number;
  /** What it spells; may be a part of a character. */
  readonly bytes: Uint8Array;
}

/** A record as `rolloutColumns.ts` reads them, made of tokens. */
export function recordOfTokens(tokens: readonly RecordToken[]): RolloutColumns {
  const text = new Uint8Array(tokens.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of tokens) {
    text.set(bytes, at);
    at += bytes.length;
  }
  const column = (values: RolloutColumn['values'], unit: string | null = null): RolloutColumn => ({
    unit,
    per: 'token',
    values,
  });
  return {
    kind: 'rollout',
    tokens: tokens.length,
    text,
    columns: new Map([
      ['id', column(Int32Array.from(tokens, ({ id }) => id))],
      [
        'byte_length',
        column(
          Uint32Array.from(tokens, ({ bytes }) => bytes.length),
          'bytes',
        ),
      ],
      [
        'logprob',
        column(
          Float32Array.from(tokens, ({ logProb }) => logProb),
          'nats',
        ),
      ],
      [
        'entropy',
        column(
          Float32Array.from(tokens, ({ entropy }) => entropy),
          'nats',
        ),
      ],
    ]),
  };
}
