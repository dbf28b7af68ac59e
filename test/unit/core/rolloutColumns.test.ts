import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { crc32 } from '../../../core/crc32';
import type { Column } from '../../../core/generated/wire';
import { readRollout, readSegmentHeader, recordLength, rolloutText, tokenTexts } from '../../../core/rolloutColumns';
import { encodeHeader, encodeSequence } from '../../../src/cli/recordWriter';

const base: Column[] = [
  { name: 'text', dtype: 'u8', unit: null, per: 'byte' },
  { name: 'id', dtype: 'u32', unit: null, per: 'token' },
  { name: 'byte_length', dtype: 'u16', unit: 'byte', per: 'token' },
  { name: 'logprob', dtype: 'f32', unit: 'nat', per: 'token' },
  { name: 'entropy', dtype: 'f32', unit: 'nat', per: 'token' },
];
const novel: Column = { name: 'novel/of a later release', dtype: 'i32', unit: 'parsec', per: 'token' };
const many: Column[] = [
  ...base,
  ...Array.from({ length: 57 }, (_, number): Column => ({
    name: `filler${number}`,
    dtype: 'u8',
    unit: null,
    per: 'token',
  })),
  novel,
];

const tokens = fc.array(
  fc.record({
    bytes: fc.uint8Array({ maxLength: 6 }),
    id: fc.nat(2 ** 31),
    logprob: fc.float(),
    novel: fc.integer({ min: -5, max: 5 }),
  }),
  { maxLength: 40 },
);

describe('records', () => {
  it('every column comes back, in any record, with columns absent and columns unknown', () => {
    fc.assert(
      fc.property(tokens, fc.boolean(), fc.integer({ min: 1, max: 9 }), (list, withNovel, kind) => {
        const values: Record<string, number[]> = {
          id: list.map((item) => item.id),
          logprob: list.map((item) => item.logprob),
        };
        if (withNovel) values[novel.name] = list.map((item) => item.novel);
        const bytes = encodeSequence(many, { kind, tokenBytes: list.map((item) => item.bytes), values });
        const record = readRollout(bytes, many);
        assert.ok(record.kind === 'read');
        assert.equal(record.value.tokens, list.length);
        assert.deepEqual(
          [...record.value.text],
          list.flatMap((item) => [...item.bytes]),
        );
        assert.deepEqual([...(record.value.columns.get('id')?.values ?? [])], values['id']);
        assert.deepEqual(record.value.columns.get('logprob')?.values, Float32Array.from(values['logprob'] ?? []));
        assert.equal(record.value.columns.has('entropy'), false);
        assert.equal(record.value.columns.has(novel.name), withNovel);
        assert.deepEqual([...(record.value.columns.get(novel.name)?.values ?? [])], values[novel.name] ?? []);
        assert.deepEqual(record.value.kind, kind > 6 ? { unknown: kind } : kinds[kind]);
      }),
    );
  });

  it('columns are views on the bytes they were read from', () => {
    const bytes = encodeSequence(base, {
      kind: 2,
      tokenBytes: [Uint8Array.of(65)],
      values: { id: [7], logprob: [-0.5] },
    });
    const record = readRollout(bytes, base);
    assert.ok(record.kind === 'read');
    for (const column of record.value.columns.values()) assert.equal(column.values.buffer, bytes.buffer);
  });

  it('a flipped bit anywhere is noticed, and nothing is thrown', () => {
    const bytes = encodeSequence(base, { kind: 2, tokenBytes: [Uint8Array.of(65, 66)], values: { id: [7] } });
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(readRollout(flipped, base).kind, 'broken', `bit ${bit}`);
    }
  });

  it('random bytes are refused in words', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        assert.equal(readRollout(bytes, base).kind, 'broken');
        assert.equal(readSegmentHeader(bytes).kind, 'broken');
        recordLength(bytes);
      }),
    );
  });

  it('the column list comes back; a sequence in its place is refused', () => {
    const header = readSegmentHeader(encodeHeader(many));
    assert.deepEqual(header, { kind: 'read', value: many });
    const sequence = encodeSequence(base, { kind: 2, tokenBytes: [], values: {} });
    assert.equal(readSegmentHeader(sequence).kind, 'broken');
  });

  it('texts of the tokens are the text, and no token shows half a character', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 5 }),
      fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), fc.array(fc.nat(60), { maxLength: 12 }), (pieces, cuts) => {
        const all = Uint8Array.from(pieces.flatMap((part) => [...part]));
        const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((x, y) => x - y), all.length];
        const tokenBytes = places.slice(1).map((end, number) => all.slice(places[number], end));
        const record = readRollout(encodeSequence(base, { kind: 2, tokenBytes, values: {} }), base);
        assert.ok(record.kind === 'read');
        const texts = tokenTexts(record.value);
        assert.ok(texts.kind === 'read');
        assert.equal(texts.value.length, tokenBytes.length);
        assert.equal(texts.value.join(''), rolloutText(record.value));
        assert.equal(texts.value.join(''), new TextDecoder('utf-8', { ignoreBOM: true }).decode(all));
      }),
      { numRuns: 500 },
    );
  });

  it('an emoji over three tokens belongs to the last of them', () => {
    const emoji = new TextEncoder().encode('a🙂b');
    const tokenBytes = [emoji.slice(0, 2), emoji.slice(2, 4), emoji.slice(4)];
    const record = readRollout(encodeSequence(base, { kind: 2, tokenBytes, values: {} }), base);
    assert.ok(record.kind === 'read');
    assert.deepEqual(tokenTexts(record.value), { kind: 'read', value: ['a', '', '🙂b'] });
  });

  it('the checksum is zlib’s', () => {
    assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, start) => {
        assert.equal(crc32(bytes, start), bitwiseCrc32(bytes.slice(start)));
      }),
    );
  });
});

const kinds = ['header', 'prompt', 'rollout', 'demonstration', 'hybrid', 'evaluation', 'probe'];

/** The definition, a bit at a time. */
function bitwiseCrc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
