import { column, type Trace } from './trace';
import { natLimits, type Overlay } from './traceOverlays';
import { inOrder, scorePrefix, type TraceScores } from './traceScores';
import { shortNumber } from './verdictWords';

/** Probabilities that differ by less are similar; the others are fixed shares of the whole range [-1, 1]. */
export const differenceLimits = [0.05, 0.25, 0.5, 0.75];

const rankLimits = [2, 3, 5, 20, 100];

/** What the recorded log-probs of a trace are. */
export interface Recorded {
  /** `as written`, `as trained on` */
  readonly name: string;
  /** How a difference from them is to be read. */
  readonly unit: string;
}

/**
 * Overlays of what checkpoints say of a trace: of each of them surprise, entropy, rank, and how the probability differs
 * from the recorded one; and of each how it differs from the first.
 */
export function overlaysOfScores(trace: Trace, scores: readonly TraceScores[], recorded: Recorded): Overlay[] {
  const ordered = inOrder(scores);
  const [first, ...others] = ordered;
  const written = column(trace, 'logprob');
  return [
    ...ordered.flatMap((each) => [
      ...sizes(each),
      ...(written === undefined ? [] : [difference(each, { key: 'recorded', ...recorded, logProb: written })]),
    ]),
    ...(first === undefined
      ? []
      : others.map((each) => difference(each, { ...first, unit: temperatureWords(each.temperature) }))),
  ];
}

/** A temperature as it stands in a scale: `T = 0.8`. */
export function temperatureWords(temperature: number): string {
  return `T = ${shortNumber(temperature)}`;
}

function sizes({ key, name, temperature, logProb, entropy, rank }: TraceScores): Overlay[] {
  const size = (what: string, unit: string, values: Float32Array, limits: readonly number[]): Overlay => ({
    kind: 'size',
    id: `${scorePrefix(key)}${what}`,
    label: `${what} · ${name}`,
    unit,
    values,
    limits,
  });
  const at = temperature === 1 ? '' : `, ${temperatureWords(temperature)}`;
  return [
    size(
      'surprise',
      `nats (−log p)${at}`,
      logProb.map((value) => -value),
      natLimits,
    ),
    size('entropy', `nats${at}`, entropy, natLimits),
    size('rank', 'place among all tokens, 1 the likeliest', rank, rankLimits),
  ];
}

/** What a difference is taken from. */
interface Reference extends Recorded {
  readonly key: string;
  readonly logProb: Float32Array;
}

function difference(scores: TraceScores, { key, name, unit, logProb }: Reference): Overlay {
  return {
    kind: 'signed',
    id: `${scorePrefix(scores.key)}difference/${key}`,
    label: `Δ probability, ${scores.name} − ${name}`,
    unit,
    values: scores.logProb.map((value, token) => Math.exp(value) - Math.exp(logProb[token] ?? NaN)),
    limits: differenceLimits,
  };
}
