import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEvent } from '../../../core/events';
import { emptyRun, fold, type RunModel } from '../../../core/runModel';
import { unpainted } from '../../../src/cli/painter';
import { picture, type Scene } from '../../../src/cli/picture';
import { nothingTold, plainLines } from '../../../src/cli/plainLines';
import { sparkline } from '../../../src/cli/sparkline';
import { plain, styleFor } from '../../../src/cli/style';
import { comparisonLines, summaryTable } from '../../../src/cli/summary';
import { widthOf } from '../../../src/cli/terminalText';
import { evaluation, step } from '../support/writtenRun';

const hostile = '\u001b[2J\u001b]0;title\u0007\u202eevil\u200b\r\n<|im_end|>';
const trace = { row: 0, step: 3, promptId: 'p', correct: false, prompt: hostile, text: hostile };

describe('the picture of a run', () => {
  it('shows each figure it promises', () => {
    const text = picture(sceneOf(modelOf(12)), 100, plain).join('\n');
    for (const part of [
      /step 12 of 20/,
      /about 0:08 to go/,
      /512 tokens\/s/,
      /reward\s+1\.200/,
      /held-out\s+0\.800/,
      /0\.300 → 0\.800/,
      /own\s+0\.300/,
      /demo\s+0\.700/,
      /w_RL\s+0\.130/,
      /w_SFT\s+0\.412/,
      /generate 25 %/,
      /train 75 %/,
      /newest right, step 3/,
      /newest wrong, step 3/,
    ]) {
      assert.match(text, part);
    }
  });

  it('no line is wider than the terminal, whatever its size, and nothing dangerous is in it', () => {
    const style = styleFor({}, true);
    for (const columns of [1, 20, 40, 79, 80, 81, 120, 300]) {
      for (const scene of [sceneOf(modelOf(12)), sceneOf(emptyRun())]) {
        for (const line of picture(scene, columns, style)) {
          assert.ok(widthOf(unpainted(line)) <= Math.max(1, columns - 1), `${columns}: ${line}`);
          assert.doesNotMatch(unpainted(line), /\p{Cc}|\p{Cf}/u);
        }
      }
    }
  });

  it('has the same height all the time, so that nothing jumps', () => {
    const heights = [emptyRun(), modelOf(1), modelOf(12)].map((model) => picture(sceneOf(model), 100, plain).length);
    assert.equal(new Set(heights).size, 1);
  });

  it('has no colours where none are wanted', () => {
    const environments: readonly [Record<string, string>, boolean, boolean][] = [
      [{}, true, true],
      [{ NO_COLOR: '1' }, true, false],
      [{ NO_COLOR: '' }, true, true],
      [{ TERM: 'dumb' }, true, false],
      [{}, false, false],
    ];
    for (const [environment, isTerminal, coloured] of environments) {
      assert.equal(styleFor(environment, isTerminal)('right', 'x') !== 'x', coloured);
    }
  });
});

describe('lines for a log', () => {
  it('come once, about one each five steps', () => {
    const model = emptyRun();
    let told = nothingTold;
    const lines: string[] = [];
    for (const entry of eventsOf(12)) {
      fold(model, readEvent(entry));
      const news = plainLines(model, 'generate', told);
      told = news.told;
      lines.push(...news.lines);
    }
    assert.deepEqual(
      lines.map((line) => /^(generate|step \d+)/.exec(line)?.[0]),
      ['generate', 'step 0', 'step 5', 'step 10', 'step 12'],
    );
  });
});

describe('the summary', () => {
  it('sets before and after side by side', () => {
    assert.deepEqual(
      summaryTable(modelOf(12), plain).map((line) => line.trim().split(/\s{2,}/)),
      [
        ['held-out problems', 'step 0', 'step 12'],
        ['greedy held-out accuracy', '0.300', '0.800'],
        ['step-valid rate', '0.150', '0.400'],
        ['reward', '0.300', '0.800'],
        ['entropy (nats)', '0.200', '0.200'],
        ['length (tokens)', '40.0', '40.0'],
        ['95 % interval of the accuracy', '0.25–0.35', '0.75–0.85'],
      ],
    );
  });

  it('claims no after where nothing was measured again', () => {
    const model = eventsOf(3).slice(0, -1).map(readEvent).reduce(fold, emptyRun());
    assert.match(summaryTable(model, plain).join('\n'), /at step 0: 0\.300; the run ended before/);
    assert.match(summaryTable(emptyRun(), plain).join('\n'), /no evaluation/);
  });

  it('names each wrong sum of a trace, and shows hostile text as it is', () => {
    const before = { ...trace, text: '16+8=14\n20-3=17\n\u001b[31m' };
    const text = comparisonLines('Wrong before', { before, after: trace }, 80, plain).join('\n');
    assert.match(text, /16\+8=14 {3}← 24\n\s+20-3=17\n\s+␛\[31m/);
    assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}|\p{Cf}/u);
  });
});

describe('a sparkline', () => {
  const cases: readonly [readonly number[], number, string][] = [
    [[0, 1, 2, 3, 4, 5, 6, 7], 8, '▁▂▃▄▅▆▇█'],
    [[0, 0, 7, 7], 2, '▁█'],
    [[1, NaN, 8], 3, '▁ █'],
    [[5, 5], 2, '▅▅'],
    [[], 5, ''],
  ];
  for (const [values, columns, expected] of cases) {
    it(`${JSON.stringify(values)} in ${columns} columns`, () => {
      assert.equal(sparkline(values, columns), expected);
    });
  }
});

function sceneOf(model: RunModel): Scene {
  const live = {
    format: '1.0',
    step: 12,
    phase: 'generate' as const,
    done: 4,
    total: 10,
    tokens_per_second: 512,
    prompt: hostile,
    text: hostile,
    updated: 0,
  };
  return {
    model,
    status: null,
    live,
    right: trace,
    wrong: trace,
    sinceNewestSeconds: 0,
    stopping: false,
    said: hostile,
  };
}

function modelOf(steps: number): RunModel {
  return eventsOf(steps).map(readEvent).reduce(fold, emptyRun());
}

function eventsOf(steps: number): Readonly<Record<string, unknown>>[] {
  const metrics = {
    'entropy/rollout': 0.3,
    'entropy/demonstration': 0.7,
    'weight/rl': 0.13,
    'weight/sft': 0.412,
    'seconds/generate': 1,
    'seconds/train': 3,
    'seconds/step': 4,
  };
  return [
    { kind: 'started', attempt: 1, steps: 20 },
    evaluation(0, 0.3),
    ...Array.from({ length: steps }, (_, number) =>
      step(number + 1, { metrics: { ...metrics, 'reward/mean': (number + 1) / 10 } }),
    ),
    evaluation(steps, 0.8),
  ].map((event, seq) => ({ seq, time: 1000 + seq, index_bytes: 0, ...event }));
}
