import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { AnswerNews, AnswerSampling, Prompt } from '../../../core/generated/playground';
import { Answer, type Answerer } from '../../../src/checkpoints/answer';
import type { WriteRequest, Written } from '../../../src/checkpoints/languageModel';
import type { SpelledTokens } from '../../../src/checkpoints/tokenizerAnswers';
import { utf8Stream } from '../../../core/utf8';
import { CheckpointProblem } from '../../../src/inference/problem';

const end = 0;
const sampling: AnswerSampling = { temperature: 0.7, topP: 0.9, topK: 5, minP: 0.01, maxTokens: 40, seed: 7 };
const prompt: Prompt = { mode: 'raw', turns: [], text: 'ab' };

/** Token n > 0 spells the n-th of `spelling`; token 0 is the special one that ends. */
function answererOf(
  spelling: readonly Uint8Array[],
  batches: readonly number[],
  more: Partial<Answerer> = {},
): Answerer {
  return {
    name: 'step 3',
    render: () => Promise.resolve(null),
    encode: (text) =>
      Promise.resolve(
        spelled(
          Int32Array.from(text, () => 1),
          [new TextEncoder().encode('x')],
        ),
      ),
    spell: async (ids) => {
      await turn();
      return spelled(ids, spelling);
    },
    load: () => Promise.resolve({ provider: 'cpu', endTokens: [end] }),
    write: async (_request, _signal, onTokens) => {
      let at = 1;
      for (const size of batches) {
        onTokens(Array.from({ length: size }, (_, place) => written(at + place)));
        at += size;
        if (size % 2 === 0) await turn();
      }
    },
    ...more,
  };
}

function written(id: number): Written {
  return { row: 0, id, logProb: -id / 8, entropy: id / 4 };
}

function spelled(ids: Int32Array, spelling: readonly Uint8Array[]): SpelledTokens {
  const parts = Array.from(ids, (id) =>
    id === end ? new TextEncoder().encode('<end>') : (spelling[id - 1] ?? new Uint8Array(0)),
  );
  return {
    ids,
    bytes: Uint8Array.from(parts.flatMap((part) => [...part])),
    lengths: Int32Array.from(parts, ({ length }) => length),
    special: Uint8Array.from(ids, (id) => Number(id === end)),
  };
}

function answerOf(
  answerer: Answerer,
  signal = new AbortController().signal,
  onChange: () => void = () => undefined,
): Answer {
  return new Answer(1, answerer, {
    prompt,
    sampling,
    signal,
    onChange,
    onUnexpected: (error) => `unexpected: ${String(error)}`,
  });
}

/** The whole of an answer to its end. */
async function finished(answerer: Answerer, signal?: AbortSignal): Promise<AnswerNews> {
  const answer = answerOf(answerer, signal);
  if (await answer.begin()) await answer.write();
  return answer.news(0, 0);
}

/** Bytes, and a cut of them into pieces of one to five. */
const cutBytes = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
    fc.uint8Array({ maxLength: 60 }),
  )
  .chain((bytes) =>
    fc.array(fc.integer({ min: 1, max: 5 }), { minLength: bytes.length, maxLength: bytes.length }).map((sizes) => {
      const pieces: Uint8Array[] = [];
      let at = 0;
      for (const size of sizes) {
        if (at < bytes.length) pieces.push(bytes.subarray(at, at + size));
        at += size;
      }
      return { bytes, pieces };
    }),
  );

const whole = new TextDecoder('utf-8', { ignoreBOM: true });
const nothing = new Uint8Array(0);

describe('texts of tokens', () => {
  it('together are the text of all bytes, however these are cut', () => {
    fc.assert(
      fc.property(cutBytes, ({ bytes, pieces }) => {
        const text = utf8Stream();
        const all = [...pieces.map((piece) => text(piece, false)), text(nothing, true)];
        assert.equal(all.join(''), whole.decode(bytes));
      }),
    );
  });

  it('show a character whole, with the token that completes it', () => {
    const text = utf8Stream();
    const [first, second, third, fourth] = new TextEncoder().encode('🙂');
    assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
    assert.equal(text(Uint8Array.of(first), false), '');
    assert.equal(text(Uint8Array.of(second, third), false), '');
    assert.equal(text(Uint8Array.of(fourth, 0x21), false), '🙂!');
    assert.equal(text(nothing, true), '');
  });
});

describe('an answer', () => {
  it('has the text of all its bytes, however tokens and messages come, and a figure for each token', async () => {
    const batches = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(cutBytes, batches, async ({ bytes, pieces }, sizes) => {
        const cut: number[] = [];
        let left = pieces.length;
        for (const size of [...sizes, ...new Array<number>(pieces.length).fill(1)]) {
          if (left > 0) cut.push(Math.min(size, left));
          left -= size;
        }
        const news = await finished(answererOf(pieces, cut));
        assert.equal(news.state, 'cut');
        assert.equal(news.texts.join(''), whole.decode(bytes));
        assert.deepEqual(
          [...news.ids],
          pieces.map((_, place) => place + 1),
        );
        assert.deepEqual(
          [...news.logProb],
          [...news.ids].map((id) => -id / 8),
        );
        assert.deepEqual(
          [...news.entropy],
          [...news.ids].map((id) => id / 4),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('told in parts, the last token again each time, is what it is when told at once', async () => {
    const bytes = new TextEncoder().encode('naïve 🙂 end');
    const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte));
    let view: string[] = [];
    let told = 0;
    const answer = answerOf(answererOf(pieces, new Array<number>(pieces.length).fill(1)), undefined, () => {
      const news = answer.news(0, Math.max(0, told - 1));
      view = [...view.slice(0, news.from), ...news.texts];
      told = answer.tokens;
    });
    assert.ok(await answer.begin());
    await answer.write();
    assert.equal(view.join(''), 'naïve 🙂 end');
    assert.deepEqual(view, answer.news(0, 0).texts);
  });

  it('asks with the seed from the first place on, and with all that is chosen', async () => {
    const requests: WriteRequest[] = [];
    await finished(answererOf([], [], { write: (request) => Promise.resolve(void requests.push(request)) }));
    assert.deepEqual(requests, [
      {
        prefix: Int32Array.of(1, 1),
        seeds: [7n],
        firstPosition: 0,
        maxTokens: 40,
        sampling: { temperature: 0.7, topK: 5, topP: 0.9, minP: 0.01 },
        endTokens: [end],
      },
    ]);
  });

  it('that is ended by an end token has that token, and a text without it', async () => {
    const answerer = answererOf([new TextEncoder().encode('yes')], [], {
      write: (_request, _signal, onTokens) => {
        onTokens([written(1), written(end)]);
        return Promise.resolve();
      },
    });
    const answer = answerOf(answerer);
    assert.ok(await answer.begin());
    await answer.write();
    const news = answer.news(2, 0);
    assert.deepEqual([news.state, news.texts, [...news.special], news.column], ['ended', ['yes', '<end>'], [0, 1], 2]);
    assert.equal(answer.text, 'yes');
    assert.ok(answer.isSettled);
  });

  it('that is stopped keeps what was written', async () => {
    const stop = new AbortController();
    const pieces = [new TextEncoder().encode('so f'), new TextEncoder().encode('ar')];
    const news = await finished(
      answererOf(pieces, [], {
        write: (_request, signal, onTokens) => {
          onTokens([written(1), written(2)]);
          stop.abort();
          return Promise.reject(signal.reason as Error);
        },
      }),
      stop.signal,
    );
    assert.deepEqual([news.state, news.texts.join('')], ['stopped', 'so far']);
  });

  it('that was stopped before it began asks nothing', async () => {
    const stop = new AbortController();
    stop.abort();
    const news = await finished(
      answererOf([], [], { encode: () => assert.fail('it was asked'), load: () => assert.fail('it was loaded') }),
      stop.signal,
    );
    assert.equal(news.state, 'stopped');
  });

  const problem = new CheckpointProblem('is gone', 'runs/a', 'choose another');
  const failures: [string, Partial<Answerer>, RegExp][] = [
    [
      'whose checkpoint cannot be loaded',
      { load: () => Promise.reject(problem) },
      /^runs\/a: is gone; choose another\.$/,
    ],
    ['whose checkpoint breaks', { write: () => Promise.reject(problem) }, /^runs\/a: is gone; choose another\.$/],
    [
      'whose tokens cannot be spelled',
      { spell: () => Promise.reject(problem) },
      /^runs\/a: is gone; choose another\.$/,
    ],
    ['whose prompt cannot be made', { encode: () => Promise.reject(problem) }, /^runs\/a: is gone; choose another\.$/],
    ['to nothing', { encode: () => Promise.resolve(spelled(new Int32Array(0), [])) }, /^step 3: the prompt is empty; /],
    ['with a bug in it', { write: () => Promise.reject(new Error('odd')) }, /^unexpected: Error: odd$/],
    [
      'of weights that are no numbers',
      {
        write: (_request, _signal, onTokens) => {
          onTokens([{ row: 0, id: 1, logProb: NaN, entropy: NaN }]);
          return Promise.resolve();
        },
      },
      /log-probs that are no numbers/,
    ],
  ];
  for (const [name, more, expected] of failures) {
    it(`${name} says so`, async () => {
      const news = await finished(answererOf([new TextEncoder().encode('a')], [1], more));
      assert.equal(news.state, 'failed');
      assert.match(news.problem, expected);
    });
  }
});
