import { column, tokenCount, type Trace } from './trace';
import { summed } from './traceOverlays';

/** What one checkpoint says of the tokens of a trace. T tokens, and K likeliest are kept of each place. */
export interface TraceScores {
  /** The same for this checkpoint in every trace. */
  readonly key: string;
  /** As a person knows it beside others: `step 60`, `base`. */
  readonly name: string;
  /** Of its run; null for a base and for a folder that was chosen. */
  readonly step: number | null;
  /** All figures are of softmax(logits / temperature). */
  readonly temperature: number;
  /** [T] in nats; NaN where nothing comes before a token. */
  readonly logProb: Float32Array;
  /** [T] in nats, NaN like the log-prob. */
  readonly entropy: Float32Array;
  /** [T] 1 for the likeliest token; NaN like the log-prob. */
  readonly rank: Float32Array;
  readonly kept: number;
  /** [T · K] ids of the likeliest tokens of each place; -1 where there are none. */
  readonly topIds: Int32Array;
  /** [T · K] */
  readonly topLogProbs: Float32Array;
  /** Bytes of every token that is among the likeliest somewhere. */
  readonly spelled: ReadonlyMap<number, Uint8Array>;
}

/** What a model answered for its tokens from `from` on: N of them. */
export interface AnsweredScores {
  /** [N] */
  readonly logProb: Float32Array;
  /** [N] */
  readonly entropy: Float32Array;
  /** [N] 0 for the likeliest. */
  readonly rank: Int32Array;
  /** [N · K] */
  readonly topIds: Int32Array;
  /** [N · K] */
  readonly topLogProbs: Float32Array;
}

/** Put the answers for the last N of T tokens to their places; the tokens before them have none. */
export function placedScores(
  answered: AnsweredScores,
  tokens: number,
): Pick<TraceScores, 'logProb' | 'entropy' | 'rank' | 'kept' | 'topIds' | 'topLogProbs'> {
  const count = answered.logProb.length;
  const unscored = tokens - count;
  const kept = count === 0 ? 0 : answered.topIds.length / count;
  const scores = {
    logProb: new Float32Array(tokens).fill(NaN),
    entropy: new Float32Array(tokens).fill(NaN),
    rank: new Float32Array(tokens).fill(NaN),
    kept,
    topIds: new Int32Array(tokens * kept).fill(-1),
    topLogProbs: new Float32Array(tokens * kept).fill(NaN),
  };
  scores.logProb.set(answered.logProb, unscored);
  scores.entropy.set(answered.entropy, unscored);
  scores.rank.set(
    Float32Array.from(answered.rank, (likelier) => likelier + 1),
    unscored,
  );
  scores.topIds.set(answered.topIds, unscored * kept);
  scores.topLogProbs.set(answered.topLogProbs, unscored * kept);
  return scores;
}

/** A token that might have stood in a place. */
export interface Alternative {
  readonly id: number;
  readonly logProb: number;
  readonly bytes: Uint8Array;
}

/** The likeliest tokens of a place, at most `most`, likeliest first; of equals the one with the smaller id. */
export function alternativesAt(scores: TraceScores, token: number, most: number): Alternative[] {
  const { kept, topIds, topLogProbs, spelled } = scores;
  return Array.from({ length: kept }, (_, place) => token * kept + place)
    .map((at) => ({ id: topIds[at] ?? -1, logProb: topLogProbs[at] ?? NaN }))
    .filter(({ id, logProb }) => id >= 0 && !Number.isNaN(logProb))
    .sort((one, other) => other.logProb - one.logProb || one.id - other.id)
    .slice(0, most)
    .map(({ id, logProb }) => ({ id, logProb, bytes: spelled.get(id) ?? new Uint8Array(0) }));
}

/** Of all scored tokens of a trace together. */
export interface ScoreTotals {
  readonly tokens: number;
  /** In nats. */
  readonly sum: number;
  /** exp of the mean surprise of a token. */
  readonly perplexity: number;
  /** Mean surprise of a byte: the same measure under any tokenizer. */
  readonly natsPerByte: number;
}

/** Sum, perplexity and nats per byte over the tokens that have a score; those without one count for nothing. */
export function totalsOf({ record }: Pick<Trace, 'record'>, { logProb }: Pick<TraceScores, 'logProb'>): ScoreTotals {
  const { sum, mean, count } = summed(logProb, 0, logProb.length);
  const lengths = record.columns.get('byte_length')?.values ?? new Uint32Array(0);
  let bytes = 0;
  logProb.forEach((value, token) => {
    if (Number.isFinite(value)) bytes += lengths[token] ?? 0;
  });
  return { tokens: count, sum, perplexity: Math.exp(-mean), natsPerByte: bytes === 0 ? NaN : -sum / bytes };
}

/** Bases and chosen folders first, then by step: in this order they are named, and differences taken. */
export function inOrder(scores: readonly TraceScores[]): TraceScores[] {
  return [...scores].sort((one, other) => (one.step ?? -1) - (other.step ?? -1));
}

/** Add what a checkpoint says, in place of what it said before; of more than `mostScored` the first is forgotten. */
export function withScores(all: readonly TraceScores[], added: TraceScores): TraceScores[] {
  return [...all.filter(({ key }) => key !== added.key), added].slice(-mostScored);
}

/** So many checkpoints fit beside each other in a hover. */
export const mostScored = 6;

/** Figures that stand beside the lines: those of the checkpoint whose overlay is shown, or as they were recorded. */
export interface LineFigures {
  /** Of whom they are; empty for those of the record. */
  readonly name: string;
  readonly entropy: Float32Array | undefined;
  readonly logProb: Float32Array | undefined;
}

/** Figures beside the lines of a trace, whose chosen overlay has the id `overlay`. */
export function lineFigures(trace: Trace, scores: readonly TraceScores[], overlay: string | undefined): LineFigures {
  const shown = scores.find(({ key }) => overlay?.startsWith(scorePrefix(key)));
  const recorded = { name: '', entropy: column(trace, 'entropy'), logProb: column(trace, 'logprob') };
  const isRecorded = recorded.entropy !== undefined || recorded.logProb !== undefined;
  const chosen = shown ?? (isRecorded || tokenCount(trace) === 0 ? undefined : scores.at(-1));
  return chosen ?? recorded;
}

/** What the ids of a checkpoint's overlays begin with. */
export function scorePrefix(key: string): string {
  return `${scoredId}${key}/`;
}

/** Is this the id of an overlay of what a checkpoint said? */
export function isOfScores(overlay: string): boolean {
  return overlay.startsWith(scoredId);
}

const scoredId = 'scored/';
