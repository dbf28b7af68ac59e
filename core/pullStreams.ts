/** Where pull comes from: own answers by their verdict, demonstrations by the term that acts on them. */
export const pullStreams = ['right', 'wrong', 'imitation', 'reinforcement'] as const;

export type PullStream = (typeof pullStreams)[number];

/** What an entropy or a length belongs to: both terms of a demonstration act on the same tokens. */
export const sequenceSources = ['right', 'wrong', 'demonstration'] as const;

export type SequenceSource = (typeof sequenceSources)[number];

/** The source of a sequence of training; undefined for one that was not trained on. */
export function sourceOf(kind: string, correct: boolean): SequenceSource | undefined {
  switch (kind) {
    case 'demonstration':
      return 'demonstration';
    case 'rollout':
    case 'hybrid':
      return correct ? 'right' : 'wrong';
    default:
      return undefined;
  }
}

/** The stream that a term of the loss pulls in, on a sequence of this source. */
export function streamOf(source: SequenceSource, term: string): PullStream {
  if (source !== 'demonstration') return source;
  return term === 'demo_sft' ? 'imitation' : 'reinforcement';
}

/** Pull of one step, summed over the sequences that were read. */
export interface StepPull {
  readonly step: number;
  /** Sum of |pull| over terms and tokens, by stream. */
  readonly mass: Float64Array;
  /** Tokens that were read, by source. */
  readonly read: Float64Array;
  /** Tokens there are, by source, read or not. */
  readonly all: Float64Array;
}

/** A step of which nothing was read yet. */
export function stepPull(step: number): StepPull {
  return {
    step,
    mass: new Float64Array(pullStreams.length),
    read: new Float64Array(sequenceSources.length),
    all: new Float64Array(sequenceSources.length),
  };
}

/**
 * Mass of each stream in the whole step: what was read, by the tokens there are. NaN where a source has tokens and none of
 * them was read; what was read whole is as it is.
 */
export function massesOf({ mass, read, all }: StepPull): Float64Array {
  return mass.map((sum, stream) => {
    const source = Math.min(stream, sequenceSources.length - 1);
    const [there, seen] = [all[source] ?? 0, read[source] ?? 0];
    if (seen === there) return sum;
    return seen === 0 ? NaN : (sum * there) / seen;
  });
}

/** What each mass is of their sum; all NaN where one of them is not known, or nothing pulls. */
export function sharesOf(masses: Float64Array): Float64Array {
  const sum = masses.reduce((before, mass) => before + mass, 0);
  return masses.map((mass) => (sum > 0 ? mass / sum : NaN));
}
