import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { lastStep } from '../../../core/progress';
import { rolloutText } from '../../../core/rolloutColumns';
import { isCurrent } from '../../../core/rolloutIndex';
import { RunStore } from '../../../src/runs/runStore';
import { inFolder } from '../support/folder';
import { device, evaluation, step, writeRun, type WrittenRow } from '../support/writtenRun';

const started = { kind: 'started', attempt: 1, steps: 10 };
const row = (id: string, text: string, more: Partial<WrittenRow> = {}): WrittenRow => ({
  id,
  kind: 'rollout',
  text,
  correct: false,
  ...more,
});

describe('a run directory', () => {
  it('is read, then followed as it grows; what no event acknowledged is not there', () =>
    inFolder(async (folder) => {
      const rows = [row('a1-s1-g0-0', 'one'), row('a1-s1-g0-1', 'two'), row('a1-s2-g0-0', 'three')];
      await writeRun(folder, { events: [started, step(1, { index_rows: 2 })], rows, torn: '{"seq":2,"ti' });
      const store = await opened(folder);
      assert.equal(lastStep(store.model), 1);
      assert.deepEqual(store.index.ids, ['a1-s1-g0-0', 'a1-s1-g0-1']);
      assert.equal(await textOf(store, 1), 'two');
      await writeRun(folder, { events: [started, step(1, { index_rows: 2 }), step(2)], rows });
      const news = await store.refresh();
      assert.equal(lastStep(store.model), 2);
      assert.equal(store.index.length, 3);
      assert.equal(store.model.oddities.repeatedEvents, 0);
      assert.equal(await textOf(store, 2), 'three');
      assert.equal(news.rollouts >= 1, true);
      assert.deepEqual(store.troubles, []);
      await store.close();
    }));

  it('a resumed attempt drops the rows that earlier ones wrote after its step', () =>
    inFolder(async (folder) => {
      const resumed = { kind: 'resumed', attempt: 2, from_step: 1, device, versions: {} };
      const rows = ['a1-s1-g0-0', 'a1-s2-g0-0', 'a1-s3-g0-0', 'a2-s2-g0-0'].map((id) => row(id, id));
      await writeRun(folder, { events: [started, step(1), step(2), step(3), resumed, step(2)], rows });
      const store = await opened(folder);
      const current = store.index.ids.filter((_, number) => isCurrent(store.index, number, store.model.attempts));
      assert.deepEqual(current, ['a1-s1-g0-0', 'a2-s2-g0-0']);
      assert.equal(lastStep(store.model), 2);
      await store.close();
    }));

  it('a run made anew in the same place starts over', () =>
    inFolder(async (folder) => {
      const run = join(folder, 'run');
      await writeRun(run, { events: [started, step(1), step(2)], rows: [row('a1-s1-g0-0', 'old text')] });
      const store = await opened(run);
      assert.equal(await textOf(store, 0), 'old text');
      await rm(run, { recursive: true });
      await store.refresh();
      assert.equal(store.model.nextSeq, 0);
      await writeRun(run, { events: [{ ...started, steps: 7 }, step(1)], rows: [row('a1-s1-g0-0', 'new')] });
      await store.refresh();
      assert.equal(store.model.stepsPlanned, 7);
      assert.equal(lastStep(store.model), 1);
      assert.equal(await textOf(store, 0), 'new');
      await store.close();
    }));

  it('events written anew over the same index begin a new model with all its rows', () =>
    inFolder(async (folder) => {
      const rows = [row('a1-s1-g0-0', 'one'), row('a1-s1-g0-1', 'two')];
      await writeRun(folder, { events: [started, step(1)], rows });
      const store = await opened(folder);
      await writeRun(folder, { events: [{ ...started, time: 5 }, step(1)], rows });
      const news = await store.refresh();
      assert.equal(news.restarted, true);
      assert.equal(store.model.startedAt, 5);
      assert.deepEqual(store.index.ids, ['a1-s1-g0-0', 'a1-s1-g0-1']);
      await store.close();
    }));

  it('kinds, keys and rows of a later minor version survive and are counted', () =>
    inFolder(async (folder) => {
      const novel = row('a1-s1-g0-0', 'text', { kind: 'dream', extra: { colour: 'blue' } });
      const events = [started, { kind: 'novel', depth: 1 }, step(1, { weather: 'rain' }), evaluation(1, 0.5)];
      await writeRun(folder, { format: '1.9', events, rows: [novel] });
      const store = await opened(folder);
      assert.deepEqual(
        store.model.oddities.unknownEvents.map((event) => event.kind),
        ['novel'],
      );
      assert.deepEqual([...store.model.oddities.unknownKeys], [['step.weather', 1]]);
      assert.deepEqual(store.model.steps.extras, [{ step: 1, values: { weather: 'rain' } }]);
      assert.deepEqual(store.index.kinds, ['dream']);
      assert.deepEqual([...store.index.extras], [[0, { colour: 'blue' }]]);
      assert.equal(await textOf(store, 0), 'text');
      assert.equal(store.model.evaluations.length, 1);
      await store.close();
    }));

  it('damaged parts are told and leave the rest readable', () =>
    inFolder(async (folder) => {
      await writeRun(folder, {
        events: [started, { kind: 'step', step: 'x' }, step(2)],
        rows: [row('a1-s2-g0-0', 'text')],
      });
      await writeFile(join(folder, 'status.json'), '{"half');
      await writeFile(join(folder, 'rollouts', '000001.seg'), 'no segment at all, only words');
      const store = await opened(folder);
      assert.equal(lastStep(store.model), 2);
      assert.match(store.troubles.join('\n'), /status\.json is not JSON[^]*1 lines unreadable/);
      const record = await store.readRollout(0);
      assert.match(record.kind === 'broken' ? record.reason : '', /no record begins here/);
      await store.close();
    }));

  it('another major version is refused by name', () =>
    inFolder(async (folder) => {
      await writeRun(folder, { format: '2.0', events: [started], rows: [] });
      const refused = await RunStore.open(folder);
      assert.match(refused.kind === 'broken' ? refused.reason : '', /format 2\.0, this reader knows 1\.x/);
    }));

  it('a folder without a run is refused in words', () =>
    inFolder(async (folder) => {
      const refused = await RunStore.open(folder);
      assert.match(refused.kind === 'broken' ? refused.reason : '', /no run\.json/);
    }));
});

async function opened(folder: string): Promise<RunStore> {
  const store = await RunStore.open(folder);
  assert.ok(store.kind === 'read', store.kind === 'broken' ? store.reason : '');
  return store.value;
}

async function textOf(store: RunStore, row: number): Promise<string> {
  const record = await store.readRollout(row);
  return record.kind === 'read' ? rolloutText(record.value) : record.reason;
}
