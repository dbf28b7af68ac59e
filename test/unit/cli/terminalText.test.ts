import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { clipped, fitted, manyLines, oneLine, widthOf, wrapped } from '../../../src/cli/terminalText';

const dangerous = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e01ef}]|\p{Cs}/u;
const hostileText = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 2 }),
    fc.constantFrom('\u001b[2J', '\u009b31m', '\u202e', '\r', '\n', '\t', '\ud800', '🙂', '字', 'a'),
  ),
});

describe('text of a model in a terminal', () => {
  const cases: readonly [string, string, string][] = [
    ['clears the screen', '\u001b[2J\u001b[Hgone', '␛[2J␛[Hgone'],
    ['sets the title', '\u001b]0;owned\u0007', '␛]0;owned␇'],
    ['one-byte control sequence', '\u009b31mred', '‹U+009B›31mred'],
    ['reorders what is read', 'abc\u202edef', 'abc‹U+202E›def'],
    ['isolates', '\u2066x\u2069', '‹U+2066›x‹U+2069›'],
    ['hides letters', 'pass\u200bword', 'pass‹U+200B›word'],
    ['overwrites the line', 'right\rwrong', 'right ⏎ wrong'],
    ['backspaces', 'a\bb', 'a␈b'],
    ['invisible tags', '\u{e0041}', '‹U+E0041›'],
    ['stays ordinary', 'é 字 🙂 a+b=c', 'é 字 🙂 a+b=c'],
    ['a heap of accents', `e${'\u0301'.repeat(50)}x`, 'e\u0301\u0301x'],
  ];
  for (const [name, text, expected] of cases) {
    it(name, () => {
      assert.equal(oneLine(text), expected);
    });
  }

  it('nothing dangerous is left of any text, whole, in lines, clipped or wrapped', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 2, max: 30 }), (text, columns) => {
        const pieces = [
          oneLine(text),
          ...manyLines(text),
          clipped(oneLine(text), columns),
          ...wrapped(oneLine(text), columns),
        ];
        for (const piece of pieces) assert.doesNotMatch(piece, dangerous);
      }),
      { numRuns: 2000 },
    );
  });

  it('clipped, fitted and wrapped text has the width it should', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 2, max: 30 }), (text, columns) => {
        const line = oneLine(text);
        assert.ok(widthOf(clipped(line, columns)) <= columns);
        assert.ok(widthOf(fitted(line, columns)) === columns);
        for (const part of wrapped(line, columns)) assert.ok(widthOf(part) <= columns);
        assert.equal(wrapped(line, columns).join(''), line);
      }),
    );
  });
});
