import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { rolloutText } from '../../../core/rolloutColumns';
import { partedText, recordOf, spells, withoutEnd, type Spelled } from '../../../core/spelledText';
import { traceOf } from '../../../core/trace';
import { decodeUtf8, encodeUtf8 } from '../../../core/utf8';
import { readTokenizer } from '../../../src/inference/tokenizer';

/** Any text, cut anywhere into tokens, also within a character and between nothing. */
const spelledTexts = fc
  .tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.array(fc.nat(60), { maxLength: 20 }))
  .map(([text, cuts]): Spelled => {
    const bytes = encodeUtf8(text);
    const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
    const lengths = Int32Array.from(places.slice(1), (place, at) => place - (places[at] ?? 0));
    return { ids: lengths.map((_, token) => token + 1), bytes, lengths };
  });

describe('a text in tokens', () => {
  it('is parted before the token that reaches beyond, and nothing is lost, doubled or cut within a character', () => {
    fc.assert(
      fc.property(spelledTexts, fc.nat(200), (text, share) => {
        const before = Math.min(share, text.bytes.length);
        const { promptIds, prompt, record } = partedText(text, before);
        assert.deepEqual([...promptIds, ...(record.columns.get('id')?.values ?? [])], [...text.ids]);
        assert.equal(prompt + rolloutText(record), decodeUtf8(text.bytes));
        assert.ok(encodeUtf8(prompt).length <= before, 'what is looked at is there as a whole');
        assert.equal(traceOf(record, prompt).trouble, null);
        assert.equal(spells(text, text.bytes, text.lengths), true);
      }),
    );
  });

  it('loses what a tokenizer puts behind it, and keeps what it puts before it', () => {
    const around = fc.array(fc.integer({ min: 1000, max: 1003 }), { maxLength: 3 });
    fc.assert(
      fc.property(spelledTexts, around, around, (plain, before, after) => {
        const named = (ids: readonly number[]): number[] => ids.flatMap(() => [0x3c, 0x3e]);
        const whole: Spelled = {
          ids: Int32Array.from([...before, ...plain.ids, ...after]),
          bytes: Uint8Array.from([...named(before), ...plain.bytes, ...named(after)]),
          lengths: Int32Array.from([...before.map(() => 2), ...plain.lengths, ...after.map(() => 2)]),
        };
        const found = withoutEnd(whole, plain);
        // Of a text without tokens nobody can tell where it stood.
        if (plain.ids.length === 0) return;
        assert.deepEqual([...found.text.ids], [...before, ...plain.ids]);
        assert.deepEqual([...found.text.bytes], [...named(before), ...plain.bytes]);
        assert.equal(found.before, 2 * before.length);
      }),
    );
  });

  it('is told from another by its bytes and by where they are parted', () => {
    const text: Spelled = { ids: Int32Array.of(1, 2), bytes: encodeUtf8('abc'), lengths: Int32Array.of(1, 2) };
    assert.equal(spells(text, encodeUtf8('abc')), true);
    assert.equal(spells(text, encodeUtf8('abd')), false);
    assert.equal(spells(text, encodeUtf8('abcd')), false);
    assert.equal(spells(text, encodeUtf8('abc'), [1, 2]), true);
    assert.equal(spells(text, encodeUtf8('abc'), [2, 1]), false);
    assert.equal(spells(text, encodeUtf8('abc'), [1, 1, 1]), false);
  });

  it('in tokens of the demo: the selected part is there to the character, given what stands before', () => {
    const read = (name: string): string => readFileSync(`trainer/demo/base/${name}`, 'utf8');
    const { model_type: modelType } = JSON.parse(read('config.json')) as { model_type: string };
    const tokenizer = readTokenizer({
      tokenizer: read('tokenizer.json'),
      config: read('tokenizer_config.json'),
      specialTokensMap: undefined,
      modelType,
    });
    const spelled = (text: string, special: boolean): Spelled => {
      const ids = tokenizer.encode(text, { special });
      const each = [...ids].map((id) => tokenizer.bytesOf(id));
      return {
        ids,
        bytes: Uint8Array.from(each.flatMap((bytes) => [...bytes])),
        lengths: Int32Array.from(each, (bytes) => bytes.length),
      };
    };
    const words = fc.constantFrom(
      'Mia has 26 stamps',
      '<think>\n',
      '26+23=49',
      '<|im_end|>',
      ' ',
      '日本',
      '🙂',
      '\r\n',
      'zq',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 6 }), fc.array(words, { minLength: 1, maxLength: 6 }), (one, other) => {
        const [context, selected] = [one.join(''), other.join('')];
        const { text, before } = withoutEnd(spelled(context + selected, true), spelled(context + selected, false));
        const { prompt, record } = partedText(text, before + spelled(context, false).bytes.length);
        assert.equal(prompt + rolloutText(record), context + selected);
        assert.ok(rolloutText(record).endsWith(selected));
      }),
      { numRuns: 60 },
    );
    assert.equal(recordOf(spelled('26+23', false)).tokens, spelled('26+23', false).ids.length);
  });
});
