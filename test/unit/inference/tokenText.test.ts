import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, encodeUtf8 } from '../../../core/utf8';
import { spelled, textStream } from '../../../src/inference/tokenText';
import { kindOf, kinds, texts } from './referenceTokenizers';

const tokenizers = new Map(kinds.map((kind) => [kind, kindOf(kind).tokenizer]));
const unicode = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(...texts.written.filter((text) => text.length < 200)),
);
/** What a tokenizer makes of a text before it cuts it, where that is not nothing. */
const normalised: Readonly<Record<string, (text: string) => string>> = {
  demo: (text) => text,
  llama3: (text) => text,
  'smollm2-gpt2-class': (text) => text,
  qwen2: (text) => text.normalize('NFC'),
  qwen3: (text) => text.normalize('NFC'),
  mistral: (text) => (text === '' || /^[ ▁]/.test(text) ? text : ` ${text}`).replaceAll('▁', ' '),
  'llama2-legacy': (text) => (text === '' ? '' : ` ${text}`).replaceAll('▁', ' '),
};
/** Text without added tokens, around which some tokenizers change white space. */
const plain = unicode.filter((text) => !/[<[\]>]/.test(text));

for (const [kind, normalise] of Object.entries(normalised)) {
  const tokenizer = tokenizers.get(kind);
  test(`${kind}: the bytes of a text's tokens are the bytes of the text as it is normalised`, () => {
    assert.ok(tokenizer !== undefined);
    fc.assert(
      fc.property(plain, (text) => {
        const ids = tokenizer.encode(text, { special: false });
        const bytes = Buffer.concat([...ids].map((id) => tokenizer.bytesOf(id)));
        assert.equal(bytes.toString('utf8'), normalise(wellFormed(text)));
        assert.equal(spelled(tokenizer, ids).text, normalise(wellFormed(text)));
      }),
      { numRuns: 300 },
    );
  });
}

for (const [kind, tokenizer] of tokenizers) {
  const anyIds = fc.array(fc.nat(tokenizer.size + 3), { maxLength: 40 });

  test(`${kind}: pieces of any tokens, cut anywhere, are the text of all their bytes`, () => {
    fc.assert(
      fc.property(anyIds, (ids) => {
        const whole = decodeUtf8(Buffer.concat(ids.map((id) => tokenizer.bytesOf(id))));
        const stream = textStream(tokenizer);
        const pieces = ids.map((id) => stream.push(id));
        assert.equal(pieces.join('') + stream.end(), whole);
        for (const piece of pieces) assert.equal(piece, wellFormed(piece));
        assert.equal(spelled(tokenizer, ids).text, whole);
      }),
    );
  });

  test(`${kind}: places of tokens follow from their bytes`, () => {
    fc.assert(
      fc.property(anyIds, (ids) => {
        const { text, byteStarts, starts } = spelled(tokenizer, ids);
        const lengths = ids.map((_, token) => (byteStarts[token + 1] ?? 0) - (byteStarts[token] ?? 0));
        assert.deepEqual(
          lengths,
          ids.map((id) => tokenizer.bytesOf(id).length),
        );
        assert.equal(starts[0], 0);
        assert.equal(starts[ids.length], text.length);
        const parts = ids.map((_, token) => text.slice(starts[token], starts[token + 1]));
        assert.equal(parts.join(''), text);
      }),
    );
  });
}

test('an emoji over several tokens appears whole, with the last of them', () => {
  const { tokenizer } = kindOf('demo');
  const ids = [...tokenizer.encode('a🦜b', { special: false })];
  const { starts } = spelled(tokenizer, ids);
  assert.deepEqual([...starts], [0, 1, 1, 1, 1, 3, 4]);
  const stream = textStream(tokenizer);
  assert.deepEqual(
    ids.map((id) => stream.push(id)),
    ['a', '', '', '', '🦜', 'b'],
  );
});

/** Halves of surrogate pairs do not survive being bytes. */
function wellFormed(text: string): string {
  return decodeUtf8(encodeUtf8(text));
}
