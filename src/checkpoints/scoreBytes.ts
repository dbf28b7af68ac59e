import { crc32 } from '../../core/crc32';
import type { Scores } from './languageModel';

/** Of the question that a file answers: SHA-256. */
export const digestBytes = 32;

// Little-endian: magic, version, N, K, digest, then logProb, entropy, rank, topIds, topLogProbs, then the CRC-32 of all
// that stands before it.
const magic = 0x53465253;
const version = 1;
const headerBytes = 16 + digestBytes;
const numberBytes = 4;
const checkBytes = 4;
/** Kept of each token whatever K is. */
const columns = 3;

/** Scores as the bytes of a file that says which question it answers. */
export function encodeScores(scores: Scores, digest: Uint8Array): Uint8Array {
  const count = scores.logProb.length;
  const top = count === 0 ? 0 : scores.topIds.length / count;
  const bytes = new Uint8Array(sizeOf(count, top));
  const view = new DataView(bytes.buffer);
  for (const [at, number] of [magic, version, count, top].entries()) view.setUint32(at * numberBytes, number, true);
  bytes.set(digest, 16);
  let at = headerBytes;
  const floats = (values: Float32Array): void => {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += numberBytes;
    }
  };
  const whole = (values: Int32Array): void => {
    for (const value of values) {
      view.setInt32(at, value, true);
      at += numberBytes;
    }
  };
  floats(scores.logProb);
  floats(scores.entropy);
  whole(scores.rank);
  whole(scores.topIds);
  floats(scores.topLogProbs);
  view.setUint32(at, crc32(bytes.subarray(0, at)), true);
  return bytes;
}

/** The scores in a file; undefined when it is damaged, of another version, or answers another question. */
export function decodeScores(bytes: Uint8Array, digest: Uint8Array): Scores | undefined {
  if (bytes.length < headerBytes + checkBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = [0, 1, 2, 3].map((at) => view.getUint32(at * numberBytes, true));
  const [foundMagic, foundVersion, count = 0, top = 0] = header;
  if (foundMagic !== magic || foundVersion !== version || bytes.length !== sizeOf(count, top)) return undefined;
  if (digest.some((byte, at) => bytes[16 + at] !== byte)) return undefined;
  const end = bytes.length - checkBytes;
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) return undefined;
  let at = headerBytes;
  const floats = (length: number): Float32Array =>
    Float32Array.from({ length }, () => {
      at += numberBytes;
      return view.getFloat32(at - numberBytes, true);
    });
  const whole = (length: number): Int32Array =>
    Int32Array.from({ length }, () => {
      at += numberBytes;
      return view.getInt32(at - numberBytes, true);
    });
  return {
    logProb: floats(count),
    entropy: floats(count),
    rank: whole(count),
    topIds: whole(count * top),
    topLogProbs: floats(count * top),
  };
}

function sizeOf(count: number, top: number): number {
  return headerBytes + count * (columns + 2 * top) * numberBytes + checkBytes;
}
