import { crc32 } from '../../core/crc32';
import type { Column } from '../../core/generated/wire';
import { formatVersion } from '../../core/generated/wireFacts';

/** A sequence to be written; what a column lacks is not there. Used by the bench and by tests: runs are written by the trainer. */
export interface WrittenSequence {
  readonly kind: number;
  readonly tokenBytes: readonly Uint8Array[];
  /** By column name; each as long as there are tokens. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

/** The first record of a segment. */
export function encodeHeader(columns: readonly Column[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ format: formatVersion, columns }));
  const payload = new Uint8Array(aligned(text.length)).fill(0x20);
  payload.set(text);
  return frame(0, payload);
}

/** The record of one sequence. */
export function encodeSequence(columns: readonly Column[], sequence: WrittenSequence): Uint8Array {
  const text = joined(sequence.tokenBytes);
  const lengths = sequence.tokenBytes.map((bytes) => bytes.length);
  const given: Readonly<Record<string, readonly number[] | Uint8Array>> = {
    ...sequence.values,
    text,
    byte_length: lengths,
  };
  let presence = 0n;
  const parts: Uint8Array[] = [new Uint8Array(16)];
  for (const [bit, column] of columns.entries()) {
    const values = given[column.name];
    if (values === undefined) continue;
    presence |= 1n << BigInt(bit);
    parts.push(padded(itemsOf(column.dtype, values)));
  }
  const payload = joined(parts);
  const view = new DataView(payload.buffer);
  view.setUint32(0, lengths.length, true);
  view.setUint32(4, text.length, true);
  view.setBigUint64(8, presence, true);
  return frame(sequence.kind, payload);
}

function frame(kind: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + payload.length);
  bytes.set(payload, 16);
  const view = new DataView(bytes.buffer);
  bytes.set([0x53, 0x52, 0x46, 0x54]);
  view.setUint32(4, payload.length, true);
  view.setUint32(12, kind, true);
  view.setUint32(8, crc32(bytes, 12), true);
  return bytes;
}

function itemsOf(dtype: Column['dtype'], values: readonly number[] | Uint8Array): Uint8Array {
  switch (dtype) {
    case 'u8':
      return Uint8Array.from(values);
    case 'u16':
      return bytesOf(Uint16Array.from(values));
    case 'u32':
      return bytesOf(Uint32Array.from(values));
    case 'i32':
      return bytesOf(Int32Array.from(values));
    case 'f32':
      return bytesOf(Float32Array.from(values));
    case 'f16':
      throw new Error('this writer has no half floats');
  }
}

function bytesOf(values: Uint16Array | Uint32Array | Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(aligned(bytes.length));
  result.set(bytes);
  return result;
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
