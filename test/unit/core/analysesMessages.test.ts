import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateToAnalysesHost, validateToAnalysesView } from '../../../core/generated/analysesValidators.mjs';

const run = {
  ...{ name: 'r', first: 1, last: 2, steps: 3, phases: [{ step: 1, phase: 'srft' }] },
  evaluations: [{ step: 1, value: 0.5, low: 0.4, high: 0.6, count: 8, entropy: null }],
  step: Float64Array.of(1, 2),
  curves: [{ metric: 'reward/mean', low: new Float64Array(2), high: new Float64Array(2), newest: null }],
};
const message = { kind: 'run', run, other: run, isAlive: true, smoothing: 0.6 };

describe('messages of the view of analyses', () => {
  it('what each side may say is taken', () => {
    assert.ok(validateToAnalysesHost({ kind: 'ready', from: null, to: null }));
    assert.ok(validateToAnalysesHost({ kind: 'readSteps', from: 3, to: null }));
    assert.ok(validateToAnalysesHost({ kind: 'openPoint', reading: 4, point: 0 }));
    assert.ok(validateToAnalysesHost({ kind: 'compareWith', other: 'ask' }));
    assert.ok(validateToAnalysesView(message), JSON.stringify(validateToAnalysesView.errors));
    assert.ok(validateToAnalysesView({ ...message, other: null }));
    assert.ok(validateToAnalysesView({ kind: 'trouble', message: 'no such run' }));
  });

  const refused: [string, unknown][] = [
    ['nothing', undefined],
    ['a command', { kind: 'command', command: 'workbench.action.terminal.new' }],
    ['a run by its folder', { kind: 'compareWith', other: '/home/somebody/runs/other' }],
    ['a point by its rollout', { kind: 'openPoint', reading: 1, point: 'a1-s1-g0-0' }],
    ['a step before the first', { kind: 'readSteps', from: -1, to: null }],
    ['a step that is no whole number', { kind: 'readSteps', from: 0.5, to: null }],
    ['a range without its end', { kind: 'readSteps', from: 1 }],
    ['one key more', { kind: 'ready', from: null, to: null, path: '/etc/passwd' }],
  ];
  for (const [name, said] of refused) {
    it(`${name} is refused`, () => {
      assert.equal(validateToAnalysesHost(said), false);
    });
  }

  it('the view takes typed arrays as they are, and numbers that are numbers', () => {
    assert.equal(validateToAnalysesView({ ...message, run: { ...run, step: [1, 2] } }), false);
    assert.equal(validateToAnalysesView({ ...message, smoothing: NaN }), false);
    assert.equal(validateToAnalysesView({ ...message, run: { ...run, html: '<b>' } }), false);
    assert.equal(
      validateToAnalysesView({
        ...message,
        run: { ...run, curves: [{ metric: 'm', low: [0], high: [1], newest: 1 }] },
      }),
      false,
    );
  });
});
