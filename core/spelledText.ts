import type { RolloutColumns } from './rolloutColumns';
import { decodeUtf8 } from './utf8';

/** Tokens and the bytes they spell, N of them. */
export interface Spelled {
  /** [N] */
  readonly ids: Int32Array;
  /** All bytes, one token after the other. */
  readonly bytes: Uint8Array;
  /** [N] bytes of each token. */
  readonly lengths: Int32Array;
}

/** A text as tokens: what stands before the part that is looked at, and that part. */
export interface PartedText {
  readonly promptIds: Int32Array;
  readonly prompt: string;
  readonly record: RolloutColumns;
}

/**
 * Part a text before the token that reaches beyond its first `before` bytes; a character is not parted, so the first part
 * may be shorter by some tokens.
 */
export function partedText(text: Spelled, before: number): PartedText {
  const [token, byte] = partingOf(text, before);
  return {
    promptIds: text.ids.slice(0, token),
    prompt: decodeUtf8(text.bytes.subarray(0, byte)),
    record: recordOf({
      ids: text.ids.subarray(token),
      bytes: text.bytes.subarray(byte),
      lengths: text.lengths.subarray(token),
    }),
  };
}

/** Tokens without figures as a record. */
export function recordOf({ ids, bytes, lengths }: Spelled): RolloutColumns {
  return {
    kind: 'rollout',
    tokens: ids.length,
    text: bytes.slice(),
    columns: new Map([
      ['id', { unit: null, per: 'token', values: Uint32Array.from(ids) }],
      ['byte_length', { unit: 'byte', per: 'token', values: Uint32Array.from(lengths) }],
    ]),
  };
}

/**
 * What stands around a text by a tokenizer's own template: `whole` is the text with it, `plain` the text alone.
 * @returns the whole without what stands behind the text, and how many bytes stand before it
 */
export function withoutEnd(whole: Spelled, plain: Spelled): { readonly text: Spelled; readonly before: number } {
  const around = whole.ids.length - plain.ids.length;
  let first = 0;
  while (first < around && !plain.ids.every((id, token) => whole.ids[first + token] === id)) first += 1;
  const end = first + plain.ids.length;
  return {
    text: {
      ids: whole.ids.subarray(0, end),
      bytes: whole.bytes.subarray(0, bytesOf(whole, end)),
      lengths: whole.lengths.subarray(0, end),
    },
    before: bytesOf(whole, first),
  };
}

/** Do tokens spell these bytes, and, where lengths are given, each its own? */
export function spells({ bytes, lengths }: Spelled, text: Uint8Array, each?: ArrayLike<number>): boolean {
  if (bytes.length !== text.length || !bytes.every((byte, at) => byte === text[at])) return false;
  return each === undefined || (each.length === lengths.length && lengths.every((length, at) => length === each[at]));
}

function partingOf({ bytes, lengths }: Spelled, before: number): [token: number, byte: number] {
  let parting: [number, number] = [0, 0];
  let at = 0;
  for (const [token, length] of lengths.entries()) {
    at += length;
    if (at > before) break;
    if (!isContinuation(bytes[at])) parting = [token + 1, at];
  }
  return parting;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte < 0xc0;
}

function bytesOf({ lengths }: Spelled, tokens: number): number {
  return lengths.subarray(0, tokens).reduce((sum, length) => sum + length, 0);
}
