import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { plainMarkdown } from '../../../core/plainMarkdown';

describe('a text as Markdown', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['[a](command:b)', '\\[a\\]\\(command&#58;b\\)'],
    ['https://x.invalid/a_b', 'https&#58;//x.invalid/a\\_b'],
    ['WWW.x.invalid a@x.invalid', 'WWW&#46;x.invalid a&#64;x.invalid'],
    ['<img src=x>', '\\<img src=x\\>'],
    ['a|b', 'a\\|b'],
    ['&lt;', '\\&lt;'],
    ['one\ntwo   three', 'one two&nbsp;&nbsp; three'],
  ];
  for (const [text, markdown] of cases) {
    it(text, () => {
      assert.equal(plainMarkdown(text), markdown);
    });
  }

  it('holds nothing that an address is known by, and all that was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('http:/w.W@ab\\&#<[](){}|_*` \n')) }), (text) => {
        const markdown = plainMarkdown(text);
        assert.doesNotMatch(markdown, /:|@|www\.|\n/i);
        const shown = markdown
          .replaceAll('&nbsp;', ' ')
          .replaceAll(/&#(\d+);/g, (_, number: string) => String.fromCodePoint(Number(number)))
          .replaceAll(/\\([^])/g, '$1');
        assert.equal(shown, text.replaceAll(/\n+/g, ' '));
      }),
    );
  });
});
