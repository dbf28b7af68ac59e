import { CheckpointProblem } from '../inference/problem';
import type { Scores } from './languageModel';

/** A prompt and a response to it. */
export interface AskedSequence {
  /** Tokens of the prompt and then of the response. */
  readonly ids: Int32Array;
  readonly promptTokens: number;
}

/** What a checkpoint says of a response of T tokens; NaN, and a rank of −1, for a first token that nothing precedes. */
export interface ResponseScores {
  /** [T] natural log of the probability. */
  readonly logProb: Float32Array;
  /** [T] in nats. */
  readonly entropy: Float32Array;
  /** [T] how many tokens were likelier. */
  readonly rank: Int32Array;
  /** [T · K] likeliest tokens of each place, likeliest first; −1 where there are none. */
  readonly topIds: Int32Array;
  /** [T · K] */
  readonly topLogProbs: Float32Array;
}

/** Scores ids[from …] under a checkpoint. Raises a CheckpointProblem, or the signal's reason. */
export type ScoreUnder<Place> = (place: Place, ids: Int32Array, from: number) => Promise<Scores>;

/** What one checkpoint says of a response. */
export async function scoreResponse<Place>(
  place: Place,
  { ids, promptTokens }: AskedSequence,
  score: ScoreUnder<Place>,
): Promise<ResponseScores> {
  const from = Math.max(1, promptTokens);
  const tokens = ids.length - promptTokens;
  // A response of one token after nothing has no token that can be scored.
  if (from >= ids.length) return blankScores(tokens, 0);
  return shifted(await score(place, ids, from), from - promptTokens, tokens);
}

/** Each sequence under two checkpoints, one sequence after the other, so that something can be seen soon. */
export async function compareEach<Place, S extends AskedSequence>(
  { before, after }: { readonly before: Place; readonly after: Place },
  sequences: readonly S[],
  score: ScoreUnder<Place>,
  onCompared: (sequence: S, before: ResponseScores, after: ResponseScores) => void,
): Promise<void> {
  for (const sequence of sequences) {
    const first = await scoreResponse(before, sequence, score);
    onCompared(sequence, first, await scoreResponse(after, sequence, score));
  }
}

/** Told as sequences are scored under one checkpoint after the other; numbers are places in the lists. */
export interface ScoreListener {
  onScores(place: number, sequence: number, scores: ResponseScores): void;
  /** A checkpoint cannot be asked, or no more: what it was not asked yet is left out. */
  onProblem(place: number, problem: CheckpointProblem): void;
}

/** All sequences under all checkpoints. One that is gone or broken does not keep the others from being asked. */
export async function scoreUnderEach<Place>(
  places: readonly Place[],
  sequences: readonly AskedSequence[],
  score: ScoreUnder<Place>,
  listener: ScoreListener,
): Promise<void> {
  for (const [place, asked] of places.entries()) {
    try {
      for (const [number, sequence] of sequences.entries()) {
        listener.onScores(place, number, await scoreResponse(asked, sequence, score));
      }
    } catch (error) {
      if (!(error instanceof CheckpointProblem)) throw error;
      listener.onProblem(place, error);
    }
  }
}

function blankScores(tokens: number, alternatives: number): ResponseScores {
  return {
    logProb: new Float32Array(tokens).fill(NaN),
    entropy: new Float32Array(tokens).fill(NaN),
    rank: new Int32Array(tokens).fill(-1),
    topIds: new Int32Array(tokens * alternatives).fill(-1),
    topLogProbs: new Float32Array(tokens * alternatives).fill(NaN),
  };
}

function shifted(scores: Scores, by: number, tokens: number): ResponseScores {
  if (by === 0) return scores;
  const alternatives = scores.topIds.length / Math.max(1, scores.logProb.length);
  const whole = blankScores(tokens, alternatives);
  whole.logProb.set(scores.logProb, by);
  whole.entropy.set(scores.entropy, by);
  whole.rank.set(scores.rank, by);
  whole.topIds.set(scores.topIds, by * alternatives);
  whole.topLogProbs.set(scores.topLogProbs, by * alternatives);
  return whole;
}
