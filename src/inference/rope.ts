import type { DecoderConfig, RopeScaling } from './model';

/** Cosines and sines that queries and keys are rotated with. */
export interface RotaryTables {
  /** [S, headSize / 2] of each position; the other half of a head is rotated with the same. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** The frequencies of one model. */
type Frequencies = Pick<DecoderConfig, 'headSize' | 'ropeTheta' | 'rope'>;

type Scaled<Kind extends RopeScaling['kind']> = Extract<RopeScaling, { kind: Kind }>;

/**
 * Rotary tables as transformers computes them. It works in float32 all along, and at position 100,000 the last bit of a
 * frequency moves the angle by a hundredth: so every step is rounded as torch rounds it. Only torch's `pow` is a bit
 * off the nearest value at times, and by another bit on another machine; here it is the nearest.
 *
 * @param config of the model
 * @param positions of the S tokens: listed, or all from the first number up to, but not with, the second
 * @param length tokens of the whole text so far, to which dynamic scaling adapts
 */
export function rotaryTables(
  config: Frequencies,
  positions: Int32Array | readonly [from: number, to: number],
  length: number,
): RotaryTables {
  const frequencies = inverseFrequencies(config, length);
  const half = frequencies.length;
  const [from, to] = positions;
  const listed = positions instanceof Int32Array;
  const count = listed ? positions.length : Math.max(0, (to ?? 0) - (from ?? 0));
  const cos = new Float32Array(count * half);
  const sin = new Float32Array(count * half);
  const scale = Math.fround(config.rope.kind === 'yarn' ? config.rope.attentionFactor : 1);
  for (let token = 0; token < count; token += 1) {
    const position = Math.fround(listed ? (positions[token] ?? 0) : (from ?? 0) + token);
    for (let index = 0; index < half; index += 1) {
      const angle = Math.fround(position * (frequencies[index] ?? 0));
      cos[token * half + index] = Math.fround(Math.cos(angle)) * scale;
      sin[token * half + index] = Math.fround(Math.sin(angle)) * scale;
    }
  }
  return { cos, sin };
}

/**
 * Radians a token for each pair of a head's values.
 *
 * @returns [headSize / 2]
 */
export function inverseFrequencies({ headSize, ropeTheta, rope }: Frequencies, length: number): Float32Array {
  switch (rope.kind) {
    case 'default':
      return plain(headSize, ropeTheta);
    case 'linear':
      return plain(headSize, ropeTheta).map((frequency) => frequency / Math.fround(rope.factor));
    case 'dynamic':
      return plain(headSize, dynamicTheta(rope, headSize, ropeTheta, length));
    case 'llama3':
      return plain(headSize, ropeTheta).map((frequency) => slowedWhereLow(rope, frequency));
    case 'yarn':
      return yarn(rope, headSize, ropeTheta);
  }
}

function plain(headSize: number, theta: number): Float32Array {
  return powers(headSize, theta).map((power) => 1 / power);
}

/** theta^(2i / headSize). A Float32Array rounds what is put into it. */
function powers(headSize: number, theta: number): Float32Array {
  return Float32Array.from({ length: headSize / 2 }, (_, index) => theta ** Math.fround((2 * index) / headSize));
}

/** Beyond the length that the model was made for, transformers counts in float32: the length is a tensor there. */
function dynamicTheta(rope: Scaled<'dynamic'>, headSize: number, theta: number, length: number): number {
  const exponent = headSize / (headSize - 2);
  const { factor, originalPositions: original } = rope;
  if (length <= original) return theta * (factor - (factor - 1)) ** exponent;
  const { fround } = Math;
  const stretched = fround(fround(fround(fround(factor) * length) / original) - fround(factor - 1));
  return fround(fround(theta) * fround(stretched ** fround(exponent)));
}

/** Llama 3.1: low frequencies are divided by the factor, high ones are kept, with a smooth passage between. */
function slowedWhereLow(rope: Scaled<'llama3'>, frequency: number): number {
  const { fround } = Math;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions: original } = rope;
  const wavelength = fround(fround(1 / frequency) * fround(2 * Math.PI));
  if (fround(original / low) < wavelength) return frequency / fround(factor);
  if (wavelength < fround(original / high)) return frequency;
  const turns = fround(fround(1 / wavelength) * fround(original));
  const smooth = fround(fround(turns - fround(low)) / fround(high - low));
  const slowed = fround(fround(fround(1 - smooth) * frequency) / fround(factor));
  return slowed + fround(smooth * frequency);
}

/** YaRN (https://arxiv.org/abs/2309.00071): pairs that turn often are kept, those that turn seldom are slowed. */
function yarn(rope: Scaled<'yarn'>, headSize: number, theta: number): Float32Array {
  const { fround } = Math;
  const [low, high] = correctedRange(rope, headSize, theta);
  return powers(headSize, theta).map((power, index) => {
    const rise = fround(fround(index - fround(low)) / fround(high - low));
    const kept = fround(1 - Math.min(Math.max(rise, 0), 1));
    const slowed = fround(1 / fround(fround(rope.factor) * power));
    return fround(slowed * fround(1 - kept)) + fround(fround(1 / power) * kept);
  });
}

/** First and last of the pairs that are between kept and slowed. */
function correctedRange(rope: Scaled<'yarn'>, headSize: number, theta: number): readonly [low: number, high: number] {
  const pairThatTurns = (times: number): number =>
    (headSize * Math.log(rope.originalPositions / (times * 2 * Math.PI))) / (2 * Math.log(theta));
  const first = pairThatTurns(rope.betaFast);
  const last = pairThatTurns(rope.betaSlow);
  const low = Math.max(rope.truncate ? Math.floor(first) : first, 0);
  const high = Math.min(rope.truncate ? Math.ceil(last) : last, headSize - 1);
  // One and the same pair would be divided by zero.
  return [low, low === high ? high + 0.001 : high];
}
