/**
 * How one token is drawn: filters and random numbers exactly as in the trainer (`srft/engine/sampling.py`), so that the
 * same seed, place and distribution give the same token there and here. V is the vocabulary.
 */

/** Names and meaning as in a recipe's `sampling`. */
export interface Sampling {
  /** 0 is greedy. */
  readonly temperature: number;
  /** 0 keeps all. */
  readonly topK: number;
  /** 1 keeps all. */
  readonly topP: number;
  /** 0 keeps all. */
  readonly minP: number;
}

/**
 * The token that is drawn.
 * @param probabilities [V] softmax(logits / temperature); need not sum up to exactly 1
 * @param random in [0, 1)
 */
export function drawToken(probabilities: Float32Array, sampling: Sampling, random: number): number {
  if (sampling.temperature === 0) return likeliest(probabilities);
  const isFiltered = sampling.topK > 0 || sampling.topP < 1 || sampling.minP > 0;
  return draw(isFiltered ? filtered(probabilities, sampling) : probabilities, random);
}

/** In [0, 1), 53 random bits from (seed, position): SplitMix64 (Steele, Lea, Flood 2014), two rounds. */
export function uniform(seed: bigint, position: number): number {
  const state = splitMix(BigInt.asUintN(64, seed)) + (BigInt(position) + 1n) * 0x9e3779b97f4a7c15n;
  return Number(splitMix(BigInt.asUintN(64, state)) >> 11n) * 2 ** -53;
}

function splitMix(value: bigint): bigint {
  let z = BigInt.asUintN(64, (value ^ (value >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** The first of the likeliest tokens. */
export function likeliest(probabilities: Float32Array): number {
  let best = 0;
  for (let id = 1; id < probabilities.length; id += 1) {
    if ((probabilities[id] ?? 0) > (probabilities[best] ?? 0)) best = id;
  }
  return best;
}

/** Where the running sum of the weights passes random · total; a token of weight 0 is never drawn. */
function draw(weights: Float32Array, random: number): number {
  let total = 0;
  for (const weight of weights) total += weight;
  const limit = random * total;
  let sum = 0;
  let last = 0;
  for (let id = 0; id < weights.length; id += 1) {
    const weight = weights[id] ?? 0;
    if (weight === 0) continue;
    sum += weight;
    last = id;
    if (sum > limit) return id;
  }
  return last;
}

/** [V] the probabilities with 0 for what the filters drop; they act in the order top-k, top-p, min-p. */
function filtered(probabilities: Float32Array, { topK, topP, minP }: Sampling): Float32Array {
  const order = Uint32Array.from(probabilities.keys()).sort(
    (one, other) => (probabilities[other] ?? 0) - (probabilities[one] ?? 0) || one - other,
  );
  const at = (rank: number): number => probabilities[order[rank] ?? 0] ?? 0;
  const smallest = topK > 0 ? at(Math.min(topK, order.length) - 1) : 0;
  const floor = Math.max(Math.fround(Math.fround(minP) * at(0)), smallest);
  let total = 0;
  for (const probability of probabilities) if (probability >= smallest) total += probability;
  const kept = new Float32Array(probabilities.length);
  let before = 0;
  for (const id of order) {
    const probability = probabilities[id] ?? 0;
    // The likeliest token always stays.
    if (before > 0 && (probability < floor || (topP < 1 && before >= topP * total))) break;
    kept[id] = probability;
    before += probability;
  }
  return kept;
}
