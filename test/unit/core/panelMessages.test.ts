import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateToHost, validateToPanel } from '../../../core/generated/panelValidators.mjs';

const range = { run: 0, metrics: ['loss/total'], from: 0, to: 10, buckets: 100 };
const seriesOf = (...ranges: object[]): object => ({ kind: 'series', request: 1, ranges });
const series = seriesOf(range);

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
    ['a key less', seriesOf({ run: 0, metrics: [], from: 0, to: 10 })],
    ['a run there cannot be', seriesOf({ ...range, run: 8 })],
    ['too many ranges', seriesOf(...Array.from({ length: 25 }, () => range))],
    ['a broken number', seriesOf({ ...range, from: 0.5 })],
    ['a number that is none', seriesOf({ ...range, to: NaN })],
    ['too many metrics', seriesOf({ ...range, metrics: Array.from({ length: 65 }, () => 'loss/total') })],
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
    const answer = { run: 0, from: 0, to: 0, step: empty, tokens: empty, seconds: empty };
    assert.ok(validateToPanel(seriesOf({ ...answer, curves: [{ metric: 'loss/total', low: empty, high: empty }] })));
    const untyped = [{ metric: 'loss/total', low: [1], high: empty }];
    assert.equal(validateToPanel(seriesOf({ ...answer, curves: untyped })), false);
    assert.equal(validateToPanel(seriesOf({ ...answer, step: '<b>', curves: [] })), false);
  });
});
