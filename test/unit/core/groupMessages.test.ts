import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateToGroupHost, validateToGroupView } from '../../../core/generated/groupValidators.mjs';

const sample = {
  ...{ label: 'Rollout 0', given: false, correct: true, boxed: null, reward: 1, advantage: null, tokens: 2 },
  ...{ truncated: false, origin: 'training', detail: null, state: 'ended', isWaiting: false },
};
const branch = {
  ...{ parent: -1, from: 0, to: 2, members: Int32Array.of(0), right: 1, wrong: 0, given: 0, fork: 'none' },
  ...{ forkOf: 'training', rerolls: 0, rerollsRight: 0, rerollsWrong: 0 },
  ...{ entropy: null, first: '"a"', probability: 0.5, head: 'ab', tail: '' },
};
const group = {
  ...{ kind: 'group', run: 'r', step: 1, prompt: 'p', text: 'q', characters: 1, sequences: 1, reward: 1 },
  ...{ meanEntropy: 0.1, opened: 0, samples: [sample], branches: [branch], notes: [] },
  ...{ entropy: new Float32Array(2), ends: Int32Array.of(2) },
};

describe('messages of a group’s view', () => {
  it('what each side may say is taken', () => {
    assert.ok(validateToGroupHost({ kind: 'ready' }));
    assert.ok(validateToGroupHost({ kind: 'openToken', sample: 3, token: 104 }));
    assert.ok(validateToGroupView(group), JSON.stringify(validateToGroupView.errors));
    assert.ok(validateToGroupView({ kind: 'trouble', message: 'no such run' }));
    assert.ok(validateToGroupHost({ kind: 'chosen', sample: 3 }));
    assert.ok(validateToGroupView({ kind: 'choose', sample: 0, token: null }));
    assert.ok(validateToGroupHost({ kind: 'reroll', sample: 3, token: 7 }));
    assert.ok(validateToGroupHost({ kind: 'stopRerolls' }));
    assert.ok(validateToGroupHost({ kind: 'forgetRerolls' }));
    const reroll = { ...sample, origin: 'reroll', detail: 'step 3 · seed 41:3', state: 'writing', correct: null };
    assert.ok(validateToGroupView({ ...group, samples: [sample, reroll] }));
  });

  const refused: [string, unknown][] = [
    ['nothing', undefined],
    ['a command', { kind: 'command', command: 'workbench.action.terminal.new' }],
    ['an id in place of a number', { kind: 'openToken', sample: 'a1-s1-g0-0', token: 1 }],
    ['a place before the first', { kind: 'openToken', sample: -1, token: 1 }],
    ['a choice of nothing', { kind: 'chosen', sample: null }],
    ['a re-roll with a text of its own', { kind: 'reroll', sample: 0, token: 1, text: 'x' }],
    ['a token that is no whole number', { kind: 'openToken', sample: 0, token: 1.5 }],
    ['one key more', { kind: 'openToken', sample: 0, token: 1, path: '/etc/passwd' }],
  ];
  for (const [name, message] of refused) {
    it(`${name} is refused`, () => {
      assert.equal(validateToGroupHost(message), false);
    });
  }

  it('the view takes typed arrays as they are, and numbers that are numbers', () => {
    assert.equal(validateToGroupView({ ...group, entropy: [0.1, 0.2] }), false);
    assert.equal(validateToGroupView({ ...group, branches: [{ ...branch, members: [0] }] }), false);
    assert.equal(validateToGroupView({ ...group, branches: [{ ...branch, entropy: NaN }] }), false);
    assert.equal(validateToGroupView({ ...group, samples: [{ ...sample, html: '<b>' }] }), false);
  });
});
