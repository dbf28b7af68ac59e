import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { columnsOf, examine, rowParts, usualColumns, type Columns } from '../../../core/demonstrations';

const good = '{"prompt": "1+1?", "answer": "2", "demonstration": "\\\\boxed{2}"}';

describe('lines of demonstrations', () => {
  const check = (
    name: string,
    text: string,
    expected: string[],
    columns: Columns = usualColumns,
    answerRequired = true,
  ): void => {
    it(name, () => {
      const found = examine(text, columns, { answerRequired }).problems;
      assert.deepEqual(
        found.map(({ line, code }) => `${line} ${code}`),
        expected,
      );
    });
  };
  check('nothing wrong', `${good}\n${good}\n`, []);
  check('a byte order mark, CRLF and blank lines', `\uFEFF${good}\r\n\r\n${good}\r\n`, []);
  check('a byte order mark in the middle is a fault', `${good}\n\uFEFF${good}`, ['1 not-json']);
  check('not JSON', `${good}\n{"prompt": \n${good}`, ['1 not-json']);
  check('NaN is no JSON', '{"prompt": "a", "answer": NaN}', ['0 not-json']);
  check('no object', '[1]\n3\n"x"\nnull', ['0 no-object', '1 no-object', '2 no-object', '3 no-object']);
  check(
    'prompt missing, null, empty, of the wrong kind',
    '{"answer":1}\n{"prompt":null,"answer":1}\n{"prompt":" ","answer":1}\n{"prompt":3,"answer":1}',
    ['0 no-prompt', '1 no-prompt', '2 no-prompt', '3 no-prompt'],
  );
  check(
    'a prompt of messages',
    '{"prompt":[{"role":"user","content":"a"}],"answer":1}\n{"prompt":[{"role":"assistant","content":"a"}],"answer":1}\n{"prompt":[],"answer":1}',
    ['1 no-prompt', '2 no-prompt'],
  );
  check(
    'answer missing or of the wrong kind',
    '{"prompt":"a"}\n{"prompt":"a","answer":null}\n{"prompt":"a","answer":true}\n{"prompt":"a","answer":0}',
    ['0 no-answer', '1 no-answer', '2 no-answer'],
  );
  check('no answer where none is asked for', '{"prompt":"a"}', [], usualColumns, false);
  check(
    'a demonstration that is no text',
    '{"prompt":"a","answer":1,"demonstration":3}\n{"prompt":"a","answer":1,"demonstration":null}',
    ['0 bad-demonstration'],
  );
  check(
    'the same id twice',
    '{"id":1,"prompt":"a","answer":1}\n{"id":"1","prompt":"a","answer":1}',
    ['1 duplicate-id'],
    { ...usualColumns, id: 'id' },
  );
  check('a binary file', `PK\u0003\u0004\0\0${'\0'.repeat(100)}\n\0\n`, ['0 binary', '1 binary']);
  check('a line of 1 MB', JSON.stringify({ prompt: 'x'.repeat(1e6), answer: 'y' }), []);
  check('1 MB that is not JSON', `{"prompt": "${'x'.repeat(1e6)}`, ['0 not-json']);
  check('a line beyond the trainer’s limit', 'x'.repeat(16 * 1024 * 1024 + 1), ['0 too-long']);
  check('nested columns', '{"prompt":"a","reward_model":{"ground_truth":"3"}}', [], {
    ...usualColumns,
    answer: 'reward_model.ground_truth',
  });
  check('nothing', '', []);

  it('counts, a short message, and an end to the list', () => {
    const found = examine(`${good}\n{"prompt":"a","answer":1}\n`, usualColumns, { answerRequired: true });
    assert.deepEqual([found.rows, found.withDemonstration], [2, 1]);
    const long = examine(`{"prompt": "${'x'.repeat(1e5)}`, usualColumns, { answerRequired: true });
    assert.ok((long.problems[0]?.message.length ?? 1e9) < 250);
    const many = examine('x\n'.repeat(700), usualColumns, { answerRequired: true });
    assert.deepEqual([many.problems.length, many.unlisted], [500, 200]);
  });
});

describe('rows', () => {
  it('their parts', () => {
    const row = rowParts(
      '{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"answer":2,"demonstration":[{"role":"assistant","content":"d"}]}',
      usualColumns,
    );
    assert.deepEqual(
      [row?.messages.map(({ content }) => content), row?.answer, row?.demonstration],
      [['s', 'u'], '2', 'd'],
    );
    assert.equal(rowParts('{', usualColumns), undefined);
    assert.equal(rowParts('{"prompt":"a","__proto__":{"answer":"1"}}', usualColumns)?.answer, null);
  });

  it('their columns', () => {
    assert.deepEqual(columnsOf([{ question: 'a', answer: 'b' }]), {
      prompt: 'question',
      answer: 'answer',
      demonstration: null,
      id: null,
    });
    assert.deepEqual(columnsOf([{ id: 1, problem: 'a', solution: 'b', ground_truth: 'c' }]), {
      prompt: 'problem',
      answer: 'ground_truth',
      demonstration: 'solution',
      id: 'id',
    });
    assert.equal(columnsOf([{ text: 'a' }]), undefined);
    assert.equal(columnsOf([]), undefined);
  });
});
