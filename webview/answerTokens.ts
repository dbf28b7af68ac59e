import { formatNumber } from '../core/format';
import type { AnswerNews } from '../core/generated/playground';
import { levelAt, natLimits, type Overlay } from '../core/traceOverlays';

/** What the tokens of an answer are tinted by. */
export type Tint = 'none' | 'surprise' | 'entropy';

/** One token that was written. */
export interface AnswerToken {
  readonly id: number;
  /** Empty for a part of a character that a later token completes. */
  readonly text: string;
  readonly isSpecial: boolean;
  /** Natural log of its probability. */
  readonly logProb: number;
  /** Nats. */
  readonly entropy: number;
}

/** Tokens of an answer in blocks, so that what has been drawn stays as it is while the answer grows. */
export type AnswerBlocks = readonly (readonly AnswerToken[])[];

/** Tokens of a block; only the last one has fewer. */
export const blockSize = 64;

/** The tokens with those of a message, which take the place of what was there from its first on. */
export function withNews(blocks: AnswerBlocks, news: AnswerNews): AnswerBlocks {
  const whole = Math.floor(news.from / blockSize);
  const kept = blocks.slice(0, whole);
  const open = (blocks[whole] ?? []).slice(0, news.from - whole * blockSize);
  const rest = [...open, ...tokensOf(news)];
  for (let from = 0; from < rest.length; from += blockSize) kept.push(rest.slice(from, from + blockSize));
  return kept;
}

/** How many tokens there are. */
export function countOf(blocks: AnswerBlocks): number {
  return Math.max(0, blocks.length - 1) * blockSize + (blocks.at(-1)?.length ?? 0);
}

/** A token by its place from 0. */
export function tokenAt(blocks: AnswerBlocks, place: number): AnswerToken | undefined {
  return blocks[Math.floor(place / blockSize)]?.[place % blockSize];
}

/** Figures of an answer as a whole. */
export function sumsOf(blocks: AnswerBlocks): { readonly logProb: number; readonly meanEntropy: number } {
  let logProb = 0;
  let entropy = 0;
  for (const block of blocks)
    for (const token of block) {
      logProb += token.logProb;
      entropy += token.entropy;
    }
  const count = countOf(blocks);
  return { logProb, meanEntropy: count === 0 ? NaN : entropy / count };
}

/** Level of each token, by the limits that traces have: 0 none, then 1 to 5. */
export function levelsOf(block: readonly AnswerToken[], tint: Tint): number[] {
  if (tint === 'none') return block.map(() => 0);
  const values = Float32Array.from(block, ({ logProb, entropy }) => (tint === 'entropy' ? entropy : -logProb));
  const overlay: Overlay = { kind: 'size', id: tint, label: tint, unit: 'nats', values, limits: natLimits };
  return block.map((_, token) => levelAt(overlay, token));
}

/** Where a key leads from a token; undefined for a key that leads nowhere. `from` is -1 before the first. */
export function placeOfKey(key: string, from: number, count: number): number | undefined {
  const places: Readonly<Record<string, number>> = {
    ArrowRight: from + 1,
    ArrowDown: from + 10,
    ArrowLeft: from - 1,
    ArrowUp: from - 10,
    Home: 0,
    End: count - 1,
  };
  const place = places[key];
  if (place === undefined || count === 0) return undefined;
  return Math.min(count - 1, Math.max(0, place));
}

/** With a minus that is one. */
export function signedNumber(value: number): string {
  return value < 0 ? `−${formatNumber(-value)}` : formatNumber(value);
}

function tokensOf({ ids, texts, special, logProb, entropy }: AnswerNews): AnswerToken[] {
  return texts.map((text, place) => ({
    id: ids[place] ?? 0,
    text,
    isSpecial: special[place] === 1,
    logProb: logProb[place] ?? NaN,
    entropy: entropy[place] ?? NaN,
  }));
}
