import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { extremeRow, pullSize, steepestStep, trainedRows } from '../../../core/extremes';
import { forksOf, partedAt, sharedPrefix, type Member } from '../../../core/groupForks';
import { valueAt } from '../../../core/columns';
import { promptHistory } from '../../../core/promptHistory';
import { rolloutText } from '../../../core/rolloutColumns';
import { isCurrent } from '../../../core/rolloutIndex';
import { flattened, sectionsOf, type Section } from '../../../core/traceSections';
import { levelAt, overlaysOf, signedLevels, sizeLevels, termsOf } from '../../../core/traceOverlays';
import { markedTrace, rankWords } from '../../../core/traceMarks';
import { traceOf } from '../../../core/trace';
import { factsOfToken, shownToken } from '../../../core/traceWords';
import { RunStore } from '../../../src/runs/runStore';

/** Three steps of the demo, as the trainer wrote them. */
const trained = 'test/fixtures/runs/trained';
/** Made by hand: every kind of row, bytes that are no UTF-8, a resumed attempt. */
const rich = 'test/fixtures/runs/rich';

async function openRun(directory: string): Promise<RunStore> {
  const opened = await RunStore.open(directory);
  assert.ok(opened.kind === 'read');
  return opened.value;
}

describe('figures of a recorded trace', () => {
  it('absolute pulls of a term, summed over all traces of a step, are what the step recorded', async () => {
    const store = await openRun(trained);
    const { index, model } = store;
    const masses = new Map<string, number>();
    for (let row = 0; row < index.length; row += 1) {
      if (!isCurrent(index, row, model.attempts) || index.kinds[row] === 'evaluation') continue;
      const record = await store.readRollout(row);
      if (record.kind === 'broken') continue;
      for (const { name, values } of termsOf(traceOf(record.value, ''))) {
        const key = `${valueAt(index.numbers.step, row)} ${name}`;
        masses.set(key, (masses.get(key) ?? 0) + values.reduce((sum, value) => sum + Math.abs(value), 0));
      }
    }
    await store.close();
    let compared = 0;
    for (const [name, { curve }] of model.steps.metrics) {
      if (!name.startsWith('pull/mass_')) continue;
      model.steps.step.values.slice(0, model.steps.step.length).forEach((step, row) => {
        const recorded = valueAt(curve.values, row);
        const summed = masses.get(`${step} ${name.slice('pull/mass_'.length)}`);
        if (summed === undefined || Number.isNaN(recorded)) return;
        assert.ok(
          Math.abs(summed - recorded) <= 1e-3 * Math.max(1, recorded),
          `${name} at ${step}: ${summed}, ${recorded}`,
        );
        compared += 1;
      });
    }
    assert.equal(compared, 9, 'three terms of three steps were compared');
  });

  for (const directory of [trained, rich])
    it(`levels follow the limits of their overlay, and every figure is one: ${directory}`, async () => {
      const store = await openRun(directory);
      for (let row = 0; row < store.index.length; row += 1) {
        const record = await store.readRollout(row);
        if (record.kind === 'broken') continue;
        const trace = traceOf(record.value, 'p');
        for (const overlay of overlaysOf(trace, valueAt(store.index.numbers.advantage, row))) {
          for (let token = 0; token < record.value.tokens; token += 1) {
            const value = overlay.values[token] ?? NaN;
            const level = levelAt(overlay, token);
            if (overlay.kind === 'name') assert.equal(level, value + 1);
            else if (Number.isNaN(value)) assert.equal(level, 0);
            else {
              assert.ok(Math.abs(level) <= (overlay.kind === 'size' ? sizeLevels : signedLevels));
              const limit = overlay.limits[Math.abs(level) - 1];
              assert.ok(limit === undefined || Math.abs(value) >= limit);
              if (overlay.kind === 'signed' && level !== 0) assert.equal(Math.sign(level), Math.sign(value));
            }
          }
        }
        for (let token = 0; token < record.value.tokens; token += 1) {
          assert.doesNotMatch(shownToken(trace, token), /[\n\r\t\u202e]/);
          for (const { name, value } of factsOfToken(trace, token, NaN))
            assert.doesNotMatch(value, /NaN|undefined/, name);
        }
        assert.equal(trace.text, `p${rolloutText(record.value)}`);
      }
      await store.close();
    });
});

describe('parts of a trace', () => {
  const text = '<think>\nStep 1: add\n2. then\nno\n</think>\nso \\boxed{\\frac{1}{2}} it is';

  it('are the blocks, their steps and the boxed answer', () => {
    const sections = sectionsOf(`Q?${text}`, 2);
    assert.deepEqual(
      flattened(sections).map(({ kind, name }) => `${kind}: ${name}`),
      ['prompt: prompt', 'think: think', 'step: Step 1: add', 'step: 2. then', 'boxed: \\boxed{\\frac{1}{2}}'],
    );
  });

  it('a block opened by the prompt counts, and one that is not closed says so', () => {
    const [prompt, think] = sectionsOf('Q?\n<think>\nhm', 11);
    assert.equal(prompt?.kind, 'prompt');
    assert.equal(think?.name, 'think (not closed)');
    assert.deepEqual([think.from, think.to], [11, 13]);
  });

  it('of any text lie within it, children within their parents', () => {
    const part = fc.constantFrom(
      '<think>',
      '</think>',
      '<answer>',
      '\\boxed{',
      '}',
      '{',
      '\n',
      '1. ',
      'Step 2',
      '## x',
      'a',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), fc.nat(40), (parts, start) => {
        const whole = parts.join('');
        const check = (list: readonly Section[], low: number, high: number): void => {
          for (const { from, to, children } of list) {
            assert.ok(from >= low && to <= high && from <= to);
            check(children, from, to);
          }
        };
        check(sectionsOf(whole, Math.min(start, whole.length)), 0, whole.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('forks of a group', () => {
  const member = fc.record({ ids: fc.array(fc.nat(2), { maxLength: 8 }), correct: fc.boolean(), given: fc.boolean() });

  it('are where a plain comparison finds them', () => {
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 8 }), (list) => {
        const members: Member[] = list.map((one, row) => ({ ...one, row }));
        const [self] = members;
        assert.ok(self !== undefined);
        const forks = forksOf(members, self);
        for (let token = 0; token < self.ids.length; token += 1) {
          const parted: Member[] = members.filter(
            ({ row, ids }) =>
              row !== 0 &&
              JSON.stringify(Array.from(ids).slice(0, token)) ===
                JSON.stringify(Array.from(self.ids).slice(0, token)) &&
              ids.length >= token &&
              ids[token] !== self.ids[token],
          );
          assert.equal(forks.includes(token), parted.length > 0);
          const branches = partedAt(members, self, token);
          assert.deepEqual(
            branches.flatMap(({ members: taken }) => taken.map(({ row }) => row)).sort((a, b) => a - b),
            parted.map(({ row }) => row),
          );
        }
      }),
    );
    assert.equal(sharedPrefix([1, 2, 3], [1, 2]), 2);
  });
});

describe('what a peak is made of', () => {
  it('is the first of the rollouts that no other exceeds', async () => {
    const store = await openRun(trained);
    const { index, model } = store;
    const own = Array.from({ length: index.length }, (_, row) => row).filter((row) => index.kinds[row] === 'rollout');
    const inStep = (step: number): number[] => own.filter((row) => valueAt(index.numbers.step, row) === step);
    for (const step of [1, 2, 3]) {
      const longest = Math.max(...inStep(step).map((row) => valueAt(index.numbers.tokens, row)));
      const found = extremeRow(index, model.attempts, step, step, 'longest');
      assert.equal(
        found,
        inStep(step).find((row) => valueAt(index.numbers.tokens, row) === longest),
      );
    }
    const worst = extremeRow(index, model.attempts, 1, 3, 'lowest reward');
    assert.equal(
      valueAt(index.numbers.reward, worst ?? -1),
      Math.min(...own.map((row) => valueAt(index.numbers.reward, row))),
    );
    assert.equal(extremeRow(index, model.attempts, 7, 9, 'most uncertain'), undefined);
    await store.close();
  });
});

describe('the highest gradient norm', () => {
  it('is found among the steps asked for, and its traces have the pulls that the step recorded, or less', async () => {
    const store = await openRun(trained);
    const { index, model } = store;
    const norms = model.steps.metrics.get('gradient/norm')?.curve.values ?? assert.fail('no norms');
    const all = [1, 2, 3].map((step) => ({ step, norm: valueAt(norms, step - 1) }));
    for (const from of [1, 2, 3])
      for (const to of [1, 2, 3].filter((step) => step >= from)) {
        const [first] = all.filter(({ step }) => step >= from && step <= to).sort((a, b) => b.norm - a.norm);
        assert.deepEqual(steepestStep(model.steps, from, to), first);
      }
    assert.equal(steepestStep(model.steps, 8, 9), undefined);
    const masses = [...model.steps.metrics].filter(([name]) => name.startsWith('pull/mass_'));
    for (const step of [1, 2, 3]) {
      const rows = trainedRows(index, model.attempts, step);
      assert.deepEqual(new Set(rows.map((row) => index.kinds[row])), new Set(['rollout', 'demonstration']));
      let sum = 0;
      for (const row of rows) {
        const record = await store.readRollout(row);
        assert.ok(record.kind === 'read');
        const size = pullSize({ record: record.value });
        assert.ok(size !== undefined && size >= 0);
        sum += size;
      }
      // Pulls of two terms on one token may cancel each other.
      const mass = masses.reduce((total, [, { curve }]) => total + valueAt(curve.values, step - 1), 0);
      assert.ok(sum > 0 && sum <= mass * 1.001, `${sum} of ${mass}`);
    }
    await store.close();
  });
});

describe('a trace among all of its step', () => {
  it('has the place that its value gives it', () => {
    const values = [5, 9, 7, 9, 1];
    assert.deepEqual(
      values.map((value) => rankWords(value, values, 'longest')),
      [
        '4th longest of 5',
        'longest of 5, with 1 more',
        '3rd longest of 5',
        'longest of 5, with 1 more',
        '5th longest of 5',
      ],
    );
    assert.equal(rankWords(1, [1, 1, 1], 'highest'), 'like all 3');
    assert.equal(rankWords(1, [1], 'highest'), 'highest of 1');
    const many = Array.from({ length: 123 }, (_, place) => -place);
    const endings = [1, 2, 3, 4, 11, 12, 13, 21, 22, 111, 121].map((place) =>
      rankWords(1 - place, many, 'most').replace(/ .*/, ''),
    );
    assert.deepEqual(endings, ['most', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '22nd', '111th', '121st']);
  });

  it('is compared with those of its kind in its step alone', async () => {
    const store = await openRun(rich);
    const { index, model } = store;
    for (let row = 0; row < index.length; row += 1) {
      const { id, step, figures } = markedTrace(index, model.attempts, row);
      assert.equal(id, index.ids[row]);
      assert.equal(step, valueAt(index.numbers.step, row));
      const own = index.kinds[row] === 'hybrid' ? 'rollout' : index.kinds[row];
      const peers = Array.from({ length: index.length }, (_, one) => one).filter(
        (one) =>
          (index.kinds[one] === 'hybrid' ? 'rollout' : index.kinds[one]) === own &&
          valueAt(index.numbers.step, one) === step &&
          (one === row || isCurrent(index, one, model.attempts)),
      );
      const length = figures.find(({ panel }) => panel === 'length') ?? assert.fail('no length');
      assert.equal(length.value, valueAt(index.numbers.tokens, row));
      assert.match(length.rank, new RegExp(`(of|like all) ${peers.length}\\b`));
      const reward = valueAt(index.numbers.reward, row);
      assert.equal(figures.find(({ panel }) => panel === 'reward')?.value, Number.isNaN(reward) ? undefined : reward);
    }
    await store.close();
  });
});

describe('answers to one prompt over time', () => {
  it('are all of it that count, and say when it was right', async () => {
    const store = await openRun(rich);
    const { index, model } = store;
    for (const prompt of new Set(index.promptIds)) {
      const history = promptHistory(index, model.attempts, prompt);
      assert.ok(history.rows.every((row) => index.promptIds[row] === prompt && isCurrent(index, row, model.attempts)));
      const right = history.rows.filter(
        (row) => index.kinds[row] !== 'demonstration' && valueAt(index.correct, row) === 1,
      );
      assert.equal(
        history.firstRight,
        right.length === 0 ? null : Math.min(...right.map((row) => valueAt(index.numbers.step, row))),
      );
    }
    await store.close();
  });
});
