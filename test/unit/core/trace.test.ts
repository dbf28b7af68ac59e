import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RolloutColumn, RolloutColumns } from '../../../core/rolloutColumns';
import { rolloutText } from '../../../core/rolloutColumns';
import {
  lineEnd,
  offsetAt,
  placeAt,
  tokenAt,
  tokenBytes,
  tokenCount,
  tokensOfLine,
  tokenText,
  traceOf,
  type Trace,
} from '../../../core/trace';

/** Bytes as a model may write them: whole characters, halves of them, line ends of all kinds, nothing. */
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 5 }),
  fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => new TextEncoder().encode(text)),
  fc
    .constantFrom('\r\n', '\r', '\n', '\n\n', '\u2028', 'e\u0301', '👩‍🚀', '')
    .map((text) => new TextEncoder().encode(text)),
);
const tokens = fc.array(piece, { maxLength: 30 });
const prompt = fc.oneof(fc.constant(''), fc.string({ maxLength: 12 }), fc.constantFrom('a\r', 'line\n', '<think>\n'));

function recordOf(pieces: readonly Uint8Array[], columns: Readonly<Record<string, Float32Array>> = {}): RolloutColumns {
  const of = (values: RolloutColumn['values']): RolloutColumn => ({ unit: null, per: 'token', values });
  return {
    kind: 'rollout',
    tokens: pieces.length,
    text: Uint8Array.from(pieces.flatMap((bytes) => [...bytes])),
    columns: new Map([
      ['byte_length', of(Uint16Array.from(pieces, ({ length }) => length))],
      ...Object.entries(columns).map(([name, values]): [string, RolloutColumn] => [name, of(values)]),
    ]),
  };
}

/** What an editor makes of a text: lines end at \n, \r\n and \r. */
function editorLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/);
}

function forTraces(check: (trace: Trace, pieces: readonly Uint8Array[], promptText: string) => void): void {
  fc.assert(
    fc.property(tokens, prompt, (pieces, promptText) => {
      check(traceOf(recordOf(pieces), promptText), pieces, promptText);
    }),
    { numRuns: 500 },
  );
}

describe('a trace as a document', () => {
  it('is the prompt and the text of the tokens, in which every character belongs to one token', () => {
    forTraces((trace, pieces, promptText) => {
      assert.equal(trace.text, promptText + rolloutText(trace.record));
      assert.equal(tokenCount(trace), pieces.length);
      assert.equal(pieces.map((_, token) => tokenText(trace, token)).join(''), trace.text.slice(promptText.length));
      for (let offset = 0; offset < trace.text.length; offset += 1) {
        const token = tokenAt(trace, offset);
        if (offset < promptText.length) assert.equal(token, -1);
        else assert.ok(token >= 0 && (trace.starts[token] ?? 0) <= offset && offset < (trace.starts[token + 1] ?? 0));
      }
      assert.equal(tokenAt(trace, trace.text.length), -1);
    });
  });

  it('has the lines that an editor makes of it', () => {
    forTraces((trace) => {
      const lines = editorLines(trace.text);
      assert.equal(trace.lineStarts.length, lines.length);
      lines.forEach((line, number) => {
        assert.equal(trace.text.slice(trace.lineStarts[number], lineEnd(trace, number)), line);
      });
    });
  });

  it('a place leads back to its offset', () => {
    forTraces((trace) => {
      for (let offset = 0; offset <= trace.text.length; offset += 1) {
        const place = placeAt(trace, offset);
        const isInEnd = offset > lineEnd(trace, place.line);
        assert.equal(offsetAt(trace, place), isInEnd ? lineEnd(trace, place.line) : offset);
      }
      assert.equal(offsetAt(trace, { line: 1e6, column: 0 }), trace.text.length);
    });
  });

  it('every token begins in one line', () => {
    forTraces((trace) => {
      const counted = Array.from(trace.lineStarts, (_, line) => tokensOfLine(trace, line));
      counted.forEach(([from, to], line) => {
        for (let token = from; token < to; token += 1)
          assert.equal(placeAt(trace, trace.starts[token] ?? 0).line, line, `token ${token}`);
      });
      assert.equal(
        counted.reduce((sum, [from, to]) => sum + to - from, 0),
        tokenCount(trace),
      );
    });
  });

  it('the bytes of a token are those that were written', () => {
    forTraces((trace, pieces) => {
      pieces.forEach((bytes, token) => {
        assert.deepEqual([...tokenBytes(trace, token)], [...bytes]);
      });
    });
  });

  it('byte lengths that do not fit the text leave the text whole, without tokens', () => {
    const record = recordOf([Uint8Array.of(65, 66)]);
    const trace = traceOf({ ...record, text: Uint8Array.of(65, 66, 67) }, 'p');
    assert.equal(trace.text, 'pABC');
    assert.equal(tokenCount(trace), 0);
    assert.match(trace.trouble ?? '', /byte lengths/);
  });
});
