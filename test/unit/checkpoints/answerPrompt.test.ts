import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Prompt } from '../../../core/generated/playground';
import { makePrompt, withBeginning, type PromptMaker } from '../../../src/checkpoints/answerPrompt';
import type { SpelledTokens } from '../../../src/checkpoints/tokenizerAnswers';
import { readChatTemplate } from '../../../src/inference/chatTemplate';
import { CheckpointProblem } from '../../../src/inference/problem';
import { readTokenizer } from '../../../src/inference/tokenizer';

const base = (name: string): string => readFileSync(`trainer/demo/base/${name}`, 'utf8');
const tokenizer = readTokenizer({
  tokenizer: base('tokenizer.json'),
  config: base('tokenizer_config.json'),
  specialTokensMap: undefined,
  modelType: 'llama',
});
const template = readChatTemplate(
  { template: base('chat_template.jinja'), config: base('tokenizer_config.json') },
  tokenizer.names,
);

/** The demo's base, with its own template or without one; `before` stands before whole texts. */
function maker({ chatTemplate = template, hasTemplate = true, before = [] as readonly number[] } = {}): PromptMaker {
  return {
    name: 'base',
    render: (messages) => {
      if (!hasTemplate) return Promise.resolve(null);
      const rendered = chatTemplate?.render(messages, { addGenerationPrompt: true, date: '2026-01-01', variables: {} });
      return rendered instanceof CheckpointProblem ? Promise.reject(rendered) : Promise.resolve(rendered ?? null);
    },
    encode: (text, special) => {
      const ids = tokenizer.encode(text, { special: false });
      return Promise.resolve(spelled(special ? Int32Array.of(...before, ...ids, end) : ids));
    },
  };
}

const end = tokenizer.encode('<|im_end|>', { special: false })[0] ?? -1;

function spelled(ids: Int32Array): SpelledTokens {
  const parts = Array.from(ids, (id) => tokenizer.bytesOf(id));
  return {
    ids,
    bytes: Uint8Array.from(parts.flatMap((part) => [...part])),
    lengths: Int32Array.from(parts, ({ length }) => length),
    special: Uint8Array.from(ids, (id) => Number(tokenizer.isSpecial(id))),
  };
}

const chat: Prompt = {
  mode: 'chat',
  turns: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Zoe has 11 stamps.' },
  ],
  text: '',
};
const raw = (text: string): Prompt => ({ mode: 'raw', turns: [], text });

describe('a prompt', () => {
  it('of a chat is what the template makes, its special tokens told apart', async () => {
    const { pieces, ids, note } = await makePrompt(maker(), chat);
    const text = pieces.map((piece) => piece.text).join('');
    assert.equal(
      text,
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nZoe has 11 stamps.<|im_end|>\n<|im_start|>assistant\n',
    );
    assert.deepEqual(ids, tokenizer.encode(text, { special: false }));
    assert.equal(pieces.filter(({ special }) => special).length, 5);
    assert.ok(pieces.every((piece, place) => piece.special !== pieces[place + 1]?.special));
    assert.equal(note, '');
  });

  it('without a template is the text as it is, and says so', async () => {
    const { pieces, note } = await makePrompt(maker({ hasTemplate: false }), chat);
    assert.deepEqual(pieces, [{ text: 'Be brief.\n\nZoe has 11 stamps.', special: false }]);
    assert.match(note, /no chat template/);
  });

  it('of raw text has what stands before a whole text, and not what stands behind it', async () => {
    const { ids, pieces } = await makePrompt(maker({ before: [end] }), raw('11 stamps'));
    assert.deepEqual(ids, Int32Array.of(end, ...tokenizer.encode('11 stamps', { special: false })));
    assert.deepEqual(pieces, [
      { text: '<|im_end|>', special: true },
      { text: '11 stamps', special: false },
    ]);
  });

  it('that was recorded with that beginning gets no second one', async () => {
    const text = '<|im_end|>11 stamps';
    const { ids, pieces } = await makePrompt(maker({ before: [end] }), raw(text));
    assert.deepEqual(ids, tokenizer.encode(text, { special: false }));
    assert.equal(pieces.map((piece) => piece.text).join(''), text);
  });

  it('of roles that the template refuses is refused in its words', async () => {
    const strict = readChatTemplate(
      {
        template: "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}",
        config: undefined,
      },
      {},
    );
    await assert.rejects(
      makePrompt(maker({ chatTemplate: strict }), chat),
      /chat_template\.jinja: the template refuses the messages \(no system role\)/,
    );
  });

  it('that is empty is refused', async () => {
    await assert.rejects(makePrompt(maker(), raw('')), /^CheckpointProblem: base: the prompt is empty; write/);
  });

  it('begins once with what is put before it, and ends as it was written', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 8 }).map((list) => Int32Array.from(list));
    fc.assert(
      fc.property(ids, ids, ids, (before, plain, behind) => {
        const made = withBeginning(plain, Int32Array.of(...before, ...plain, ...behind));
        assert.deepEqual(made.subarray(made.length - plain.length), plain);
        assert.deepEqual(withBeginning(made, Int32Array.of(...before, ...made, ...behind)).length, made.length);
      }),
    );
  });
});
