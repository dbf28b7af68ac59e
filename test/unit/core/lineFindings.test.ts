import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkOutcome } from '../../../core/checkReport';
import { afterEdit, lineFindings, type LineFinding } from '../../../core/lineFindings';

describe('findings on lines of data', () => {
  it('demonstrations that are cut stand on their lines, with what they have and what is allowed', () => {
    const places = [
      { file: 'data/train.jsonl', line: 3, tokens: 40 },
      { file: 'data/train.jsonl', line: 9, tokens: 33 },
    ];
    const cut = { key: 'rollouts.max_tokens', limit: 32, total: 2, longest: 40, named: '2, 8', places };
    const report = JSON.stringify({ fits: true, measured: {}, findings: [], seam: '', cut });
    const found = lineFindings(checkOutcome(0, report, []), 'a.srft.json').get('data/train.jsonl') ?? [];
    assert.deepEqual(
      found.map(({ line, level, code }) => [line, level, code]),
      [
        [2, 'warning', 'rollouts.max_tokens'],
        [8, 'warning', 'rollouts.max_tokens'],
      ],
    );
    assert.equal(
      found[0]?.message,
      'The demonstration has 40 tokens with its end, and rollouts.max_tokens of a.srft.json allows 32: it is cut there and teaches no end. Shorten or remove it, or set rollouts.max_tokens to at least 40.',
    );
  });

  it('a fault of a line stands there, one of the recipe does not', () => {
    const faults = [
      'srft: data/train.jsonl:2: the line is not JSON (x); write it.',
      'a.srft.json:3: `x` is no option.',
    ];
    const found = lineFindings(checkOutcome(2, '', faults), 'a.srft.json');
    assert.deepEqual(
      [...found].map(([file, findings]) => [file, findings.map(({ line, level }) => [line, level])]),
      [['data/train.jsonl', [[1, 'error']]]],
    );
    assert.equal(lineFindings({ kind: 'failed', message: 'no' }, 'a.srft.json').size, 0);
  });
});

describe('findings while lines are edited', () => {
  const on = (line: number): LineFinding => ({ line, level: 'warning', code: 'check', message: `of ${line}` });
  const check = (name: string, range: [number, number, number, number], text: string, expected: number[]): void => {
    it(name, () => {
      const [fromLine, from, toLine, to] = range;
      const edit = { from: { line: fromLine, character: from }, to: { line: toLine, character: to }, text };
      assert.deepEqual(
        afterEdit([on(1), on(3), on(5)], edit).map(({ line }) => line),
        expected,
      );
    });
  };
  check('a letter', [3, 2, 3, 2], 'x', [1, 5]);
  check('a letter on another line', [2, 2, 2, 2], 'x', [1, 3, 5]);
  check('a line put in before one', [3, 0, 3, 0], 'x\n', [1, 4, 6]);
  check('a line taken out before one', [2, 0, 3, 0], '', [1, 2, 4]);
  check('the line itself taken out', [3, 0, 4, 0], '', [1, 4]);
  check('two lines made one', [2, 4, 3, 0], '', [1, 4]);
  check('several lines in place of one', [3, 1, 3, 2], 'a\nb\nc', [1, 7]);
  check('all of it', [0, 0, 9, 0], '', []);

  it('one that is still there stands on the same text', () => {
    const place = fc.record({ line: fc.nat(8), character: fc.nat(1) });
    const text = fc.constantFrom('', 'x', '\n', 'x\n', 'x\ny', '\n\n');
    fc.assert(
      fc.property(place, place, text, (one, other, added) => {
        const isFirst = one.line < other.line || (one.line === other.line && one.character <= other.character);
        const [from, to] = isFirst ? [one, other] : [other, one];
        const lines = Array.from({ length: 10 }, (_, number) => `${number}`);
        const before = (lines[from.line] ?? '').slice(0, from.character);
        const after = (lines[to.line] ?? '').slice(to.character);
        const edited = [
          ...lines.slice(0, from.line),
          ...`${before}${added}${after}`.split('\n'),
          ...lines.slice(to.line + 1),
        ];
        for (const { line, message } of afterEdit(
          lines.map((_, number) => on(number)),
          { from, to, text: added },
        )) {
          assert.equal(`of ${edited[line] ?? ''}`, message);
        }
      }),
    );
  });
});
