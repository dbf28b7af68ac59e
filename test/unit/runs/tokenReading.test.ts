import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateToAnalysesView } from '../../../core/generated/analysesValidators.mjs';
import { valueAt } from '../../../core/columns';
import { massesByStep } from '../../../core/tokenAnalysis';
import { tokensOf } from '../../../core/tokenSample';
import { analysedRun, rangeOf, tokensMessage } from '../../../src/runs/analysisMessage';
import { RunStore } from '../../../src/runs/runStore';
import { TokenReading, type ReadRange, type ReadingLimits } from '../../../src/runs/tokenReading';
import { inFolder } from '../support/folder';
import { device, evaluation, step, writeRun, type WrittenRow } from '../support/writtenRun';

const trained = 'test/fixtures/runs/trained';
const never = new AbortController().signal;

async function opened(directory: string): Promise<RunStore> {
  const store = await RunStore.open(directory);
  assert.ok(store.kind === 'read', store.kind === 'broken' ? store.reason : '');
  await store.value.readAll();
  return store.value;
}

async function readAll(store: RunStore, range: ReadRange, limits?: ReadingLimits): Promise<TokenReading> {
  const reading = new TokenReading(store, range, limits);
  await reading.advance(never, () => undefined);
  assert.ok(reading.isDone);
  return reading;
}

const row = (number: number, id: string, more: Partial<WrittenRow> = {}): WrittenRow => ({
  ...{ id, kind: 'rollout', text: 'x'.repeat(number + 1), correct: false },
  ...more,
});

describe('tokens of training', () => {
  it('have the mass of pull that every step recorded', async () => {
    const store = await opened(trained);
    const { analysis } = await readAll(store, { from: 0, to: null });
    const { step: steps, metrics } = store.model.steps;
    const found = massesByStep(analysis);
    assert.deepEqual(
      found.map((one) => one.step),
      [1, 2, 3],
    );
    for (const [place, { step: at, masses }] of found.entries()) {
      assert.equal(valueAt(steps, place), at);
      const [right = NaN, wrong = NaN, imitation = NaN, reinforcement = NaN] = masses;
      const recorded = (term: string): number => {
        const curve = metrics.get(`pull/mass_${term}`)?.curve;
        return curve === undefined ? NaN : valueAt(curve.values, place);
      };
      for (const [sum, term] of [
        [right + wrong, 'self_rl'],
        [imitation, 'demo_sft'],
        [reinforcement, 'demo_rl'],
      ] as const)
        assert.ok(
          Math.abs(sum - recorded(term)) <= 1e-3 * Math.max(1, sum),
          `${term} of ${at}: ${sum}, ${recorded(term)}`,
        );
    }
    await store.close();
  });

  it('of a range are those of its steps, and of two that touch those of both', async () => {
    const store = await opened(trained);
    const whole = await readAll(store, { from: 1, to: 3 });
    const first = await readAll(store, { from: 1, to: 1 });
    const rest = await readAll(store, { from: 2, to: null });
    assert.equal(first.analysis.tokens + rest.analysis.tokens, whole.analysis.tokens);
    assert.equal(first.figures.sequencesThere + rest.figures.sequencesThere, whole.figures.sequencesThere);
    assert.equal(whole.analysis.tokens, whole.figures.tokensThere);
    assert.deepEqual(
      first.analysis.entropyTokens.map((count, bin) => count + (rest.analysis.entropyTokens[bin] ?? 0)),
      whole.analysis.entropyTokens,
    );
    await store.close();
  });

  it('beyond the limit are read of every second sequence, or of fewer, which follow from their ids', async () => {
    const store = await opened(trained);
    const all = await readAll(store, { from: 0, to: null });
    const limits = { mostTokens: Math.ceil(all.analysis.tokens / 3), mostPoints: 50 };
    const some = await readAll(store, { from: 0, to: null }, limits);
    assert.equal(some.figures.oneOf, 4);
    assert.ok(some.analysis.sequences > 0 && some.analysis.sequences < all.analysis.sequences);
    assert.equal(some.figures.tokensThere, all.figures.tokensThere);
    const again = await readAll(store, { from: 0, to: null }, limits);
    assert.deepEqual(tokensOf(again.analysis.sample), tokensOf(some.analysis.sample));
    const { message } = tokensMessage(some.analysis, some.figures, { from: 0, to: null }, 1);
    assert.match(message.notes[0] ?? '', /^One sequence of 4 was read/);
    await store.close();
  });

  it('of a run that goes on are read as they come, of one that is resumed anew', async () => {
    await inFolder(async (directory) => {
      const started = { kind: 'started', attempt: 1, steps: 3 };
      const rows = [row(0, 'a1-s1-g0-0'), row(1, 'a1-s1-g0-1', { kind: 'evaluation' })];
      await writeRun(directory, { events: [started, step(1)], rows });
      const store = await opened(directory);
      const reading = await readAll(store, { from: 1, to: null });
      assert.deepEqual([reading.analysis.sequences, reading.analysis.tokens], [1, 1]);
      const grown = [...rows, row(2, 'a1-s2-g0-0'), row(3, 'a1-s2-g0-1', { extra: { address: null } })];
      await writeRun(directory, { events: [started, step(1, { index_rows: 2 }), step(2)], rows: grown });
      await store.readAll();
      assert.equal(reading.isDone, false);
      await reading.advance(never, () => undefined);
      assert.deepEqual([reading.analysis.sequences, reading.analysis.tokens, reading.figures.notKept], [2, 4, 1]);
      const resumed = { kind: 'resumed', attempt: 2, from_step: 1, device, versions: {} };
      const later = [...grown, row(9, 'a2-s2-g0-0')];
      await writeRun(directory, {
        events: [started, step(1, { index_rows: 2 }), step(2, { index_rows: 4 }), resumed, step(2)],
        rows: later,
      });
      await store.readAll();
      await reading.advance(never, () => undefined);
      assert.deepEqual([reading.analysis.sequences, reading.analysis.tokens, reading.figures.notKept], [2, 11, 0]);
      await store.close();
    });
  });

  it('that are given up half way are read to their end another time, none twice', async () => {
    const store = await opened(trained);
    const whole = await readAll(store, { from: 0, to: null });
    const reading = new TokenReading(store, { from: 0, to: null });
    const work = new AbortController();
    const given = reading.advance(work.signal, () => {
      work.abort();
    });
    await assert.rejects(given, { name: 'AbortError' });
    assert.equal(reading.isDone, whole.figures.sequencesThere <= 64);
    await reading.advance(never, () => undefined);
    assert.equal(reading.analysis.tokens, whole.analysis.tokens);
    assert.deepEqual(reading.analysis.entropyTokens, whole.analysis.entropyTokens);
    await store.close();
  });
});

describe('messages of analyses', () => {
  for (const name of ['trained', 'rich', 'newer-minor'])
    it(`of ${name} are what the view takes, and say what was not recorded`, async () => {
      const store = await opened(`test/fixtures/runs/${name}`);
      const range = rangeOf(store.model, null, null);
      const reading = await readAll(store, range);
      const { message, points } = tokensMessage(reading.analysis, reading.figures, range, 3);
      assert.ok(validateToAnalysesView(message), JSON.stringify(validateToAnalysesView.errors));
      assert.equal(message.points.words.length, points.length);
      assert.equal(message.ratio === null, name !== 'trained');
      assert.equal(
        message.notes.some((note) => note.startsWith('No pull of a token was recorded')),
        message.points.words.length === 0,
      );
      const run = analysedRun(store.model, name);
      const told = { kind: 'run', run, other: null, isAlive: false, smoothing: 0.6 };
      assert.ok(validateToAnalysesView(told), JSON.stringify(validateToAnalysesView.errors));
      await store.close();
    });

  it('tell phases where they begin, and the accuracy and entropy of evaluations', async () => {
    await inFolder(async (directory) => {
      const phase = (number: number, name: string): Record<string, unknown> => ({
        kind: 'phase',
        step: number,
        phase: name,
      });
      await writeRun(directory, {
        events: [
          { kind: 'started', attempt: 1, steps: 3 },
          evaluation(0, 0.2),
          phase(1, 'sft'),
          step(1, { phase: 'sft' }),
          step(2, { phase: 'sft' }),
          phase(3, 'grpo'),
          step(3, { phase: 'grpo' }),
          evaluation(3, 0.5),
        ],
        rows: [],
      });
      const store = await opened(directory);
      const run = analysedRun(store.model, 'two phases');
      assert.deepEqual(run.phases, [
        { step: 1, phase: 'sft' },
        { step: 3, phase: 'grpo' },
      ]);
      assert.deepEqual(
        run.evaluations.map(({ step: at, value, entropy }) => [at, value, entropy]),
        [
          [0, 0.2, 0.2],
          [3, 0.5, 0.2],
        ],
      );
      assert.deepEqual([run.first, run.last, run.steps], [1, 3, 3]);
      const told = run.curves.map(({ metric, newest }) => [metric, newest]);
      assert.deepEqual(told, [
        ['entropy/rollout', 0.3],
        ['reward/mean', 0.3],
      ]);
      assert.deepEqual(rangeOf(store.model, null, null), { from: 1, to: null });
      assert.deepEqual(rangeOf(store.model, 3, 2), { from: 3, to: 3 });
      await store.close();
    });
  });
});
