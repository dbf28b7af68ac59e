import { crc32 } from './crc32';
import type { Column } from './generated/wire';
import { broken, read, type Read } from './read';
import { decodeUtf8 } from './utf8';
import { parseSegmentHeader } from './wireText';

/** One sequence of a segment, its columns as views on the bytes they were read from. T is its number of tokens. */
export interface RolloutColumns {
  readonly kind: RecordKind;
  readonly tokens: number;
  /** The tokens' raw bytes, special tokens included; may be invalid UTF-8. */
  readonly text: Uint8Array;
  /** Every column the record has, by name, in the segment's order; those of later releases too. `text` is not among them. */
  readonly columns: ReadonlyMap<string, RolloutColumn>;
}

/** One column of a record: [T] values, or raw bytes. */
export interface RolloutColumn {
  readonly unit: string | null;
  readonly per: Column['per'];
  readonly values: ColumnValues;
}

/** f16 is widened to f32; every other type is a view. */
export type ColumnValues = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array;

/** What a record is; a number this release does not know is kept. */
export type RecordKind =
  'header' | 'prompt' | 'rollout' | 'demonstration' | 'hybrid' | 'evaluation' | 'probe' | { readonly unknown: number };

/** Bytes before the payload: magic, length, checksum, kind. */
export const frameBytes = 16;

/** Bytes of the whole record that begins with `start` (at least `frameBytes` of it). */
export function recordLength(start: Uint8Array): Read<number> {
  if (start.length < frameBytes) return broken(`${start.length} bytes are too few for a record`);
  const view = viewOf(start);
  if (view.getUint32(0, true) !== magic) return broken('no record begins here');
  return read(frameBytes + view.getUint32(4, true));
}

/** The column list that a segment begins with; `bytes` is its first record, exactly. */
export function readSegmentHeader(bytes: Uint8Array): Read<readonly Column[]> {
  const frame = readFrame(bytes);
  if (frame.kind === 'broken') return frame;
  if (frame.value !== 'header') return broken('the segment does not begin with its column list');
  const header = parseSegmentHeader(decodeUtf8(bytes.subarray(frameBytes)));
  return header.kind === 'read' ? read(header.value.columns) : header;
}

/** The sequence that `bytes` hold, exactly one record at a multiple of 8 within its buffer. Never throws. */
export function readRollout(bytes: Uint8Array, columns: readonly Column[]): Read<RolloutColumns> {
  const frame = readFrame(bytes);
  if (frame.kind === 'broken') return frame;
  if (frame.value === 'header') return broken('a column list stands where a sequence should');
  if (bytes.length < frameBytes + sequenceBytes) return broken('the record is too short for a sequence');
  const view = viewOf(bytes);
  const counts = { token: view.getUint32(frameBytes, true), byte: view.getUint32(frameBytes + 4, true) };
  const presence = [view.getUint32(frameBytes + 8, true), view.getUint32(frameBytes + 12, true)] as const;
  const found = readColumns(bytes, columns, counts, presence);
  if (found.kind === 'broken') return found;
  const text = found.value.get(textName)?.values;
  found.value.delete(textName);
  if (text !== undefined && !(text instanceof Uint8Array)) return broken('the text is not a column of bytes');
  return read({ kind: frame.value, tokens: counts.token, text: text ?? new Uint8Array(0), columns: found.value });
}

/** Where each token's bytes begin in the text: T + 1 offsets. Fails when the byte lengths do not sum to the text. */
export function tokenOffsets(record: RolloutColumns): Read<Uint32Array> {
  const lengths = record.columns.get('byte_length')?.values;
  if (lengths === undefined) return broken('the record has no byte lengths');
  const offsets = new Uint32Array(record.tokens + 1);
  let at = 0;
  lengths.forEach((length: number, token: number) => {
    at += length;
    offsets[token + 1] = at;
  });
  if (at !== record.text.length) {
    return broken(`the byte lengths sum to ${at}, the text has ${record.text.length} bytes`);
  }
  return read(offsets);
}

/**
 * Text of each token; together they are the text. A character whose bytes are spread over tokens belongs to the last of
 * them, so that no token shows half a character.
 */
export function tokenTexts(record: RolloutColumns): Read<string[]> {
  const offsets = tokenOffsets(record);
  if (offsets.kind === 'broken') return offsets;
  const texts: string[] = [];
  let from = 0;
  for (let token = 1; token <= record.tokens; token += 1) {
    const end = offsets.value[token] ?? 0;
    const to = token === record.tokens ? end : Math.max(from, characterBoundary(record.text, end));
    texts.push(decodeUtf8(record.text.subarray(from, to)));
    from = to;
  }
  return read(texts);
}

/** The whole text. */
export function rolloutText(record: RolloutColumns): string {
  return decodeUtf8(record.text);
}

/** Bytes of a record that say where its text lies. */
export const textPlaceBytes = 32;

/**
 * Where the text of the record of `length` bytes that begins at `at` lies within the record, told by its frame and its
 * counts. Nothing is checked but that the text lies inside: a search looks at every record there is, and whoever opens one
 * of them reads it with `readRollout`, checksum included.
 */
export function textPlace(
  view: DataView,
  at: number,
  length: number,
  columns: readonly Column[],
): Read<{ readonly from: number; readonly to: number }> {
  if (length < textPlaceBytes) return broken('the record is too short for a sequence');
  if (view.getUint32(at, true) !== magic) return broken('no record begins here');
  if (frameBytes + view.getUint32(at + 4, true) !== length) return broken('the record has another length');
  const tokens = view.getUint32(at + frameBytes, true);
  const bytes = view.getUint32(at + frameBytes + 4, true);
  const low = view.getUint32(at + frameBytes + 8, true);
  const high = view.getUint32(at + frameBytes + 12, true);
  let from = textPlaceBytes;
  for (let bit = 0; bit < columns.length; bit += 1) {
    const column = columns[bit];
    if (column === undefined || !isPresent([low, high], bit)) continue;
    if (column.name === textName) {
      if (column.dtype !== 'u8' || column.per !== 'byte') return broken('the text is not a column of bytes');
      return from + bytes <= length ? read({ from, to: from + bytes }) : broken('the text does not fit the record');
    }
    const bytesLong = (column.per === 'token' ? tokens : bytes) * itemBytes[column.dtype];
    from += bytesLong + ((alignment - (bytesLong % alignment)) % alignment);
  }
  return read({ from: textPlaceBytes, to: textPlaceBytes });
}

const magic = 0x54465253; // "SRFT", little-endian
const sequenceBytes = 16;
const alignment = 8;
const textName = 'text';
const recordKinds = ['header', 'prompt', 'rollout', 'demonstration', 'hybrid', 'evaluation', 'probe'] as const;

function readFrame(bytes: Uint8Array): Read<RecordKind> {
  const length = recordLength(bytes);
  if (length.kind === 'broken') return length;
  if (length.value !== bytes.length) {
    return broken(`the record says ${length.value} bytes, there are ${bytes.length}`);
  }
  const view = viewOf(bytes);
  if (crc32(bytes, 12) !== view.getUint32(8, true)) return broken('the checksum does not match');
  const number = view.getUint32(12, true);
  return read(recordKinds[number] ?? { unknown: number });
}

function readColumns(
  bytes: Uint8Array,
  columns: readonly Column[],
  counts: Readonly<Record<Column['per'], number>>,
  presence: readonly [number, number],
): Read<Map<string, RolloutColumn>> {
  const found = new Map<string, RolloutColumn>();
  let at = frameBytes + sequenceBytes;
  for (const [bit, column] of columns.entries()) {
    if (!isPresent(presence, bit)) continue;
    const count = counts[column.per];
    const bytesLong = count * itemBytes[column.dtype];
    if (!(at + bytesLong <= bytes.length)) return broken(`the column ${column.name} does not fit the record`);
    found.set(column.name, { unit: column.unit, per: column.per, values: viewColumn(bytes, at, count, column.dtype) });
    at += bytesLong + ((alignment - (bytesLong % alignment)) % alignment);
  }
  return read(found);
}

function isPresent(presence: readonly [number, number], bit: number): boolean {
  if (bit >= 64) return false;
  return (((bit < 32 ? presence[0] : presence[1]) >>> (bit & 31)) & 1) === 1;
}

const itemBytes: Readonly<Record<Column['dtype'], number>> = { u8: 1, u16: 2, u32: 4, i32: 4, f16: 2, f32: 4 };

function viewColumn(bytes: Uint8Array, at: number, count: number, dtype: Column['dtype']): ColumnValues {
  const offset = bytes.byteOffset + at;
  switch (dtype) {
    case 'u8':
      return new Uint8Array(bytes.buffer, offset, count);
    case 'u16':
      return new Uint16Array(bytes.buffer, offset, count);
    case 'u32':
      return new Uint32Array(bytes.buffer, offset, count);
    case 'i32':
      return new Int32Array(bytes.buffer, offset, count);
    case 'f16':
      return Float32Array.from(new Uint16Array(bytes.buffer, offset, count), halfToNumber);
    case 'f32':
      return new Float32Array(bytes.buffer, offset, count);
  }
}

function halfToNumber(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The last place at or before `end` that no character's bytes reach across. */
function characterBoundary(text: Uint8Array, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back += 1) {
    const byte = text[end - back] ?? 0;
    if (byte >= 0xc0) return back < characterBytes(byte) ? end - back : end;
    if (byte < 0x80) return end;
  }
  return end;
}

function characterBytes(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
