import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { valueAt } from '../../../core/columns';
import { isCurrent } from '../../../core/rolloutIndex';
import { tokenCount } from '../../../core/trace';
import { probeRows, readSequences, referenceSets, rowSets, usualSet } from '../../../src/runs/comparedRows';
import { RunStore } from '../../../src/runs/runStore';
import { inFolder } from '../support/folder';
import { step, writeRun, type WrittenRow } from '../support/writtenRun';

async function opened(directory: string): Promise<RunStore> {
  const store = await RunStore.open(directory);
  assert.ok(store.kind === 'read', store.kind === 'broken' ? store.reason : '');
  await store.value.readAll();
  return store.value;
}

const recorded = (name: string): Promise<RunStore> => opened(join(process.cwd(), 'test/fixtures/runs', name));
const row = (id: string, kind: string, correct: boolean, extra: WrittenRow['extra'] = {}): WrittenRow => ({
  ...{ id, kind, correct, extra },
  text: 'abc',
});
const all = { sequences: 64, tokens: 32_000 };

describe('what checkpoints can be compared on', () => {
  it('is told of a recorded run, the newest first', async () => {
    const store = await recorded('trained');
    const front = store.index.rowOfId.get('a1-s2-g0-3');
    const sets = rowSets(store, front, [1]);
    assert.deepEqual(
      sets.map(({ key, rows }) => [key, rows.length]),
      [
        ['trace', 1],
        ['group', 6],
        ['evaluations 3', 8],
        ['evaluations 0', 8],
        ['rollouts 1', 20],
        ['rollouts 3', 20],
        ['demonstrations', 12],
      ],
    );
    assert.equal(sets[1]?.rows[0], front, 'what was looked at comes first');
    assert.equal(usualSet(sets), 'group');
    assert.equal(usualSet(rowSets(store, undefined)), 'evaluations 3');
    assert.equal(usualSet([]), undefined);
  });

  it('has no row twice in a set, none that was dropped and none whose tokens were not kept', async () => {
    const store = await recorded('rich');
    const sets = rowSets(store, undefined, [1, 2, 3, 4, 5, 6]);
    assert.ok(sets.length > 5);
    for (const { key, rows } of [...sets, ...referenceSets(store), { key: 'probes', ...probeRows(store) }]) {
      assert.equal(new Set(rows).size, rows.length, key);
      for (const one of rows) {
        assert.ok(isCurrent(store.index, one, store.model.attempts), key);
        assert.equal((await store.readRollout(one)).kind, 'read', key);
      }
    }
  });

  it('a run without rollouts has nothing', async () => {
    await inFolder(async (folder) => {
      await writeRun(folder, { events: [step(1)], rows: [] });
      const store = await opened(folder);
      assert.deepEqual([rowSets(store, undefined), referenceSets(store)], [[], []]);
      assert.deepEqual(probeRows(store), { isOfProbes: false, rows: [] });
    });
  });
});

describe('texts that the path of a run is measured by', () => {
  it('are demonstrations, what the base wrote and what was right of the newest', async () => {
    const store = await recorded('trained');
    const [demonstrations, base, newest] = referenceSets(store);
    assert.equal(demonstrations?.rows.length, 12);
    assert.equal(base?.label, 'the base’s own answers');
    assert.ok(base.rows.every((one) => store.index.kinds[one] === 'evaluation'));
    assert.match(newest?.label ?? '', /^right rollouts of step 3$/);
    assert.ok(newest?.rows.every((one) => valueAt(store.index.correct, one) === 1));
  });

  it('fall back on the first step, and on wrong answers where none is right', async () => {
    await inFolder(async (folder) => {
      const rows = [row('a1-s1-g0-0', 'rollout', true), row('a1-s2-g0-0', 'rollout', false)];
      await writeRun(folder, { events: [step(1), step(2)], rows });
      const sets = referenceSets(await opened(folder));
      assert.deepEqual(
        sets.map(({ label, rows: of }) => [label, of]),
        [
          ['rollouts of step 1', [0]],
          ['rollouts of step 2', [1]],
        ],
      );
    });
  });
});

describe('the text of a probe', () => {
  it('is the first right answer, else the first, and stays what it is when others come', async () => {
    const rows = [
      row('a1-p0-g0-0', 'probe', false),
      row('a1-p0-g1-0', 'probe', false),
      row('a1-p1-g0-0', 'probe', true),
      row('a1-p1-g1-0', 'probe', false),
      row('a1-p2-g0-0', 'probe', true),
    ];
    await inFolder(async (folder) => {
      await writeRun(folder, { events: [step(1)], rows });
      assert.deepEqual(probeRows(await opened(folder)), { isOfProbes: true, rows: [2, 1] });
    });
  });

  it('is an answer of the last evaluation where a run has no probes', async () => {
    const store = await recorded('trained');
    const { isOfProbes, rows } = probeRows(store);
    assert.equal(isOfProbes, false);
    assert.equal(rows.length, 8);
    assert.ok(rows.every((one) => valueAt(store.index.numbers.step, one) === 3));
  });
});

describe('sequences that are read', () => {
  it('have the tokens of prompt and response, and the text of each', async () => {
    const store = await recorded('trained');
    const sets = rowSets(store, undefined);
    const { sequences, notes } = await readSequences(
      store,
      sets.find(({ key }) => key === 'rollouts 3')?.rows ?? [],
      all,
    );
    assert.equal(sequences.length, 20);
    assert.deepEqual(notes, []);
    for (const { ids, promptTokens, trace, verdict, id } of sequences) {
      assert.ok(promptTokens > 0);
      assert.equal(ids.length - promptTokens, tokenCount(trace));
      const own = store.index.rowOfId.get(id) ?? -1;
      assert.equal(verdict, valueAt(store.index.correct, own) === 1 ? 'right' : 'wrong');
    }
  });

  it('are cut by their number and by their tokens, which is said', async () => {
    const store = await recorded('trained');
    const rows = rowSets(store, undefined).find(({ key }) => key === 'rollouts 3')?.rows ?? [];
    const few = await readSequences(store, rows, { sequences: 5, tokens: 32_000 });
    assert.equal(few.sequences.length, 5);
    assert.deepEqual(few.notes, ['5 of 20 sequences are taken.']);
    const short = await readSequences(store, rows, { sequences: 64, tokens: 300 });
    assert.ok(short.sequences.reduce((sum, { ids }) => sum + ids.length, 0) <= 300);
    const one = await readSequences(store, rows, { sequences: 64, tokens: 1 });
    assert.equal(one.sequences.length, 1, 'one is read, however long it is');
  });

  it('that cannot be read are counted with a reason', async () => {
    const store = await recorded('rich');
    const gone = Array.from({ length: store.index.length }, (_, place) => place).filter(
      (place) => store.index.address.segment.values[place] === 0,
    );
    assert.ok(gone.length > 0);
    const { sequences, notes } = await readSequences(store, gone.slice(0, 3), all);
    assert.deepEqual(sequences, []);
    assert.match(notes.join(), /^3 cannot be taken: the tokens of this rollout were not kept\.$/);
  });
});
