import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateToHost, validateToPanel } from '../../../core/generated/panelValidators.mjs';

const series = { kind: 'series', request: 1, run: 0, metrics: ['loss/total'], from: 0, to: 10, buckets: 100 };

describe('messages of a panel', () => {
  it('what a panel may say is taken', () => {
    assert.ok(validateToHost({ kind: 'ready' }));
    assert.ok(validateToHost(series));
    assert.ok(validateToHost({ kind: 'intent', run: 0, intent: 'stop', step: null, id: null }));
    assert.ok(validateToHost({ kind: 'saveImage', format: 'png', name: 'loss anatomy', data: new Uint8Array([1, 2]) }));
  });

  const refused: [string, unknown][] = [
    ['nothing', undefined],
    ['a text', 'ready'],
    ['an unknown kind', { kind: 'command', command: 'workbench.action.terminal.new' }],
    ['an intent that is no intent', { kind: 'intent', run: 0, intent: 'workbench.trust.manage', step: null, id: null }],
    ['one key more', { ...series, command: 'x' }],
    ['a key less', { kind: 'series', request: 1, run: 0, metrics: [], from: 0, to: 10 }],
    ['a run there cannot be', { ...series, run: 8 }],
    ['a broken number', { ...series, from: 0.5 }],
    ['a number that is none', { ...series, to: NaN }],
    ['too many metrics', { ...series, metrics: Array.from({ length: 65 }, () => 'loss/total') }],
    ['a file name with folders', { kind: 'saveImage', format: 'png', name: '../x', data: new Uint8Array() }],
    ['a text for bytes', { kind: 'saveImage', format: 'png', name: 'x', data: 'AAAA' }],
  ];
  for (const [name, message] of refused) {
    it(`${name} is refused`, () => {
      assert.equal(validateToHost(message), false);
    });
  }

  it('the other side takes typed arrays as they are, and nothing in their place', () => {
    const empty = new Float64Array();
    const answer = { kind: 'series', request: 1, run: 0, from: 0, to: 0, step: empty, tokens: empty, seconds: empty };
    assert.ok(validateToPanel({ ...answer, curves: [{ metric: 'loss/total', low: empty, high: empty }] }));
    assert.equal(validateToPanel({ ...answer, curves: [{ metric: 'loss/total', low: [1], high: empty }] }), false);
    assert.equal(validateToPanel({ ...answer, step: '<b>', curves: [] }), false);
  });
});
