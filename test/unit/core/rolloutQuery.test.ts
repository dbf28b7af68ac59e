import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { namesOf, rowTest } from '../../../core/rolloutMatch';
import {
  figureNames,
  parseQuery,
  printQuery,
  rowKinds,
  type FigureTest,
  type QueryCondition,
  type QueryNames,
  type RolloutQuery,
} from '../../../core/rolloutQuery';
import { finderOf, foldCase } from '../../../core/textMatch';
import { indexOf, type Line } from './indexOf';

const names: QueryNames = { parts: ['exact', 'my-part'], weights: ['w_rl'], kinds: ['dream'] };

describe('a search in words', () => {
  it('reads terms of every kind', () => {
    check('wait', { kind: 'text', text: 'wait' });
    check('"so the answer"', { kind: 'text', text: 'so the answer' });
    check('"she said ""no"""', { kind: 'text', text: 'she said "no"' });
    check('\\boxed{7}', { kind: 'text', text: '\\boxed{7}' });
    check('</think>', { kind: 'text', text: '</think>' });
    check('26-6=19', { kind: 'text', text: '26-6=19' });
    check('/[/]+ a\\/b/im', { kind: 'expression', source: '[/]+ a\\/b', flags: 'im' });
    check('reward<0.5', figure('reward', { kind: 'compare', operator: '<', value: 0.5 }));
    check('length>=400', figure('tokens', { kind: 'compare', operator: '>=', value: 400 }));
    check('advantage=-1e-3', figure('advantage', { kind: 'compare', operator: '=', value: -0.001 }));
    check('advantage:-1--0.5', figure('advantage', { kind: 'between', from: -1, to: -0.5 }));
    check('step:60-72', figure('step', { kind: 'between', from: 60, to: 72 }));
    check('step:60', figure('step', { kind: 'between', from: 60, to: 60 }));
    check('exact<1', figure('part/exact', { kind: 'compare', operator: '<', value: 1 }));
    check('part/my-part<1', figure('part/my-part', { kind: 'compare', operator: '<', value: 1 }));
    check('w_rl>0', figure('weight/w_rl', { kind: 'compare', operator: '>', value: 0 }));
    check('opening:"The answer"', { kind: 'opening', text: 'The answer' });
    check('prompt:p0412', { kind: 'prompt', id: 'p0412' });
    check('kind:dream', { kind: 'row', row: 'dream' });
    check('is:wrong', { kind: 'is', is: 'wrong' });
  });

  it('reads several, each of which a minus turns round', () => {
    const query = parsed('wait -is:wrong  -"a b"');
    assert.deepEqual(
      query.terms.map(({ kind, negated }) => [kind, negated]),
      [
        ['text', false],
        ['is', true],
        ['text', true],
      ],
    );
    assert.deepEqual(parsed('   ').terms, []);
  });

  it('says what is wrong, and where', () => {
    refuse('wait "so', 5, 'The quotes are not closed.');
    refuse('"a"b', 3, 'A space has to follow the closing quote; a quote within quotes is written twice.');
    refuse('""', 0, 'There is nothing between the quotes.');
    refuse('/a', 0, 'The expression has no closing /; to search for the text, put it in quotes.');
    refuse('/a/q', 3, '“q” cannot follow an expression; its flags are i, m, s and u.');
    refuse('//', 0, 'There is nothing between the slashes.');
    refuse('a /(/', 2, 'No regular expression: Invalid regular expression: /(/: Unterminated group.');
    refuse('a -', 2, 'Nothing follows the minus; it leaves out what stands behind it.');
    refuse('reward<', 0, 'reward<: a number has to follow.');
    refuse('reward<1e999', 0, 'reward<1e999: a number has to follow.');
    refuse('step:sixty', 0, 'step:sixty: a number or a range has to follow, as in step:60-72.');
    refuse('step:72-60', 0, 'step:72-60: the range ends before it begins.');
    refuse('is:good', 0, 'A rollout is right, wrong, truncated; “good” is none of these.');
    refuse('kind:x', 0, 'There is no kind “x”; there are rollout, demonstration, hybrid, evaluation, probe, dream.');
    refuse('prompt<3', 0, 'prompt takes a colon: prompt:p0412.');
    refuse('opening:', 0, 'Nothing follows opening:, for example opening:"The answer".');
    refuse(`opening:${'a'.repeat(81)}`, 0, /80 characters at most/);
    refuse('a Answer:', 2, /There is no figure “Answer” \(.*exact.*\); to search for the text, put it in quotes\./);
  });

  it('reads again what it prints', () => {
    fc.assert(
      fc.property(arbitraryQuery, (query) => {
        assert.deepEqual(parsed(printQuery(query)), structuredClone(query));
      }),
      { numRuns: 500 },
    );
  });

  it('has an answer to any text, with the mistake inside it', () => {
    const pieces = fc.constantFrom(
      '"',
      '/',
      '-',
      ':',
      '<',
      '=',
      ' ',
      'step',
      'is:',
      '\\',
      '[',
      '1',
      'e',
      '(',
      'é',
      '\u2028',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const result = parseQuery(text, names);
        if (result.kind === 'query') {
          assert.deepEqual(parsed(printQuery(result.query)), result.query);
          return;
        }
        assert.ok(result.at >= 0 && result.length > 0 && result.at + result.length <= text.length + 1, text);
        assert.match(result.reason, /[.]$/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('rows that a search allows', () => {
  const lines: Line[] = [
    { reward: 1, tokens: 100, step: 3, head: '<think> Let us see', prompt_id: 'a', parts: { exact: 1 } },
    { reward: null, tokens: 500, step: 4, head: 'The  answer is', correct: false, truncated: true },
    {
      reward: 0,
      tokens: 400,
      step: 5,
      head: '<think>\nthe answer',
      correct: false,
      kind: 'hybrid',
      weights: { w_rl: 0.5 },
    },
  ];
  const rows = (text: string): number[] => {
    const index = indexOf(lines);
    const result = parseQuery(text, namesOf(index));
    assert.ok(result.kind === 'query', text);
    const test = rowTest(result.query, index);
    return lines.flatMap((_, row) => (test(row) ? [row] : []));
  };

  it('goes by figures, openings, prompts, kinds and outcomes', () => {
    assert.deepEqual(rows(''), [0, 1, 2]);
    assert.deepEqual(rows('reward<0.5'), [2]);
    assert.deepEqual(rows('-reward<0.5'), [0, 1]);
    assert.deepEqual(rows('length>=400 step:4-5'), [1, 2]);
    assert.deepEqual(rows('opening:"The answer"'), [1, 2]);
    assert.deepEqual(rows('-opening:let'), [1, 2]);
    assert.deepEqual(rows('prompt:a'), [0]);
    assert.deepEqual(rows('kind:hybrid'), [2]);
    assert.deepEqual(rows('is:wrong -is:truncated'), [2]);
    assert.deepEqual(rows('is:right'), [0]);
    assert.deepEqual(rows('exact>0'), [0]);
    assert.deepEqual(rows('weight/w_rl=0.5'), [2]);
    assert.deepEqual(rows('any words'), [0, 1, 2]);
  });
});

describe('a term in a text', () => {
  const find = (text: string, term: string): number[] | undefined => {
    const [read] = parsed(term).terms;
    assert.ok(read?.kind === 'text' || read?.kind === 'expression');
    const match = finderOf(read)(text);
    return match && [match.from, match.to, match.count];
  };

  it('minds capitals where it has one', () => {
    assert.deepEqual(find('Wait, wait', 'wait'), [0, 4, 2]);
    assert.deepEqual(find('wait, Wait', 'Wait'), [6, 10, 1]);
    assert.deepEqual(find('a Wait', '/wait/'), undefined);
    assert.deepEqual(find('a Wait', '/wait/i'), [2, 6, 1]);
    assert.deepEqual(find('ΟΔΟΣ οδός', 'οδος'), [0, 4, 1]);
    assert.deepEqual(find('300 \u212a', 'k'), undefined);
    assert.deepEqual(find('İ ÉTÉ', 'été'), [2, 5, 1]);
    assert.deepEqual(find('aaaa', 'aa'), [0, 2, 2]);
  });

  it('counts empty matches once at each character', () => {
    assert.deepEqual(find('ab😀', '/x*/u'), [0, 0, 4]);
    assert.deepEqual(find('ab', '/(?=b)/'), [1, 1, 1]);
    assert.deepEqual(find('a'.repeat(5000), '/x*/'), [0, 0, 999]);
  });

  it('keeps places when it folds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const folded = foldCase(text);
        assert.equal(folded.length, text.length);
        assert.equal(foldCase(folded), folded);
      }),
    );
  });
});

function parsed(text: string): RolloutQuery {
  const result = parseQuery(text, names);
  assert.ok(result.kind === 'query', `${text}: ${result.kind === 'mistake' ? result.reason : ''}`);
  return result.query;
}

function check(text: string, condition: QueryCondition): void {
  assert.deepEqual(parsed(text), { terms: [{ ...condition, negated: false }] });
}

function refuse(text: string, at: number, reason: string | RegExp): void {
  const result = parseQuery(text, names);
  assert.ok(result.kind === 'mistake', text);
  assert.equal(result.at, at);
  if (typeof reason === 'string') assert.equal(result.reason, reason);
  else assert.match(result.reason, reason);
}

function figure(name: string, test: FigureTest): QueryCondition {
  return { kind: 'figure', figure: name, test };
}

const arbitraryNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const arbitraryText = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ minLength: 1 }));
const arbitraryTest: fc.Arbitrary<FigureTest> = fc.oneof(
  fc.record({
    kind: fc.constant('compare' as const),
    operator: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const, '=' as const),
    value: arbitraryNumber,
  }),
  fc
    .tuple(arbitraryNumber, arbitraryNumber)
    .map(([a, b]) => ({ kind: 'between' as const, from: Math.min(a, b), to: Math.max(a, b) })),
);
const arbitraryCondition: fc.Arbitrary<QueryCondition> = fc.oneof(
  arbitraryText.map((text) => ({ kind: 'text' as const, text })),
  fc.record({
    kind: fc.constant('expression' as const),
    source: fc.constantFrom('a+', '\\/', '[/"]', ' ', 'é'),
    flags: fc.constantFrom('', 'i', 'ims'),
  }),
  fc.record({
    kind: fc.constant('figure' as const),
    figure: fc.constantFrom(...figureNames, 'part/exact', 'part/my-part', 'weight/w_rl'),
    test: arbitraryTest,
  }),
  arbitraryText.map((text) => ({ kind: 'opening' as const, text: text.slice(0, 80) })),
  arbitraryText.map((id) => ({ kind: 'prompt' as const, id })),
  fc.constantFrom(...rowKinds, 'dream').map((row) => ({ kind: 'row' as const, row })),
  fc.constantFrom('right' as const, 'wrong' as const, 'truncated' as const).map((is) => ({ kind: 'is' as const, is })),
);
const arbitraryQuery: fc.Arbitrary<RolloutQuery> = fc.record({
  terms: fc.array(
    fc.tuple(arbitraryCondition, fc.boolean()).map(([condition, negated]) => ({ ...condition, negated })),
    { maxLength: 5 },
  ),
});
