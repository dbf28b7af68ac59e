/**
 * What two checkpoints say of the same tokens, after Figure 2 of arXiv 2506.19767: d = p_after − p_before, from −1 to 1.
 * A number that is not known is NaN and counts nowhere.
 */

/** Bins of the histogram: an odd number, so that the middle one holds what did not move. */
export const differenceBins = 41;
/** Less than this is similar, and is not tinted. */
export const similarBelow = 0.05;
/** More than this is told as the share of tokens that moved. */
export const muchAbove = 0.1;
/** Levels of a difference on either side, each from its limit on. */
export const differenceLimits = [similarBelow, 0.25, 0.5, 0.75] as const;
/** Levels of a probability above nothing, each from its limit on. */
export const probabilityLimits = [0.1, 0.3, 0.5, 0.7, 0.9] as const;

/** Differences taken together: those of two sets put together say what both say. */
export interface DifferenceCounts {
  /** [differenceBins] tokens. */
  readonly bins: readonly number[];
  readonly tokens: number;
  /** Those with |d| above `muchAbove`. */
  readonly much: number;
  /** Sum of |d|. */
  readonly size: number;
  /** Sum of d. */
  readonly sum: number;
}

/** A token of a set: which sequence, which token of it, and how far it moved. */
export interface MovedToken {
  readonly sequence: number;
  readonly token: number;
  readonly difference: number;
}

/** [T] p_after − p_before of tokens whose log-probs are known. */
export function differencesOf(before: Float32Array, after: Float32Array): Float32Array {
  return before.map((value, token) => Math.exp(after[token] ?? NaN) - Math.exp(value));
}

/** The bin of a difference; the last holds 1 too. */
export function binOf(difference: number): number {
  const bin = Math.floor(((difference + 1) / 2) * differenceBins);
  return Math.min(differenceBins - 1, Math.max(0, bin));
}

/** Where a bin begins and ends. */
export function binEdges(bin: number): readonly [number, number] {
  return [(2 * bin) / differenceBins - 1, (2 * (bin + 1)) / differenceBins - 1];
}

/** The counts of these differences and of what was counted before. */
export function counted(differences: Float32Array, before: DifferenceCounts = nothing): DifferenceCounts {
  const bins = [...before.bins];
  let { tokens, much, size, sum } = before;
  for (const difference of differences) {
    if (!Number.isFinite(difference)) continue;
    const bin = binOf(difference);
    bins[bin] = (bins[bin] ?? 0) + 1;
    tokens += 1;
    much += Number(Math.abs(difference) > muchAbove);
    size += Math.abs(difference);
    sum += difference;
  }
  return { bins, tokens, much, size, sum };
}

/** Counts of nothing. */
export const nothing: DifferenceCounts = {
  bins: Array.from({ length: differenceBins }, () => 0),
  tokens: 0,
  much: 0,
  size: 0,
  sum: 0,
};

/** Level of a difference: 0 for one that is similar, else ±1 … ±4. */
export function differenceLevel(difference: number): number {
  const level = levelOf(Math.abs(difference), differenceLimits);
  return difference < 0 && level > 0 ? -level : level;
}

/** Level of a probability: 0 … 5. */
export function probabilityLevel(probability: number): number {
  return levelOf(probability, probabilityLimits);
}

/** At most `most` tokens that moved most to one side, the farthest first, then in the order of the set. */
export function mostMoved(sequences: readonly Float32Array[], side: 'up' | 'down', most: number): MovedToken[] {
  const moved: MovedToken[] = [];
  const sign = side === 'up' ? 1 : -1;
  sequences.forEach((differences, sequence) => {
    differences.forEach((difference, token) => {
      if (difference * sign >= similarBelow) moved.push({ sequence, token, difference });
    });
  });
  return moved
    .sort((one, other) => (other.difference - one.difference) * sign || placeOrder(one, other))
    .slice(0, most);
}

/** Sum and count of −log p over the tokens of some sequences, in nats. */
export interface Surprise {
  readonly sum: number;
  readonly tokens: number;
}

/** −log p of these tokens, and what was summed before. */
export function surprised(logProbs: Float32Array, before: Surprise = { sum: 0, tokens: 0 }): Surprise {
  let { sum, tokens } = before;
  for (const value of logProbs) {
    if (!Number.isFinite(value)) continue;
    sum -= value;
    tokens += 1;
  }
  return { sum, tokens };
}

/** Mean −log p in nats a token; null of nothing. */
export function meanSurprise({ sum, tokens }: Surprise): number | null {
  return tokens === 0 ? null : sum / tokens;
}

/** At most `most` items, evenly over all, the first and the last among them. */
export function thinned<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  if (most < 2) return items.slice(0, most);
  return Array.from({ length: most }, (_, place) => Math.round((place * (items.length - 1)) / (most - 1))).flatMap(
    (place) => items.slice(place, place + 1),
  );
}

function levelOf(size: number, limits: readonly number[]): number {
  let level = 0;
  while (level < limits.length && size >= (limits[level] ?? Infinity)) level += 1;
  return level;
}

function placeOrder(one: MovedToken, other: MovedToken): number {
  return one.sequence - other.sequence || one.token - other.token;
}
