import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { valuesOf } from '../../../core/columns';
import type { LogEntry } from '../../../core/events';
import { emptyRun, fold, type RunModel } from '../../../core/runModel';
import { restore, snapshot } from '../../../core/runSnapshot';
import { arbitraryLog, logOf } from './arbitraryLog';

describe('fold', () => {
  it('fold(snapshot, rest) equals fold(everything), wherever the log is cut, also twice', () => {
    fc.assert(
      fc.property(arbitraryLog, fc.nat(), fc.nat(), (log, a, b) => {
        const cuts = [a % (log.length + 1), b % (log.length + 1)].sort((x, y) => x - y);
        const whole = folded(log);
        let model = emptyRun();
        let from = 0;
        for (const cut of [...cuts, log.length]) {
          model = folded(log.slice(from, cut), restore(structuredClone(snapshot(model))));
          from = cut;
        }
        assert.deepEqual(snapshot(model), snapshot(whole));
      }),
      { numRuns: 300 },
    );
  });

  it('a snapshot does not change when the run goes on', () => {
    fc.assert(
      fc.property(arbitraryLog, arbitraryLog, (first, second) => {
        const model = folded(first);
        const taken = snapshot(model);
        const copy = structuredClone(taken);
        folded(
          second.map((entry) => shifted(entry, model.nextSeq)),
          model,
        );
        assert.deepEqual(taken, copy);
      }),
    );
  });

  it('a resumed run equals one that was never interrupted', () => {
    const plan = fc.array(
      fc.record({ kind: fc.constant('step' as const), advance: fc.constant(1), metrics: figures, phase }),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(plan, fc.nat(), fc.nat(), (steps, a, b) => {
        const lost = 1 + (a % steps.length);
        const back = b % (lost + 1);
        const unbroken = folded(logOf(steps));
        const interrupted = folded(
          logOf([
            ...steps.slice(0, lost),
            { kind: 'evaluation' },
            { kind: 'resumed', back },
            ...steps.slice(lost - back),
          ]),
        );
        assert.equal(interrupted.attempts[1]?.droppedSteps, back);
        assert.equal(interrupted.evaluations.length, back === 0 ? 1 : 0);
        assert.deepEqual(series(interrupted), series(unbroken));
        assert.deepEqual(interrupted.phases, unbroken.phases);
      }),
    );
  });

  it('a metric that only dropped steps reported is gone with them', () => {
    const plain = { kind: 'step', advance: 1, phase: 'sft', metrics: { 'loss/total': 1 } };
    const late = { ...plain, metrics: { late: 2 } };
    const model = folded(logOf([plain, late, { kind: 'resumed', back: 1 }, plain]));
    assert.deepEqual([...model.steps.metrics.keys()], ['loss/total']);
  });

  it('no seq is lost from sight: gaps, repetitions and unknown things are counted and kept', () => {
    const model = emptyRun();
    const novel: LogEntry = { kind: 'unknown', event: { seq: 5, time: 1, kind: 'novel', depth: { of: ['it'] } } };
    fold(model, novel);
    fold(model, novel);
    fold(model, { kind: 'malformed', reason: 'torn' });
    const { oddities } = model;
    assert.equal(oddities.missingEvents, 5);
    assert.equal(oddities.repeatedEvents, 1);
    assert.equal(oddities.malformedLines, 1);
    assert.deepEqual(oddities.unknownEvents, [novel.event]);
  });

  it('unknown keys of a known event survive', () => {
    const log = logOf([{ kind: 'notice', colour: 'blue' }]);
    const model = folded(log);
    assert.deepEqual([...model.oddities.unknownKeys], [['notice.colour', 1]]);
    assert.equal((model.notices[0] as unknown as { colour: string }).colour, 'blue');
  });
});

const phase = fc.constantFrom('sft', 'grpo');
const figures = fc.dictionary(
  fc.constantFrom('reward/mean', 'loss/total', 'late'),
  fc.option(fc.float({ noNaN: true, noDefaultInfinity: true })),
);

function folded(log: readonly LogEntry[], model: RunModel = emptyRun()): RunModel {
  return log.reduce(fold, model);
}

function series(model: RunModel): unknown {
  const { metrics, step, tokens } = model.steps;
  const named = new Map([...metrics].map(([name, metric]) => [name, [metric.firstRow, valuesOf(metric.curve.values)]]));
  return { step: valuesOf(step), tokens: valuesOf(tokens), named };
}

function shifted(entry: LogEntry, by: number): LogEntry {
  if (entry.kind === 'malformed') return entry;
  const event = { ...entry.event, seq: entry.event.seq + by };
  return { ...entry, event } as LogEntry;
}
