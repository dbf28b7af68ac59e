import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { kindOf, kinds, texts } from './referenceTokenizers';

for (const kind of kinds) {
  const { tokenizer, reference } = kindOf(kind);
  const plain = (text: string): number[] => [...tokenizer.encode(text, { special: false })];

  test(`${kind}: ids of hostile texts are Python's`, () => {
    texts.written.forEach((text, index) => {
      const expected = reference.written[index];
      const ids = plain(text);
      const what = JSON.stringify(text.slice(0, 80));
      if (expected !== undefined && 'hash' in expected)
        assert.deepEqual({ count: ids.length, hash: digest(ids) }, expected, what);
      else assert.deepEqual(ids, expected, what);
    });
  });

  test(`${kind}: ids of random texts are Python's`, () => {
    const different = texts.random.filter((text, index) => digest(plain(text)) !== reference.random[index]);
    assert.deepEqual(different, []);
    assert.equal(texts.random.length, reference.random.length);
  });

  test(`${kind}: bytes, specials and size are the trainer's`, () => {
    assert.equal(tokenizer.size, reference.size);
    const bytes = reference.bytes.map((_, id) => Buffer.from(tokenizer.bytesOf(id)).toString('hex'));
    assert.deepEqual(bytes, reference.bytes);
    const special = reference.bytes.flatMap((_, id) => (tokenizer.isSpecial(id) ? [id] : []));
    assert.deepEqual(special, reference.special);
  });

  test(`${kind}: special tokens stand around a whole text`, () => {
    const ids = [...tokenizer.encode('x', { special: true })];
    assert.deepEqual(ids, [...reference.before, ...plain('x'), ...reference.after]);
  });
}

function digest(ids: readonly number[]): string {
  return createHash('sha256').update(ids.join(',')).digest('hex').slice(0, 12);
}
