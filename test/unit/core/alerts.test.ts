import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { alertsOf, defaultThresholds } from '../../../core/alerts';
import type { RunModel } from '../../../core/runModel';
import { runOf, tell, type Metrics } from './steps';

/** A value that is `before` up to step 30, and `after` from then on. */
const from30 =
  (before: number, after: number) =>
  (step: number): number =>
    step <= 30 ? before : after;

const always = (value: number) => (): number => value;

interface Case {
  readonly kind: string;
  readonly has: Metrics;
  /** The same run, just short of the threshold. */
  readonly nearly: Metrics;
}

const cases: Case[] = [
  {
    kind: 'entropy_collapse',
    has: { 'entropy/rollout': always(0.049), 'rollouts/correct': always(0.79), 'reward/mean': (step) => step / 100 },
    nearly: { 'entropy/rollout': always(0.051), 'rollouts/correct': always(0.79), 'reward/mean': (step) => step / 100 },
  },
  {
    kind: 'entropy_fall',
    has: { 'entropy/rollout': from30(1, 0.59), 'reward/mean': always(0.5) },
    nearly: { 'entropy/rollout': from30(1, 0.61), 'reward/mean': always(0.5) },
  },
  {
    kind: 'length_explosion',
    has: { 'length/rollout': from30(100, 201) },
    nearly: { 'length/rollout': from30(100, 199) },
  },
  {
    kind: 'reward_stuck',
    has: { 'reward/mean': always(0), 'groups/all_right': always(0), 'groups/all_wrong': always(1) },
    nearly: {
      'reward/mean': (step) => (step % 20 === 0 ? 0.01 : 0),
      'groups/all_right': always(0),
      'groups/all_wrong': always(1),
    },
  },
  {
    kind: 'truncated',
    has: { 'rollouts/truncated': always(0.9) },
    nearly: { 'rollouts/truncated': always(0.89) },
  },
  {
    kind: 'gradient_spike',
    has: { 'gradient/norm': (step) => (step === 40 ? 10 : 1) },
    nearly: { 'gradient/norm': (step) => (step === 40 ? 9.9 : 1) },
  },
  {
    kind: 'logprob_drift',
    has: { 'logprob/drift': always(0.02) },
    nearly: { 'logprob/drift': always(0.0199) },
  },
  {
    kind: 'slow_disk',
    has: { 'seconds/record': always(0.21), 'seconds/step': always(2) },
    nearly: { 'seconds/record': always(0.19), 'seconds/step': always(2) },
  },
];

describe('alerts', () => {
  for (const { kind, has, nearly } of cases) {
    it(`${kind}: a run that has it, and one that nearly has it`, () => {
      assert.deepEqual(kindsOf(runOf(60, has)), [kind]);
      assert.deepEqual(kindsOf(runOf(60, nearly)), []);
    });
  }

  it('held_out_gap: training far above held-out, and nearly so', () => {
    assert.deepEqual(kindsOf(withHeldOut(0.64)), ['held_out_gap']);
    assert.deepEqual(kindsOf(withHeldOut(0.66)), []);
    assert.deepEqual(kindsOf(withHeldOut(0.5, 0.45)), [], 'a set so small that its interval holds the training share');
  });

  it('non_finite: an event is an alert, an error with its names', () => {
    const model = runOf(3, { 'loss/total': always(1) });
    tell(model, { kind: 'non_finite', step: 3, names: ['loss/total'], consequence: 'the update was left out' });
    const [alert] = alertsOf(model, defaultThresholds);
    assert.equal(alert?.severity, 'error');
    assert.match(alert.fact, /loss\/total/);
    assert.equal(alert.consequence, 'The update was left out.');
  });

  it('names fact, steps and consequence, and keeps its id while it lasts', () => {
    const [early] = alertsOf(runOf(35, { 'length/rollout': from30(100, 300) }), defaultThresholds);
    const [late] = alertsOf(runOf(38, { 'length/rollout': from30(100, 300) }), defaultThresholds);
    assert.equal(early?.id, late?.id);
    assert.match(late?.fact ?? '', /300 tokens, 3\.0 times the 100 .*\(steps \d+–38\)\.$/);
    assert.notEqual(late?.consequence, '');
  });

  it('a policy that is sure and right is no collapse', () => {
    const sure = { 'entropy/rollout': always(0.02), 'rollouts/correct': always(0.95), 'reward/mean': always(0.95) };
    assert.deepEqual(kindsOf(runOf(60, sure)), []);
  });

  it('a run without metrics, and one whose metrics are all null, have none', () => {
    assert.deepEqual(kindsOf(runOf(60, {})), []);
    const nothing = Object.fromEntries(cases.flatMap(({ has }) => Object.keys(has)).map((name) => [name, () => null]));
    assert.deepEqual(kindsOf(runOf(60, nothing)), []);
  });

  it('settings have the same defaults', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
    const properties = manifest.contributes.configuration.properties;
    const settings = Object.keys(properties).filter((name) => name.startsWith('srft.alerts.'));
    const defaults = Object.fromEntries(
      settings.map((name) => [name.slice('srft.alerts.'.length), properties[name]?.default]),
    );
    assert.deepEqual(defaults, defaultThresholds);
  });
});

interface Manifest {
  readonly contributes: {
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown }>> };
  };
}

function kindsOf(model: RunModel): string[] {
  return [...new Set(alertsOf(model, defaultThresholds).map(({ id }) => id.split(':')[0] ?? ''))];
}

function withHeldOut(accuracy: number, half = 0.1): RunModel {
  const model = runOf(40, { 'rollouts/correct': always(0.9) });
  const interval = { value: accuracy, low: accuracy - half, high: accuracy + half, count: 100 };
  tell(model, {
    kind: 'evaluation',
    step: 40,
    name: 'evaluation',
    checkpoint: 'current',
    greedy: { accuracy: interval },
    sampled: null,
    metrics: {},
    index_bytes: 0,
  });
  return model;
}

describe('alerts of a run that grows', () => {
  it('are those of the run read at once, through spikes, gaps and an attempt that drops steps', () => {
    const values = (step: number, salt: number): number | null => {
      const at = (step * 7919 + salt * 104729) % 1000;
      return at < 20 ? null : at > 960 ? at : at < 300 ? 0.01 : 0.5 + at / 1000;
    };
    const names = cases.flatMap(({ has }) => Object.keys(has));
    const events: Readonly<Record<string, unknown>>[] = [];
    const stepsFrom = (first: number, last: number, salt: number): void => {
      for (let step = first; step <= last; step += 1) {
        const metrics = Object.fromEntries(
          names.map((name, place) => [name, values(step, place % 3 === 0 ? salt : 1)]),
        );
        events.push({ kind: 'step', step, phase: 'srft', metrics, index_bytes: 0, tokens: step * 100 });
      }
    };
    stepsFrom(1, 300, 1);
    events.push({ kind: 'resumed', attempt: 2, from_step: 120, device: null, versions: {} });
    stepsFrom(121, 400, 2);
    const growing = runOf(0, {});
    events.forEach((event, place) => {
      tell(growing, event);
      if (place % 23 !== 0 && place !== events.length - 1) return;
      const whole = runOf(0, {});
      for (const one of events.slice(0, place + 1)) tell(whole, one);
      assert.deepEqual(alertsOf(growing, defaultThresholds), alertsOf(whole, defaultThresholds));
    });
    assert.ok(alertsOf(growing, defaultThresholds).length > 5);
  });
});
