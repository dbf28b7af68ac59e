import type { ScoreRequest, WriteRequest } from './languageModel';

/** Most tokens of a text, and most tokens that all rows of a continuation may have together. */
export const mostTokens = 1 << 20;
/** Most of the likeliest tokens that are kept of each place. */
export const mostTop = 256;
/** Most numbers of the table of likeliest tokens: 64 MB of ids and log-probs. */
const mostTopNumbers = 1 << 23;
/** Most continuations side by side. */
export const mostRows = 256;
const mostEndTokens = 1024;
const mostSeed = (1n << 64n) - 1n;

/**
 * Why a question cannot be asked, in words that follow "the question:"; undefined for one that can.
 * A native library is handed nothing that was not looked at.
 */
export function scoreFault(request: ScoreRequest, vocabulary: number): string | undefined {
  const { ids, from, temperature, top } = request;
  const idsFault = tokensFault(ids, vocabulary);
  if (idsFault !== undefined) return idsFault;
  if (!isWhole(from, 1, ids.length)) return `from is ${from}, not within 1 … ${ids.length}`;
  if (!(temperature > 0 && Number.isFinite(temperature))) return `temperature is ${temperature}, not above 0`;
  if (!isWhole(top, 0, Math.min(mostTop, vocabulary))) return `top is ${top}, not within 0 … ${mostTop}`;
  if ((ids.length - from) * top > mostTopNumbers) return `${top} likeliest of ${ids.length - from} tokens are too many`;
  return undefined;
}

/** The same of a continuation. */
export function writeFault(request: WriteRequest, vocabulary: number): string | undefined {
  const { prefix, seeds, firstPosition, maxTokens, sampling, endTokens } = request;
  const prefixFault = tokensFault(prefix, vocabulary);
  if (prefixFault !== undefined) return prefixFault;
  if (prefix.length === 0) return 'nothing to continue from';
  if (!isWhole(seeds.length, 1, mostRows)) return `${seeds.length} rows, not within 1 … ${mostRows}`;
  const seed = seeds.find((value) => value < 0n || value > mostSeed);
  if (seed !== undefined) return `seed ${seed} is not a number of 64 bits`;
  if (!isWhole(firstPosition, 0, mostTokens)) return `firstPosition is ${firstPosition}`;
  if (!isWhole(maxTokens, 1, mostTokens)) return `maxTokens is ${maxTokens}, not within 1 … ${mostTokens}`;
  if (maxTokens * seeds.length > mostTokens) return `${seeds.length} rows of ${maxTokens} tokens are too many`;
  const { temperature, topK, topP, minP } = sampling;
  if (!(temperature >= 0 && Number.isFinite(temperature))) return `temperature is ${temperature}`;
  if (!isWhole(topK, 0, mostTokens)) return `topK is ${topK}`;
  if (!(topP > 0 && topP <= 1)) return `topP is ${topP}, not within (0, 1]`;
  if (!(minP >= 0 && minP <= 1)) return `minP is ${minP}, not within [0, 1]`;
  if (endTokens.length > mostEndTokens) return `${endTokens.length} end tokens`;
  const end = endTokens.find((id) => !isWhole(id, 0, vocabulary - 1));
  return end === undefined ? undefined : outside(end, vocabulary);
}

function tokensFault(ids: Int32Array, vocabulary: number): string | undefined {
  if (!(ids instanceof Int32Array)) return 'ids are no Int32Array';
  if (ids.length > mostTokens) return `${ids.length} tokens are more than ${mostTokens}`;
  const foreign = ids.find((id) => id < 0 || id >= vocabulary);
  return foreign === undefined ? undefined : outside(foreign, vocabulary);
}

function outside(id: number, vocabulary: number): string {
  return `token ${id} is not in the vocabulary of ${vocabulary}`;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
