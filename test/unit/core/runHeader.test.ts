import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultThresholds } from '../../../core/alerts';
import type { RunManifest, Status } from '../../../core/generated/wire';
import { validateToPanel } from '../../../core/generated/panelValidators.mjs';
import { flattened, runHeader, startingHeader, type HeaderSource } from '../../../core/runHeader';
import { runOf, tell } from './steps';

const manifest = {
  format: '1.0',
  run_id: 'abc',
  created: 1000,
  recipe: { training: { steps: 60 }, name: 'demo', betas: [0.9, 0.95] },
  device: { kind: 'cpu', name: 'a processor', count: 1, memory_bytes: null, threads: 2 },
} as unknown as RunManifest;

function status(state: Status['state']): Status {
  return { state, steps: 60, stage: 'generate' } as Status;
}

function source(over: Partial<HeaderSource> = {}): HeaderSource {
  return {
    name: 'a run',
    manifest,
    model: runOf(25, { 'reward/mean': (step) => step / 100, 'entropy/rollout': () => 0.5 }),
    status: status('running'),
    presence: 'running',
    stillSeconds: null,
    stages: [],
    indexRows: 0,
    restarts: 0,
    thresholds: defaultThresholds,
    dismissed: new Set(),
    troubles: [],
    canControl: true,
    canStart: true,
    ...over,
  };
}

describe('header of a run', () => {
  it('is a message that a panel takes', () => {
    const message = { kind: 'header', runs: [runHeader(source())], pins: [], canStart: true, smoothing: 0.6 };
    assert.ok(validateToPanel(message), JSON.stringify(validateToPanel.errors));
    const starting = startingHeader('new', [{ name: 'loading', seconds: 2, done: false }], null, true);
    assert.ok(validateToPanel({ ...message, runs: [starting] }), JSON.stringify(validateToPanel.errors));
  });

  it('the end comes from an event, never from a process that is missing', () => {
    const model = runOf(25, {});
    assert.equal(runHeader(source({ model, presence: 'gone' })).state, 'gone');
    assert.match(runHeader(source({ model, presence: 'gone' })).failure?.message ?? '', /process is gone/);
    assert.equal(runHeader(source({ model, presence: 'ended', status: status('ended') })).state, 'gone');
    tell(model, { kind: 'ended', step: 25, end: { kind: 'finished', message: null } });
    assert.equal(runHeader(source({ model, presence: 'running' })).state, 'finished');
    assert.equal(runHeader(source({ model })).failure, null);
  });

  it('states of a trainer at work, and of one that cannot be seen', () => {
    const states = (['running', 'paused', 'stopping'] as const).map(
      (state) => runHeader(source({ status: status(state) })).state,
    );
    assert.deepEqual(states, ['running', 'paused', 'stopping']);
    assert.equal(runHeader(source({ model: runOf(0, {}) })).state, 'starting');
    assert.equal(runHeader(source({ presence: 'silent', stillSeconds: 40 })).stateText, 'No sign of life for 40 s');
    assert.equal(runHeader(source({ presence: 'watching' })).state, 'watching');
  });

  it('a failed run says why and what to do', () => {
    const model = runOf(25, {});
    tell(model, {
      kind: 'checkpoint',
      step: 20,
      path: 'checkpoints/step-000020',
      bytes: 1,
      accuracy: null,
      best: false,
      chosen_on: null,
      removed: [],
    });
    tell(model, { kind: 'ended', step: 25, end: { kind: 'failed', message: 'Out of memory.' } });
    const header = runHeader(source({ model }));
    assert.deepEqual(header.failure, { message: 'Out of memory.', remedy: 'Resume goes on from step 20.' });
    assert.ok(header.canResume);
    assert.ok(!runHeader(source({ model, canStart: false })).canResume);
  });

  it('a fork can begin from the checkpoints that are still there, where a run can start at all', () => {
    const model = runOf(40, {});
    const save = (step: number, removed: number[]): void => {
      const path = `checkpoints/step-${step}`;
      tell(model, { kind: 'checkpoint', step, path, bytes: 1, accuracy: null, best: false, chosen_on: null, removed });
    };
    save(20, []);
    save(10, []);
    save(30, [10]);
    save(20, []);
    assert.deepEqual(runHeader(source({ model })).forkSteps, [20, 30]);
    assert.deepEqual(runHeader(source({ model, canStart: false })).forkSteps, []);
  });

  it('figures: newest value and change over 20 steps', () => {
    const reward = runHeader(source()).figures.find(({ key }) => key === 'reward/mean');
    assert.equal(reward?.text, '0.25');
    assert.equal(reward.detail, '+0.20 in 20 steps');
  });

  it('a dismissed alert is not shown', () => {
    const model = runOf(40, { 'rollouts/truncated': () => 1 });
    const [alert] = runHeader(source({ model })).alerts;
    assert.ok(alert !== undefined);
    assert.deepEqual(runHeader(source({ model, dismissed: new Set([alert.id]) })).alerts, []);
  });

  it('what was not understood is said', () => {
    const model = runOf(3, {});
    model.oddities.missingEvents = 2;
    const header = runHeader(source({ model, manifest: { ...manifest, format: '1.7' }, troubles: ['live.json: …'] }));
    assert.deepEqual(header.oddities, ['live.json: …', '2 events are missing']);
    assert.ok(header.newerMinor);
  });

  it('the recipe in lines', () => {
    assert.deepEqual(flattened(manifest.recipe), [
      { key: 'training.steps', value: '60' },
      { key: 'name', value: 'demo' },
      { key: 'betas', value: '[0.9,0.95]' },
    ]);
  });
});
