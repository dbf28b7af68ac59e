import { ratioAt, type DemonstrationRatio } from './demonstrationRatio';
import {
  massesOf,
  pullStreams,
  sequenceSources,
  stepPull,
  streamOf,
  type SequenceSource,
  type StepPull,
} from './pullStreams';
import type { RolloutColumns } from './rolloutColumns';
import { mergedSamples, offer, rankOf, tokenSample, type TokenSample } from './tokenSample';

/** A sequence of training whose tokens were read. */
export interface AnalysedSequence {
  readonly row: number;
  readonly step: number;
  readonly source: SequenceSource;
  /** As good as random, of its own. */
  readonly seed: number;
  readonly record: RolloutColumns;
}

/** What the tokens of some sequences say together. Sums and counts only, so that parts can be put together. */
export interface TokenAnalysis {
  readonly ratio: DemonstrationRatio | null;
  sequences: number;
  tokens: number;
  /** Tokens without a recorded entropy, and pulls of no number: they are in no picture that needs them. */
  withoutEntropy: number;
  withoutPull: number;
  readonly steps: Map<number, StepPull>;
  /** [streams, bins] tokens, and sums of |pull|, by entropy. */
  readonly entropyTokens: Float64Array;
  readonly entropyMass: Float64Array;
  /** [sources, positions] means of sequences: their count, sum and sum of squares. */
  readonly positionCount: Float64Array;
  readonly positionSum: Float64Array;
  readonly positionSquares: Float64Array;
  /** [bins] demonstration tokens by f(p). */
  readonly ratioTokens: Float64Array;
  sample: TokenSample;
}

/**
 * Entropy goes by fifths of a decade, from 0.0001 nats to 10, since most tokens are nearly certain and few are not; what is
 * outside is in the first or the last.
 */
export const entropyBins = 25;
const binsADecade = 5;
const firstDecade = -4;

/** [bins + 1] where the bins of entropy begin and the last ends, in nats. */
export function entropyEdges(): Float64Array {
  return Float64Array.from({ length: entropyBins + 1 }, (_, bin) => 10 ** (firstDecade + bin / binsADecade));
}
/** Positions are shares of the response. */
export const positionBins = 20;
/** f(p) goes from 0 to 1. */
export const ratioBins = 20;

export function tokenAnalysis(ratio: DemonstrationRatio | null, mostPoints: number): TokenAnalysis {
  const byEntropy = pullStreams.length * entropyBins;
  const byPosition = sequenceSources.length * positionBins;
  return {
    ratio,
    sequences: 0,
    tokens: 0,
    withoutEntropy: 0,
    withoutPull: 0,
    steps: new Map(),
    entropyTokens: new Float64Array(byEntropy),
    entropyMass: new Float64Array(byEntropy),
    positionCount: new Float64Array(byPosition),
    positionSum: new Float64Array(byPosition),
    positionSquares: new Float64Array(byPosition),
    ratioTokens: new Float64Array(ratioBins),
    sample: tokenSample(mostPoints),
  };
}

/** Take a sequence in. */
export function addSequence(analysis: TokenAnalysis, sequence: AnalysedSequence): void {
  const { record, source, step } = sequence;
  const entropy = numbersOf(record, 'entropy');
  const logprob = numbersOf(record, 'logprob');
  const pull = pullOf(analysis, step);
  analysis.sequences += 1;
  analysis.tokens += record.tokens;
  add(pull.read, sequenceSources.indexOf(source), record.tokens);
  addPulls(analysis, sequence, pull.mass, entropy, logprob);
  addEntropies(analysis, source, record.tokens, entropy);
  if (source === 'demonstration' && logprob !== undefined) addRatios(analysis, logprob);
}

/** Say how many tokens of a source a step has, read or not. */
export function addTokensThere(analysis: TokenAnalysis, step: number, source: SequenceSource, tokens: number): void {
  add(pullOf(analysis, step).all, sequenceSources.indexOf(source), tokens);
}

/** What both say together. */
export function merged(one: TokenAnalysis, other: TokenAnalysis): TokenAnalysis {
  const sum = tokenAnalysis(one.ratio, one.sample.most);
  for (const part of [one, other]) {
    sum.sequences += part.sequences;
    sum.tokens += part.tokens;
    sum.withoutEntropy += part.withoutEntropy;
    sum.withoutPull += part.withoutPull;
    for (const name of summedColumns) addAll(sum[name], part[name]);
    for (const { step, mass, read, all } of part.steps.values()) {
      const into = pullOf(sum, step);
      addAll(into.mass, mass);
      addAll(into.read, read);
      addAll(into.all, all);
    }
  }
  sum.sample = mergedSamples(one.sample, other.sample);
  return sum;
}

/** Masses of the streams, step by step. */
export function massesByStep({ steps }: TokenAnalysis): { readonly step: number; readonly masses: Float64Array }[] {
  return [...steps.values()]
    .sort((a, b) => a.step - b.step)
    .map((pull) => ({ step: pull.step, masses: massesOf(pull) }));
}

/** Mean of the sequences' means at a position, with its 95 % interval. NaN where there is none, and of one no interval. */
export function profileAt(
  { positionCount, positionSum, positionSquares }: TokenAnalysis,
  source: SequenceSource,
  position: number,
): { readonly count: number; readonly mean: number; readonly low: number; readonly high: number } {
  const place = sequenceSources.indexOf(source) * positionBins + position;
  const count = positionCount[place] ?? 0;
  const sum = positionSum[place] ?? 0;
  const mean = count === 0 ? NaN : sum / count;
  const variance = count < 2 ? NaN : Math.max(0, (positionSquares[place] ?? 0) - sum * mean) / (count - 1);
  const half = 1.96 * Math.sqrt(variance / count);
  return { count, mean, low: mean - half, high: mean + half };
}

const summedColumns = [
  'entropyTokens',
  'entropyMass',
  'positionCount',
  'positionSum',
  'positionSquares',
  'ratioTokens',
] as const;

type Values = Float32Array | undefined;

function addPulls(
  analysis: TokenAnalysis,
  { record, source, row, step, seed }: AnalysedSequence,
  mass: Float64Array,
  entropy: Values,
  logprob: Values,
): void {
  for (const [stream, terms] of pullsOf(record, source)) {
    const place = pullStreams.indexOf(stream);
    for (let token = 0; token < record.tokens; token += 1) {
      let pull = 0;
      let size = 0;
      for (const values of terms) {
        const value = values[token] ?? NaN;
        pull += value;
        size += Math.abs(value);
      }
      if (!Number.isFinite(pull)) {
        analysis.withoutPull += 1;
        continue;
      }
      add(mass, place, size);
      const nats = entropy?.[token] ?? NaN;
      if (!Number.isFinite(nats)) continue;
      const bin = place * entropyBins + entropyBin(nats);
      add(analysis.entropyTokens, bin, 1);
      add(analysis.entropyMass, bin, size);
      offer(analysis.sample, rankOf(seed, token, place), () => ({
        ...{ row, step, token, stream, pull, entropy: nats },
        probability: Math.exp(logprob?.[token] ?? NaN),
        bytes: bytesOf(record, token),
      }));
    }
  }
}

/** Columns of pull by stream; a term that pulls at no token of the sequence does not act on it. */
function pullsOf(record: RolloutColumns, source: SequenceSource): Map<(typeof pullStreams)[number], Float32Array[]> {
  const found = new Map<(typeof pullStreams)[number], Float32Array[]>();
  for (const [name, { values }] of record.columns) {
    if (!name.startsWith(pullPrefix) || !(values instanceof Float32Array)) continue;
    if (!values.some((value) => value !== 0)) continue;
    const stream = streamOf(source, name.slice(pullPrefix.length));
    found.set(stream, [...(found.get(stream) ?? []), values]);
  }
  return found;
}

function addEntropies(analysis: TokenAnalysis, source: SequenceSource, tokens: number, entropy: Values): void {
  const sums = new Float64Array(positionBins);
  const counts = new Float64Array(positionBins);
  for (let token = 0; token < tokens; token += 1) {
    const nats = entropy?.[token] ?? NaN;
    if (!Number.isFinite(nats)) {
      analysis.withoutEntropy += 1;
      continue;
    }
    const position = Math.floor((positionBins * token) / tokens);
    add(sums, position, nats);
    add(counts, position, 1);
  }
  // A sequence counts once at each position: its tokens there are not independent of each other.
  counts.forEach((count, position) => {
    if (count === 0) return;
    const mean = (sums[position] ?? 0) / count;
    const place = sequenceSources.indexOf(source) * positionBins + position;
    add(analysis.positionCount, place, 1);
    add(analysis.positionSum, place, mean);
    add(analysis.positionSquares, place, mean * mean);
  });
}

function addRatios({ ratio, ratioTokens }: TokenAnalysis, logprob: Float32Array): void {
  if (ratio === null) return;
  for (const value of logprob) {
    if (Number.isFinite(value)) add(ratioTokens, binOf(ratioAt(ratio, Math.exp(value)), 1 / ratioBins, ratioBins), 1);
  }
}

const pullPrefix = 'pull/';

function pullOf({ steps }: TokenAnalysis, step: number): StepPull {
  const pull = steps.get(step) ?? stepPull(step);
  steps.set(step, pull);
  return pull;
}

function numbersOf(record: RolloutColumns, name: string): Values {
  const values = record.columns.get(name)?.values;
  return values instanceof Float32Array ? values : undefined;
}

function bytesOf({ columns, text }: RolloutColumns, token: number): Uint8Array {
  const lengths = columns.get('byte_length')?.values;
  let from = 0;
  for (let before = 0; before < token; before += 1) from += lengths?.[before] ?? 0;
  return text.slice(from, from + (lengths?.[token] ?? 0));
}

/** Zero, whose logarithm is none, is in the first bin. */
function entropyBin(nats: number): number {
  return nats <= 0 ? 0 : binOf(Math.log10(nats) - firstDecade, 1 / binsADecade, entropyBins);
}

function binOf(value: number, width: number, bins: number): number {
  return Math.min(bins - 1, Math.max(0, Math.floor(value / width)));
}

function add(values: Float64Array, place: number, by: number): void {
  values[place] = (values[place] ?? 0) + by;
}

function addAll(values: Float64Array, others: Float64Array): void {
  others.forEach((value, place) => {
    add(values, place, value);
  });
}
