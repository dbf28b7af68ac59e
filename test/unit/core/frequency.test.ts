import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addText,
  changesOf,
  corpus,
  type Corpus,
  type FrequencyChange,
  type FrequencyChanges,
} from '../../../core/frequency';
import { leastRollouts, longestPhrase } from '../../../core/frequencyCount';
import { signedDeviance, surelyAbove } from '../../../core/frequencyScore';
import { plainWord, vocabulary, wordsOf } from '../../../core/frequencyWords';

interface Text {
  readonly text: string;
  readonly isAfter: boolean;
  readonly isRight: boolean;
}

const arbitraryTexts = fc.array(
  fc.record({
    text: fc
      .array(fc.constantFrom('wait', 'so', 'the', 'answer', 'is', '<think>'), { maxLength: 8 })
      .map((words) => words.join(' ')),
    isAfter: fc.boolean(),
    isRight: fc.boolean(),
  }),
  { maxLength: 60 },
);

describe('what became more frequent', () => {
  it('counts rollouts as a plain look at each of them does', () => {
    fc.assert(
      fc.property(arbitraryTexts, (texts) => {
        const changes = changesIn(texts);
        for (const kind of ['openings', 'phrases'] as const) {
          const has = kind === 'openings' ? begins : contains;
          for (const { words, counts, score } of changes[kind]) {
            const having = texts.filter(({ text }) => has(text, words));
            assert.deepEqual(counts, countsOf(having), words);
            assert.equal(
              score,
              signedDeviance(counts.before, changes.totals.before, counts.after, changes.totals.after),
            );
          }
        }
        assert.deepEqual(changes.totals, countsOf(texts));
      }),
    );
  });

  it('tells every phrase that changed, by itself or by another that changed the same way', () => {
    fc.assert(
      fc.property(arbitraryTexts, (texts) => {
        const { phrases, totals } = changesIn(texts);
        const told = new Map(
          phrases.flatMap((change) => [change.words, ...change.folded].map((words) => [words, change])),
        );
        for (const words of phrasesOf(texts)) {
          const { before, after } = countsOf(texts.filter(({ text }) => contains(text, words)));
          const score = signedDeviance(before, totals.before, after, totals.after);
          if (before + after < leastRollouts || Math.abs(score) < 2) continue;
          assert.equal(Math.sign(told.get(words)?.score ?? 0), Math.sign(score), words);
        }
        assert.equal(
          told.size,
          phrases.reduce((sum, { folded }) => sum + 1 + folded.length, 0),
        );
      }),
    );
  });

  it('turns round with its ranges, and does not mind the order of rollouts', () => {
    fc.assert(
      fc.property(arbitraryTexts, (texts) => {
        const there = changesIn(texts);
        const back = changesIn(texts.map(({ isAfter, ...text }) => ({ ...text, isAfter: !isAfter })));
        assert.deepEqual(figures(back.phrases), figures(there.phrases.map(turned)));
        assert.deepEqual(figures(back.openings), figures(there.openings.map(turned)));
        assert.deepEqual(figures(changesIn(texts.toReversed()).phrases), figures(there.phrases));
      }),
    );
  });

  it('shows examples where the phrase is, in the range that has it more often', () => {
    fc.assert(
      fc.property(arbitraryTexts, (texts) => {
        const { phrases, openings } = changesIn(texts);
        for (const { words, score, examples } of [...phrases, ...openings]) {
          assert.ok(examples.length > 0);
          for (const { row, from, to } of examples) {
            assert.equal(texts[row]?.text.slice(from, to), words);
            assert.equal(texts[row].isAfter, score > 0);
          }
        }
      }),
    );
  });

  it('tells a habit once, in its longest form, with the split into right and wrong', () => {
    const texts = Array.from({ length: 200 }, (_, place): Text => {
      const isAfter = place >= 100;
      const isRight = place % 4 === 0;
      const verb = ['Add', 'Take', 'Put', 'Move'][Math.floor(place / 8) % 4] ?? '';
      const habit = isAfter && place % 2 === 0 ? 'Wait, let me check. ' : '';
      return {
        text: `<think>${habit}${verb} ${place} to ${place * 7} plainly</think> \\boxed{${place}}`,
        isAfter,
        isRight,
      };
    });
    const { phrases, openings } = changesIn(texts);
    assert.deepEqual(
      phrases.filter(({ score }) => score > 0).map(({ words }) => words),
      ['<think> wait let me check'],
    );
    const [wait] = phrases;
    assert.deepEqual(wait?.counts, { before: 0, after: 50, rightBefore: 0, rightAfter: 25 });
    assert.ok(wait.isSure && wait.folded.includes('let me'));
    assert.equal(wait.examples.length, 4);
    assert.equal(openings[0]?.words, 'wait let me check');
    assert.ok(openings.slice(1).every(({ score }) => score < 0));
  });

  it('tells a word that comes in many ways by itself', () => {
    const texts = Array.from({ length: 300 }, (_, place): Text => {
      const isAfter = place >= 150;
      return {
        text: isAfter ? `say wait ${'abcdefghij'[place % 10]} on` : `say well ${'abcdefghij'[place % 10]} on`,
        isAfter,
        isRight: true,
      };
    });
    assert.deepEqual(
      changesIn(texts).phrases.map(({ words }) => words),
      ['say wait', 'say well'],
    );
  });

  it('has nothing to tell of ranges that are alike, or empty', () => {
    assert.deepEqual(changesIn([]).phrases, []);
    const alike = Array.from({ length: 100 }, (_, place): Text => ({
      text: 'so the answer',
      isAfter: place % 2 === 0,
      isRight: true,
    }));
    assert.deepEqual(changesIn(alike).phrases, []);
    const oneSided = alike.map((text): Text => ({ ...text, isAfter: true }));
    assert.deepEqual(changesIn(oneSided).phrases, []);
  });
});

describe('the score of a change', () => {
  const sizes = fc.tuple(fc.nat(50), fc.integer({ min: 50, max: 200 }), fc.nat(50), fc.integer({ min: 50, max: 200 }));

  it('turns round with its ranges, and with what is asked', () => {
    fc.assert(
      fc.property(sizes, ([a, of, b, ofAfter]) => {
        const score = signedDeviance(a, of, b, ofAfter);
        near(signedDeviance(b, ofAfter, a, of), -score);
        near(signedDeviance(of - a, of, ofAfter - b, ofAfter), -score);
        assert.equal(Math.sign(score), Math.sign(b * of - a * ofAfter));
      }),
    );
  });

  it('grows with the difference, and by √2 with twice as many rollouts', () => {
    fc.assert(
      fc.property(sizes, ([a, of, b, ofAfter]) => {
        assert.ok(signedDeviance(a, of, b + 1, ofAfter + 1) >= signedDeviance(a, of, b, ofAfter) - 1e-9);
        near(signedDeviance(2 * a, 2 * of, 2 * b, 2 * ofAfter), Math.SQRT2 * signedDeviance(a, of, b, ofAfter));
      }),
    );
  });

  it('is what it is by hand', () => {
    // 10 of 100 against 30 of 100: 2 (10 ln ½ + 90 ln 9/8 + 30 ln 3/2 + 70 ln 7/8) = 13.0
    near(
      signedDeviance(10, 100, 30, 100),
      Math.sqrt(2 * (10 * Math.log(0.5) + 90 * Math.log(1.125) + 30 * Math.log(1.5) + 70 * Math.log(0.875))),
    );
    assert.equal(signedDeviance(0, 0, 0, 0), 0);
    near(surelyAbove(1), Math.sqrt(2 * Math.log(20)));
  });
});

describe('words of a text', () => {
  it('are alike in any case, with any number and marks', () => {
    assert.equal(plainWord('“Wait,'), 'wait');
    assert.equal(plainWord('26-6=19.'), '#-#=#');
    assert.equal(plainWord('1,234.5'), '#');
    assert.equal(plainWord('...'), '.');
    assert.deepEqual(shown('<think>\nSo,\tthe 7</think> \\boxed{7}<|im_end|>'), [
      '<think>',
      'so',
      'the',
      '#',
      '</think>',
      '\\boxed{#}',
      '<|im_end|>',
    ]);
    assert.deepEqual(shown('答案是7 a<b'), ['答', '案', '是', '#', 'a', '<', 'b']);
  });

  it('stand where they are said to, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const known = vocabulary();
        const { words, from, to, opening } = wordsOf(text, known);
        words.forEach((word, place) => {
          assert.equal(plainWord(text.slice(from[place], to[place])), known.words[word]);
        });
        assert.ok(opening <= words.length);
        assert.equal(
          text.replaceAll(/\s/g, '').length,
          words.reduce((sum, _, place) => sum + (to[place] ?? 0) - (from[place] ?? 0), 0),
        );
      }),
    );
  });
});

function changesIn(texts: readonly Text[]): FrequencyChanges {
  const all: Corpus = corpus();
  texts.forEach(({ text, ...about }, row) => {
    addText(all, text, { row, ...about });
  });
  const changing = changesOf(all);
  for (;;) {
    const next = changing.next();
    if (next.done === true) return next.value;
  }
}

function countsOf(texts: readonly Text[]): FrequencyChange['counts'] {
  const count = (fits: (text: Text) => boolean): number => texts.filter(fits).length;
  return {
    before: count(({ isAfter }) => !isAfter),
    after: count(({ isAfter }) => isAfter),
    rightBefore: count(({ isAfter, isRight }) => !isAfter && isRight),
    rightAfter: count(({ isAfter, isRight }) => isAfter && isRight),
  };
}

function contains(text: string, words: string): boolean {
  return ` ${text} `.includes(` ${words} `);
}

function begins(text: string, words: string): boolean {
  return `${text.replace(/^(<think> ?)+/, '')} `.startsWith(`${words} `);
}

function phrasesOf(texts: readonly Text[]): Set<string> {
  const phrases = new Set<string>();
  for (const { text } of texts) {
    const words = text === '' ? [] : text.split(' ');
    words.forEach((_, from) => {
      for (let length = 1; length <= longestPhrase && from + length <= words.length; length += 1)
        phrases.add(words.slice(from, from + length).join(' '));
    });
  }
  return phrases;
}

function turned(change: FrequencyChange): FrequencyChange {
  const { before, after, rightBefore, rightAfter } = change.counts;
  const counts = { before: after, after: before, rightBefore: rightAfter, rightAfter: rightBefore };
  return { ...change, counts, score: -change.score };
}

function figures(changes: readonly FrequencyChange[]): unknown[] {
  return changes
    .map(({ words, counts, folded, isSure }) => ({ words, counts, folded: folded.toSorted(), isSure }))
    .sort((a, b) => a.words.localeCompare(b.words));
}

function shown(text: string): string[] {
  const known = vocabulary();
  return [...wordsOf(text, known).words].map((word) => known.words[word] ?? '');
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6 * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);
}
