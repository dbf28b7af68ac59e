import { decodeUtf8 } from '../../core/utf8';
import { isObject, JsonFile } from './jsonFile';
import type { TensorPlace } from './model';
import { CheckpointProblem } from './problem';
import { shown, shownShape } from './shown';

/** A tensor of a header: its type may be one that nothing here can use, which matters only where it is needed. */
export type StoredTensor = Omit<TensorPlace, 'dtype'> & { readonly dtype: string };

/** Tensors of one or more files by the name they are stored under. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** Bytes before the header: its length. */
export const lengthBytes = 8;

/** The format allows 100 MB; the header of 1,000 layers has one, and a much longer one would only be slow. */
export const longestHeader = 4 * 1024 * 1024;

/**
 * Length of the header in bytes. Nothing of that size is allocated before it is known to fit.
 *
 * @param file its name, for messages
 * @param first bytes of the file, the first 8 of them at least where it is that long
 * @param fileBytes size of the whole file
 * @throws {CheckpointProblem} when there can be no such header
 */
export function headerLength(file: string, first: Uint8Array, fileBytes: number): number {
  if (first.length < lengthBytes || fileBytes < lengthBytes) {
    throw damaged(`has ${Math.min(first.length, fileBytes)} bytes, too few for a header`, file);
  }
  const view = new DataView(first.buffer, first.byteOffset, lengthBytes);
  const length = view.getBigUint64(0, true);
  if (BigInt(longestHeader) < length) {
    throw damaged(`says that its header has ${length} bytes, more than the ${longestHeader} that are read`, file);
  }
  if (BigInt(fileBytes - lengthBytes) < length) {
    throw damaged(`says that its header has ${length} bytes, but the whole file has ${fileBytes}`, file);
  }
  return Number(length);
}

/**
 * The tensors that a header tells of, as the format defines it (https://huggingface.co/docs/safetensors): they fill the
 * rest of the file, one after the other, without gap or overlap.
 *
 * @param file its name, for messages
 * @param header the bytes of the header alone
 * @param fileBytes size of the whole file
 * @throws {CheckpointProblem} when the header lies or cannot be read
 */
export function readHeader(file: string, header: Uint8Array, fileBytes: number): StoredTensors {
  const text = decodeUtf8(header);
  if (!text.startsWith('{')) throw damaged('has a header that does not begin with a brace', file);
  const { object } = JsonFile.parse(file, text);
  checkNoneTwice(file, text, object);
  const data = lengthBytes + header.length;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(object)) {
    if (name === '__metadata__') checkMetadata(file, entry);
    else tensors.set(name, readEntry(file, name, entry, data));
  }
  checkPlaces(file, [...tensors], data, fileBytes);
  return tensors;
}

/** Bits of a value of each type that the format knows. */
const bitsOf: ReadonlyMap<string, number> = new Map([
  ...pairs(4, 'F4'),
  ...pairs(6, 'F6_E2M3', 'F6_E3M2'),
  ...pairs(8, 'BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'),
  ...pairs(16, 'U16', 'I16', 'F16', 'BF16'),
  ...pairs(32, 'U32', 'I32', 'F32'),
  ...pairs(64, 'U64', 'I64', 'F64', 'C64'),
]);

function pairs(bits: number, ...types: string[]): readonly (readonly [string, number])[] {
  return types.map((type) => [type, bits] as const);
}

const mostDimensions = 16;
const longestName = 1024;

function readEntry(file: string, name: string, entry: unknown, data: number): StoredTensor {
  const where = `${file}, tensor ${shown(name)}`;
  if (/[\p{Cc}\ufffd]/u.test(name)) throw damaged('has control characters in its name', where);
  if (longestName < name.length) throw damaged(`has a name of ${name.length} characters`, where);
  if (!isObject(entry)) throw damaged(`has ${shown(entry)} in place of its type, shape and place`, where);
  const extra = Object.keys(entry).find((key) => !['dtype', 'shape', 'data_offsets'].includes(key));
  if (extra !== undefined) throw damaged(`has the key ${shown(extra)}, which the format does not know`, where);
  const { dtype, shape, data_offsets: offsets } = entry;
  const bits = typeof dtype === 'string' ? bitsOf.get(dtype) : undefined;
  if (typeof dtype !== 'string' || bits === undefined) throw damaged(`has the unknown type ${shown(dtype)}`, where);
  if (!isSizes(shape) || mostDimensions < shape.length) throw damaged('has a shape that is no list of sizes', where);
  if (!isSizes(offsets) || offsets.length !== 2) throw damaged('has data_offsets that are no two places', where);
  const [begin = 0, end = 0] = offsets;
  const length = shape.reduce((product, size) => product * BigInt(size), BigInt(bits)) / 8n;
  if (end < begin || BigInt(end - begin) !== length) {
    const says = `says that it lies from ${begin} to ${end}`;
    throw damaged(`${says}, but ${dtype} of shape ${shownShape(shape)} takes ${length} bytes`, where);
  }
  return { dtype, shape, file, offset: data + begin, length: end - begin };
}

function checkPlaces(
  file: string,
  tensors: readonly (readonly [string, StoredTensor])[],
  data: number,
  fileBytes: number,
): void {
  // Of tensors that begin at one place, those without bytes come first: they lie before the others.
  const inOrder = tensors.toSorted(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  let end = data;
  for (const [name, { offset, length }] of inOrder) {
    const where = `${file}, tensor ${shown(name)}`;
    if (offset < end) throw damaged('overlaps the tensor before it', where);
    if (end < offset) throw damaged(`leaves ${offset - end} bytes before it to no tensor`, where);
    end = offset + length;
    if (fileBytes < end) throw damaged(`ends at byte ${end}, but the file has ${fileBytes}: it is cut off`, where);
  }
  if (end < fileBytes) throw damaged(`has ${fileBytes - end} bytes after its last tensor`, file);
}

function checkMetadata(file: string, entry: unknown): void {
  const fits = entry === null || (isObject(entry) && Object.values(entry).every((text) => typeof text === 'string'));
  if (!fits) throw damaged('must hold texts alone', `${file}, __metadata__`);
}

/** JSON.parse keeps the last of two equal names without a word; each name is followed by a colon outside of texts. */
function checkNoneTwice(file: string, text: string, object: Readonly<Record<string, unknown>>): void {
  const keys = Object.values(object).reduce<number>(
    (sum, entry) => sum + (isObject(entry) ? Object.keys(entry).length : 0),
    Object.keys(object).length,
  );
  if (keysIn(text) !== keys) throw damaged('has a header that names something twice, or nests it', file);
}

function keysIn(text: string): number {
  let keys = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (inText && character === backslash) at += 1;
    else if (character === quote) inText = !inText;
    else if (!inText && character === colon) keys += 1;
  }
  return keys;
}

const backslash = 0x5c;
const quote = 0x22;
const colon = 0x3a;

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && 0 <= size);
}

function damaged(fault: string, where: string): CheckpointProblem {
  return new CheckpointProblem(fault, where, 'copy or download the file once more');
}
