import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readForeignTrace, type ForeignTrace } from '../../../core/foreignTraces';
import { tokenCount, tokenText, traceOf, column } from '../../../core/trace';

function readOf(value: unknown): ForeignTrace {
  const found = readForeignTrace(JSON.stringify(value));
  assert.ok(found.kind === 'read', found.kind === 'broken' ? found.reason : '');
  return found.value;
}

const content = [
  { token: 'H', logprob: -0.5, bytes: [72] },
  { token: '\\xc3', logprob: -0.25, bytes: [195] },
  { token: '\\xa4', logprob: -0.125, bytes: [164] },
  { token: '<|im_end|>', logprob: -1, bytes: null },
];

describe('traces from elsewhere', () => {
  const texts: [string, unknown, string, string][] = [
    ['prompt and completion', { prompt: 'Q?', completion: 'A' }, 'Q?\n', 'A'],
    [
      'conversational prompt and completion (TRL)',
      { prompt: [{ role: 'user', content: 'Q?' }], completion: [{ role: 'assistant', content: 'A' }] },
      '[user]\nQ?\n',
      'A',
    ],
    [
      'messages that end with the assistant',
      {
        messages: [
          { role: 'system', content: 'S' },
          { role: 'user', content: 'Q' },
          { role: 'assistant', content: 'A' },
        ],
      },
      '[system]\nS\n[user]\nQ\n',
      'A',
    ],
    ['input and output (verl)', { input: 'Q', output: 'A', score: 1, step: 7 }, 'Q\n', 'A'],
    ['a completion (OpenAI, vLLM)', { prompt: 'Q', choices: [{ text: 'A' }] }, 'Q\n', 'A'],
    ['a chat answer', { choices: [{ message: { role: 'assistant', content: 'A' } }] }, '', 'A'],
    [
      'a line of a batch file',
      { custom_id: 'x1', response: { body: { choices: [{ message: { content: 'A' } }] } } },
      '',
      'A',
    ],
  ];
  for (const [name, value, prompt, response] of texts) {
    it(`${name} is read`, () => {
      const trace = readOf(value);
      assert.equal(trace.prompt, prompt);
      assert.equal(new TextDecoder().decode(trace.record.text), response);
      assert.match(trace.missing ?? '', /no log-probs/);
    });
  }

  it('scores and the like are kept under their own names', () => {
    const { facts } = readOf({ input: 'Q', output: 'A', score: 0.5, step: 7, correct: true, gts: '4', other: 'x' });
    assert.deepEqual(facts, [
      { name: 'score', value: '0.5' },
      { name: 'correct', value: 'true' },
      { name: 'step', value: '7' },
      { name: 'gts', value: '4' },
    ]);
  });

  it('log-probs come with their tokens, whose bytes may be parts of characters, and no entropy is made up', () => {
    const chat = readOf({ choices: [{ message: { content: 'Hä' }, logprobs: { content } }] });
    const trace = traceOf(chat.record, chat.prompt);
    assert.equal(trace.text, 'Hä<|im_end|>');
    assert.deepEqual([...(column(trace, 'logprob') ?? [])], [-0.5, -0.25, -0.125, -1]);
    assert.equal(column(trace, 'entropy'), undefined);
    assert.match(chat.missing ?? '', /no entropies/);
    const completion = readOf({
      choices: [{ text: 'ab', logprobs: { tokens: ['a', 'b'], token_logprobs: [null, -2], text_offset: [0, 1] } }],
    });
    const old = traceOf(completion.record, '');
    assert.equal(tokenCount(old), 2);
    assert.equal(tokenText(old, 1), 'b');
    assert.deepEqual([...(column(old, 'logprob') ?? [])], [NaN, -2]);
  });

  it('tokens that are not those of the text are left out, and that is said', () => {
    const { record, missing } = readOf({ choices: [{ message: { content: 'other' }, logprobs: { content } }] });
    assert.equal(record.tokens, 0);
    assert.match(missing ?? '', /do not make up its text/);
  });

  it('anything else is refused in words, and nothing is thrown', () => {
    for (const line of ['', '3', '[]', 'null', '{"prompt": "Q"}', '{"messages": [{"role": "user", "content": "Q"}]}']) {
      const found = readForeignTrace(line);
      assert.ok(found.kind === 'broken' && found.reason.length > 10, line);
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        readForeignTrace(line);
      }),
      { numRuns: 2000 },
    );
    const key = fc.constantFrom(
      'choices',
      'logprobs',
      'content',
      'message',
      'tokens',
      'token_logprobs',
      'text',
      'prompt',
      'messages',
      'bytes',
      'response',
      'body',
      'completion',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const found = readForeignTrace(JSON.stringify(value));
        if (found.kind === 'read') traceOf(found.value.record, found.value.prompt);
      }),
      { numRuns: 3000 },
    );
  });
});
