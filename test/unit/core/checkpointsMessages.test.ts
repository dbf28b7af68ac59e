import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  validateToCheckpointsHost,
  validateToCheckpointsView,
} from '../../../core/generated/checkpointsValidators.mjs';

const setup = {
  ...{ kind: 'setup', run: 'r', isAlive: true, mostSequences: 64, mostTokens: 32_000, mostReferences: 32 },
  places: [{ key: 'base', name: 'base', description: '' }],
  sets: [{ key: 'rollouts 3', label: 'rollouts of step 3', sequences: 4 }],
  chosen: null,
  usual: { before: 'base', after: null, set: 'rollouts 3' },
  section: null,
};
const strip = {
  ...{ kind: 'strip', generation: 1, state: 'scoring', done: 1, of: 2, isOfProbes: true, notes: [] },
  probes: [
    {
      ...{ label: 'Probe 0', prompt: 'p', verdict: 'right', words: ['a'], tokens: 1 },
      rows: [{ name: 'base', probability: Float32Array.of(0.5) }],
    },
  ],
};

describe('messages of the view of checkpoints', () => {
  it('what each side may say is taken', () => {
    assert.ok(validateToCheckpointsHost({ kind: 'ready' }));
    assert.ok(validateToCheckpointsHost({ kind: 'compare', before: 'base', after: 'step 60', set: 'evaluations 0' }));
    assert.ok(validateToCheckpointsHost({ kind: 'compare', before: 'folder 0', after: 'base', set: 'group' }));
    assert.ok(validateToCheckpointsHost({ kind: 'openToken', of: 'strip', generation: 1, sequence: 0, token: 9 }));
    assert.ok(validateToCheckpointsHost({ kind: 'cancel', work: 'path' }));
    assert.ok(validateToCheckpointsView(setup), JSON.stringify(validateToCheckpointsView.errors));
    assert.ok(validateToCheckpointsView({ ...setup, chosen: setup.usual, section: 'strip' }));
    assert.ok(validateToCheckpointsView(strip), JSON.stringify(validateToCheckpointsView.errors));
    assert.ok(validateToCheckpointsView({ kind: 'trouble', message: 'no such run' }));
  });

  const refused: [string, unknown][] = [
    ['nothing', undefined],
    ['a command', { kind: 'command', command: 'workbench.action.terminal.new' }],
    ['a checkpoint by its path', { kind: 'compare', before: '/etc', after: 'base', set: 'group' }],
    ['a checkpoint above the run', { kind: 'compare', before: 'step ../1', after: 'base', set: 'group' }],
    ['a set by a name of its own', { kind: 'compare', before: 'base', after: 'step 1', set: 'all' }],
    ['a token by its rollout', { kind: 'openToken', of: 'strip', generation: 1, sequence: 'a1-s1', token: 0 }],
    ['a format that is none', { kind: 'exportTokens', format: 'html' }],
    ['a file to write to', { kind: 'exportTokens', format: 'csv', path: '/tmp/x' }],
  ];
  for (const [name, said] of refused) {
    it(`${name} is refused`, () => {
      assert.equal(validateToCheckpointsHost(said), false);
    });
  }

  it('the view takes typed arrays as they are', () => {
    const [probe] = strip.probes;
    const rows = [{ name: 'base', probability: [0.5] }];
    assert.equal(validateToCheckpointsView({ ...strip, probes: [{ ...probe, rows }] }), false);
    assert.equal(validateToCheckpointsView({ ...setup, html: '<b>' }), false);
  });
});
