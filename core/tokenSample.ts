import type { PullStream } from './pullStreams';

/** A token that stands for others in a picture. */
export interface SampledToken {
  /** In the index of its run. */
  readonly row: number;
  readonly step: number;
  /** Place in the response, from 0. */
  readonly token: number;
  readonly stream: PullStream;
  /** Nats. */
  readonly entropy: number;
  readonly pull: number;
  /** NaN where none was recorded. */
  readonly probability: number;
  /** Raw bytes, which may be no UTF-8. */
  readonly bytes: Uint8Array;
}

interface Ranked {
  readonly rank: number;
  readonly item: SampledToken;
}

/**
 * A bounded sample that follows from what was seen alone, not from the order or the parts it came in: the tokens whose
 * numbers, which are as good as random, are least.
 */
export interface TokenSample {
  readonly most: number;
  /** Tokens that were offered. */
  seen: number;
  /** Nothing of a greater number is taken. */
  limit: number;
  kept: Ranked[];
}

export function tokenSample(most: number): TokenSample {
  return { most, seen: 0, limit: Infinity, kept: [] };
}

/** A number as good as random for a token of a stream; `seed` is its sequence's. */
export function rankOf(seed: number, token: number, stream: number): number {
  return mixed((seed ^ Math.imul(token + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0);
}

/** Offer a token; `make` is called only where it may stay. */
export function offer(sample: TokenSample, rank: number, make: () => SampledToken): void {
  sample.seen += 1;
  if (rank > sample.limit) return;
  sample.kept.push({ rank, item: make() });
  if (sample.kept.length >= 2 * sample.most) cut(sample);
}

/** The sample of everything that either has seen. */
export function mergedSamples(one: TokenSample, other: TokenSample): TokenSample {
  const sample: TokenSample = {
    most: one.most,
    seen: one.seen + other.seen,
    limit: Math.min(one.limit, other.limit),
    kept: [...one.kept, ...other.kept],
  };
  cut(sample);
  return sample;
}

/** The tokens of the sample, in an order of their own. */
export function tokensOf(sample: TokenSample): readonly SampledToken[] {
  cut(sample);
  return sample.kept.map(({ item }) => item);
}

/** A number for a name, as good as random; the same everywhere. */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < name.length; place += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(place), 0x01000193);
  }
  return mixed(hash >>> 0);
}

function cut(sample: TokenSample): void {
  sample.kept.sort(byRank);
  if (sample.kept.length <= sample.most) return;
  sample.kept.length = sample.most;
  sample.limit = sample.kept.at(-1)?.rank ?? Infinity;
}

function byRank({ rank: a, item: one }: Ranked, { rank: b, item: other }: Ranked): number {
  return a - b || one.row - other.row || one.token - other.token || one.stream.localeCompare(other.stream);
}

/** Spreads what differs in few bits over all of them (the end of MurmurHash3). */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
