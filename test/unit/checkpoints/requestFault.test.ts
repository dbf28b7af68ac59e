import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { crashProblem } from '../../../src/checkpoints/crashProblem';
import type { ScoreRequest, WriteRequest } from '../../../src/checkpoints/languageModel';
import { modelEnvironment } from '../../../src/checkpoints/modelChild';
import { scoreFault, writeFault } from '../../../src/checkpoints/requestFault';
import { runtimeProblem } from '../../../src/checkpoints/runtimeProblem';

const vocabulary = 50;
const score: ScoreRequest = { ids: Int32Array.of(0, 49, 7, 3), from: 1, temperature: 1, top: 5 };
const write: WriteRequest = {
  prefix: Int32Array.of(0, 49),
  seeds: [0n, (1n << 64n) - 1n],
  firstPosition: 0,
  maxTokens: 64,
  sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 },
  endTokens: [2],
};

const checkScore = (change: Partial<ScoreRequest>, expected: RegExp): void => {
  assert.match(scoreFault({ ...score, ...change }, vocabulary) ?? 'accepted', expected);
};
const checkWrite = (change: Partial<WriteRequest>, expected: RegExp): void => {
  const sampling = { ...write.sampling, ...change.sampling };
  assert.match(writeFault({ ...write, ...change, sampling }, vocabulary) ?? 'accepted', expected);
};

describe('a question', () => {
  it('is accepted within its limits', () => {
    checkScore({}, /^accepted$/);
    checkScore({ from: 4, top: 0, temperature: 0.01 }, /^accepted$/);
    checkWrite({}, /^accepted$/);
    checkWrite({ endTokens: [] }, /^accepted$/);
  });

  it('to score is refused with its fault', () => {
    checkScore({ ids: Int32Array.of(1, -1) }, /token -1 is not in the vocabulary of 50/);
    checkScore({ ids: Int32Array.of(50, 1) }, /token 50/);
    checkScore({ ids: [1, 2] as never }, /no Int32Array/);
    checkScore({ ids: new Int32Array(0) }, /from is 1, not within 1 … 0/);
    checkScore({ ids: new Int32Array((1 << 20) + 1) }, /1048577 tokens are more than/);
    checkScore({ ids: new Int32Array(1 << 20), top: 9 }, /too many/);
    for (const from of [0, 5, 1.5, NaN, -1]) checkScore({ from }, /^from is/);
    for (const temperature of [0, -1, NaN, Infinity]) checkScore({ temperature }, /^temperature is/);
    for (const top of [-1, 51, 0.5, NaN]) checkScore({ top }, /^top is/);
  });

  it('to write is refused with its fault', () => {
    checkWrite({ prefix: new Int32Array(0) }, /nothing to continue/);
    checkWrite({ prefix: Int32Array.of(50) }, /token 50/);
    checkWrite({ seeds: [] }, /0 rows/);
    checkWrite({ seeds: new Array<bigint>(257).fill(1n) }, /257 rows/);
    for (const seed of [-1n, 1n << 64n]) checkWrite({ seeds: [seed] }, /64 bits/);
    for (const maxTokens of [0, 1.5, NaN, 1 << 21]) checkWrite({ maxTokens }, /^maxTokens is/);
    checkWrite({ maxTokens: 1 << 20 }, /2 rows of 1048576 tokens are too many/);
    checkWrite({ firstPosition: -1 }, /^firstPosition/);
    for (const temperature of [-1, NaN, Infinity])
      checkWrite({ sampling: { ...write.sampling, temperature } }, /^temperature/);
    for (const topP of [0, 1.1, NaN]) checkWrite({ sampling: { ...write.sampling, topP } }, /^topP/);
    for (const minP of [-0.1, 1.1, NaN]) checkWrite({ sampling: { ...write.sampling, minP } }, /^minP/);
    checkWrite({ sampling: { ...write.sampling, topK: -1 } }, /^topK/);
    checkWrite({ endTokens: [50] }, /token 50/);
    checkWrite({ endTokens: new Array<number>(2000).fill(1) }, /2000 end tokens/);
  });

  it('that is accepted names no token outside the vocabulary', () => {
    const request = fc.record({
      ids: fc.array(fc.integer({ min: -5, max: 55 }), { maxLength: 12 }).map((ids) => Int32Array.from(ids)),
      from: fc.integer({ min: -2, max: 14 }),
      temperature: fc.double(),
      top: fc.integer({ min: -2, max: 60 }),
    });
    fc.assert(
      fc.property(request, (asked) => {
        const isAccepted = scoreFault(asked, vocabulary) === undefined;
        const isSound =
          asked.ids.every((id) => id >= 0 && id < vocabulary) &&
          asked.from >= 1 &&
          asked.from <= asked.ids.length &&
          asked.temperature > 0 &&
          asked.temperature < Infinity &&
          asked.top >= 0 &&
          asked.top <= vocabulary;
        assert.equal(isAccepted, isSound);
      }),
    );
  });
});

describe('the end of a process', () => {
  const check = (code: number | null, signal: NodeJS.Signals | null, expected: RegExp): void => {
    assert.match(crashProblem({ code, signal, refusal: null }, 'step 100').message, expected);
  };

  it('is told with what may help', () => {
    check(
      null,
      'SIGKILL',
      /^step 100: .* \(signal SIGKILL\), as happens when memory runs out; close other programs .*\.$/,
    );
    check(137, null, /exit code 137\), as happens when memory runs out/);
    check(null, 'SIGABRT', /memory runs out/);
    check(0xc0000017, null, /memory runs out/);
    check(null, 'SIGBUS', /is cut short; wait until/);
    check(null, 'SIGILL', /lacks instructions/);
    check(null, 'SIGSEGV', /\(signal SIGSEGV\); try again/);
    check(1, null, /\(exit code 1\); try again/);
    const refused = crashProblem({ code: null, signal: null, refusal: 'spawn EAGAIN' }, 'base');
    assert.equal(
      refused.message,
      'base: its process cannot be started (spawn EAGAIN); reload the window and try again.',
    );
  });
});

describe('an error of the library', () => {
  const check = (text: string, expected: RegExp): void => {
    assert.match(runtimeProblem(new Error(text))?.message ?? 'unknown', expected);
  };

  it('is told with what may help', () => {
    check(
      'Failed to allocate memory for requested buffer of size 17179869184',
      /^the checkpoint: memory ran out; close/,
    );
    check('std::bad_alloc', /memory ran out/);
    check('Array buffer allocation failed', /memory ran out/);
    check('no available backend found. ERR: [webgpu] backend not found.', /^srft\.checkpoints\.providers: none/);
    check('Non-zero status code returned while running Gather node', /^unknown$/);
    assert.equal(runtimeProblem('std::bad_alloc'), undefined);
  });
});

describe('the environment of a process', () => {
  it('holds what it needs and nothing else', () => {
    const env = {
      Path: '/bin',
      HF_TOKEN: 'secret',
      NODE_OPTIONS: '--inspect',
      ELECTRON_RUN_AS_NODE: '0',
      VSCODE_PID: '7',
    };
    assert.deepEqual(modelEnvironment(env, undefined), { Path: '/bin' });
    assert.deepEqual(modelEnvironment(env, '37.1.0'), { Path: '/bin', ELECTRON_RUN_AS_NODE: '1' });
  });
});
