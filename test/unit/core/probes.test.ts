import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupAdvantages, rejudged } from '../../../core/judgeAgain';
import { promptHistory } from '../../../core/promptHistory';
import { groupName, isSameGroup, type RolloutIndex } from '../../../core/rolloutIndex';
import { listRollouts } from '../../../core/rolloutList';
import { indexOf, type Line } from './indexOf';

/** One problem, asked as a probe at steps 0, 2 and 4, and drawn for training in step 2: all are group 0 of their pass. */
const lines = [
  { kind: 'probe', step: 0, index: 0, correct: false },
  { kind: 'rollout', step: 2, index: 0, correct: true },
  { kind: 'rollout', step: 2, index: 1, correct: false },
  { kind: 'demonstration', step: 2, index: 2, correct: true },
  { kind: 'probe', step: 2, index: 0, correct: true },
  { kind: 'probe', step: 2, index: 1, correct: false },
  { kind: 'probe', step: 4, index: 0, correct: false },
  { kind: 'probe', step: 4, index: 1, correct: false },
] as const satisfies readonly Line[];
const probes = [0, 4, 5, 6, 7];
const trained = [1, 2, 3];

function run(): RolloutIndex {
  const advantages = groupAdvantages(
    trained.map((row) => Number(lines[row]?.correct)),
    true,
  );
  return indexOf(
    lines.map((line, row) => ({
      ...line,
      reward: Number(line.correct),
      advantage: advantages[trained.indexOf(row)] ?? null,
    })),
  );
}

const attempts = [{ attempt: 1, fromStep: null, time: 0, droppedSteps: 0, device: null, versions: null }];

describe('probes', () => {
  it('stand in the list of evaluations, not among the rollouts', () => {
    const list = (sources: 'evaluations' | 'rollouts') =>
      listRollouts(run(), attempts, {
        kind: 'rollouts',
        request: 1,
        run: 0,
        fromStep: 0,
        toStep: 9,
        upTo: null,
        sources,
        filter: 'all',
        text: '',
        grouping: 'none',
        sort: 'step',
        descending: false,
      });
    const rowsOf = (found: ReturnType<typeof list>) => (found.kind === 'read' ? [...found.value.rows].sort() : []);
    assert.deepEqual(rowsOf(list('evaluations')), probes);
    assert.deepEqual(rowsOf(list('rollouts')), [1, 2]);
  });

  it('are part of the history of their problem, and fall back by themselves', () => {
    const history = promptHistory(run(), attempts, 'p1');
    assert.deepEqual(history.rows, [...lines.keys()]);
    assert.equal(history.firstRight, 2);
    assert.deepEqual(history.fellBack, [4]);
  });

  it('are a group of their own beside that of the step', () => {
    const index = run();
    const names = lines.map((_, row) => groupName(index, row));
    const groups = [...new Set(names)].map((name) => [...lines.keys()].filter((row) => names[row] === name));
    assert.deepEqual(groups, [[0], trained, [4, 5], [6, 7]]);
    assert.equal(isSameGroup(index, 3, 4), false);
    assert.equal(isSameGroup(index, 4, 5), true);
  });

  it('judged again with the step, leave its advantages as they were', () => {
    const index = run();
    const verdicts = lines.map(({ correct }, row) => ({
      row,
      reward: Number(correct),
      parts: {},
      correct,
      note: null,
    }));
    for (const { verdict, advantageBefore, advantage } of rejudged(index, verdicts, true)) {
      const recorded = index.numbers.advantage.values[verdict.row] ?? NaN;
      assert.equal(advantageBefore, trained.includes(verdict.row) ? recorded : NaN);
      assert.equal(advantage, advantageBefore);
    }
  });
});
