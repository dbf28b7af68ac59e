import { formatNumber } from './format';
import { alternativesAt, inOrder, totalsOf, type ScoreTotals, type TraceScores } from './traceScores';
import { tokenBytes, type Trace } from './trace';
import { tokenWords } from './tokenWords';

/** So many alternatives of a place are told. */
export const toldAlternatives = 5;

/** What a checkpoint says of one token, in words. */
export interface TokenScore {
  readonly name: string;
  readonly probability: string;
  readonly logProb: string;
  readonly rank: string;
  readonly entropy: string;
  /** Likeliest first. */
  readonly alternatives: readonly { readonly words: string; readonly probability: string; readonly isToken: boolean }[];
}

/** What each checkpoint says of a token; those that gave it no score are left out. */
export function scoresOfToken(trace: Trace, scores: readonly TraceScores[], token: number): TokenScore[] {
  // Ids of different tokenizers do not compare; what they spell does.
  const bytes = tokenBytes(trace, token);
  return inOrder(scores).flatMap((each): TokenScore[] => {
    const logProb = each.logProb[token] ?? NaN;
    if (Number.isNaN(logProb)) return [];
    return [
      {
        name: each.name,
        probability: probabilityWords(logProb),
        logProb: signed(logProb),
        rank: `${each.rank[token] ?? NaN}`,
        entropy: formatNumber(each.entropy[token]),
        alternatives: alternativesAt(each, token, toldAlternatives).map((one) => ({
          words: tokenWords(one.bytes),
          probability: probabilityWords(one.logProb),
          isToken: isSame(one.bytes, bytes),
        })),
      },
    ];
  });
}

/** The same in one sentence's part: `under step 60: probability 0.500, …`. */
export function scoreSentence({ name, probability, logProb, rank, entropy, alternatives }: TokenScore): string {
  const likeliest = alternatives.map((one) => `${one.words} ${one.probability}`).join(', ');
  const figures = `probability ${probability}, log-prob ${logProb}, rank ${rank}, entropy ${entropy} nats`;
  return `under ${name}: ${figures}, likeliest ${likeliest}`;
}

/** Of a whole trace: `step 60: Σ log p −12.3, perplexity 1.20, 0.045 nats/byte`. */
export function totalWords(name: string, { sum, perplexity, natsPerByte }: ScoreTotals): string {
  const sumWords = `Σ log p ${sum < 0 ? '−' : ''}${Math.abs(sum).toFixed(1)}`;
  return `${name}: ${sumWords}, perplexity ${formatNumber(perplexity)}, ${formatNumber(natsPerByte)} nats/byte`;
}

/** Totals of each checkpoint, in words. */
export function totalsInWords(trace: Trace, scores: readonly TraceScores[]): string[] {
  return inOrder(scores).map((each) => totalWords(each.name, totalsOf(trace, each)));
}

/** Figures of tokens are probabilities from nothing to one: three digits, and how small it is when it is smaller. */
function probabilityWords(logProb: number): string {
  return formatNumber(Math.exp(logProb));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function signed(value: number): string {
  return value < 0 ? `−${formatNumber(-value)}` : formatNumber(value);
}
