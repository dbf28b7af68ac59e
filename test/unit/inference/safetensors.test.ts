import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeUtf8 } from '../../../core/utf8';
import { headerLength, longestHeader, readHeader } from '../../../src/inference/safetensors';
import { problemOf } from './problems';

const file = 'model.safetensors';

/** Refusal of a header, with `data` bytes after it. */
function refusal(header: unknown, data: number): string {
  const bytes = encodeUtf8(typeof header === 'string' ? header : JSON.stringify(header));
  return problemOf(() => readHeader(file, bytes, 8 + bytes.length + data)).message;
}

function first(length: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
}

const a = { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] };
const b = { dtype: 'BF16', shape: [4], data_offsets: [24, 32] };
const again = 'copy or download the file once more.';

test('the header of a real file tells where every byte after it belongs', () => {
  const bytes = readFileSync('trainer/demo/base/model.safetensors');
  const length = headerLength(file, bytes.subarray(0, 8), bytes.length);
  const tensors = readHeader(file, bytes.subarray(8, 8 + length), bytes.length);
  assert.deepEqual(tensors.get('model.norm.weight')?.shape, [160]);
  const sum = [...tensors.values()].reduce((total, tensor) => total + tensor.length, 8 + length);
  assert.equal(sum, bytes.length);
  const norm = tensors.get('model.norm.weight');
  assert.ok(norm && 0 < bytes.readFloatLE(norm.offset));
});

test('places are counted from the beginning of the file', () => {
  const bytes = encodeUtf8(JSON.stringify({ __metadata__: { format: 'pt' }, b, a }) + '   ');
  const tensors = readHeader(file, bytes, 8 + bytes.length + 32);
  const data = 8 + bytes.length;
  assert.deepEqual(tensors.get('a'), { dtype: 'F32', shape: [2, 3], file, offset: data, length: 24 });
  assert.deepEqual(tensors.get('b'), { dtype: 'BF16', shape: [4], file, offset: data + 24, length: 8 });
});

test('a length that cannot be is refused before anything is allocated', () => {
  const told = (length: bigint, bytes: number): string =>
    problemOf(() => headerLength(file, first(length), bytes)).message;
  assert.equal(
    told(100_000_000n, 2 ** 40),
    `model.safetensors: says that its header has 100000000 bytes, more than the ${longestHeader} that are read; ${again}`,
  );
  assert.match(told(2n ** 64n - 1n, 100), /says that its header has 18446744073709551615 bytes/);
  assert.match(told(93n, 100), /says that its header has 93 bytes, but the whole file has 100/);
  assert.equal(headerLength(file, first(92n), 100), 92);
  assert.match(problemOf(() => headerLength(file, new Uint8Array(3), 3)).message, /has 3 bytes, too few for a header/);
});

const lies: readonly (readonly [title: string, header: unknown, data: number, sentence: RegExp])[] = [
  ['a file cut off', { a, b }, 31, /tensor "b": ends at byte \d+, but the file has \d+: it is cut off/],
  ['a file that grew', { a, b }, 33, /has 1 bytes after its last tensor/],
  ['a gap', { a, b: { ...b, data_offsets: [26, 34] } }, 34, /tensor "b": leaves 2 bytes before it to no tensor/],
  ['an overlap', { a, b: { ...b, data_offsets: [20, 28] } }, 28, /tensor "b": overlaps the tensor before it/],
  ['one place twice', { a, b: { ...a } }, 24, /overlaps the tensor before it/],
  [
    'a shape that does not fit',
    { a: { ...a, shape: [2, 4] } },
    24,
    /"a": says that it lies from 0 to 24, but F32 of shape \[2, 4\] takes 32 bytes/,
  ],
  ['a product beyond all numbers', { a: { ...a, shape: Array(9).fill(2 ** 50) } }, 24, /takes \d{30,} bytes/],
  ['an end before the beginning', { a: { ...a, data_offsets: [24, 0] } }, 24, /says that it lies from 24 to 0/],
  ['a negative place', { a: { ...a, data_offsets: [-24, 0] } }, 24, /has data_offsets that are no two places/],
  ['a place beyond 2^53', { a: { ...a, data_offsets: [2 ** 60, 2 ** 60 + 24] } }, 24, /no two places/],
  ['a size that is no whole number', { a: { ...a, shape: [1.5, 4] } }, 24, /has a shape that is no list of sizes/],
  ['too many dimensions', { a: { ...a, shape: Array(17).fill(1) } }, 4, /has a shape that is no list of sizes/],
  ['an unknown type', { a: { ...a, dtype: 'F31' } }, 24, /has the unknown type "F31"/],
  ['a type that is no text', { a: { ...a, dtype: ['F32'] } }, 24, /has the unknown type a list of 1/],
  ['an unknown key', { a: { ...a, path: '../x' } }, 24, /has the key "path", which the format does not know/],
  ['a tensor that is none', { a: 5 }, 0, /"a": has 5 in place of its type, shape and place/],
  ['a name twice', `{"a":${JSON.stringify(a)},"a":${JSON.stringify(a)}}`, 24, /names something twice, or nests it/],
  ['a key twice', '{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,2]}}', 2, /names something twice/],
  ['a control character in a name', { 'a\n\u0000': a }, 24, /tensor "a\\n\\u0000": has control characters in its name/],
  ['a name of a page', { ['n'.repeat(2000)]: a }, 24, /has a name of 2000 characters/],
  ['metadata that are no texts', { __metadata__: { a: 1 }, a }, 24, /__metadata__: must hold texts alone/],
  ['what is no JSON', '{"a":', 0, /model\.safetensors: is not JSON/],
  ['a list', '[]', 0, /does not begin with a brace/],
  ['space before the brace', ' {}', 0, /does not begin with a brace/],
];

for (const [title, header, data, sentence] of lies) {
  test(`refused: ${title}`, () => {
    const said = refusal(header, data);
    assert.match(said, sentence);
    assert.ok(said.startsWith(file) && said.endsWith('once more.'), said);
  });
}

test('names that objects have of their own are names like others', () => {
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', '0']) {
    const bytes = encodeUtf8(`{${JSON.stringify(name)}:${JSON.stringify(a)}}`);
    assert.deepEqual([...readHeader(file, bytes, 8 + bytes.length + 24).keys()], [name]);
  }
});

test('a hundred thousand nested lists are refused', () => {
  assert.match(
    refusal('{"a":' + '['.repeat(100_000) + ']'.repeat(100_000) + '}', 0),
    /in place of its type|is not JSON/,
  );
});

test('tensors of any types and shapes, in any order, are found where they were put', () => {
  const bytesOf = { F32: 4, F16: 2, BF16: 2, I64: 8, U8: 1 } as const;
  const tensor = fc.record({
    dtype: fc.constantFrom(...(Object.keys(bytesOf) as (keyof typeof bytesOf)[])),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1, maxLength: 9, unit: 'grapheme-ascii' }), tensor), (tensors) => {
      const header: Record<string, unknown> = {};
      const places = new Map<string, number>();
      let end = 0;
      for (const [name, { dtype, shape }] of Object.entries(tensors)) {
        const begin = end;
        end += shape.reduce((product, size) => product * size, bytesOf[dtype]);
        places.set(name, begin);
        Object.defineProperty(header, name, { value: { dtype, shape, data_offsets: [begin, end] }, enumerable: true });
      }
      const shuffled = Object.fromEntries(Object.entries(header).reverse());
      const bytes = encodeUtf8(JSON.stringify(shuffled));
      const read = readHeader(file, bytes, 8 + bytes.length + end);
      assert.equal(read.size, places.size);
      for (const [name, begin] of places) assert.equal(read.get(name)?.offset, 8 + bytes.length + begin);
    }),
  );
});
