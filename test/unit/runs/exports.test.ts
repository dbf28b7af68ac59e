import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runProgram } from '../../../src/environment/program';
import { exportCurves } from '../../../src/runs/exportCurves';
import { exportRollouts } from '../../../src/runs/exportRollouts';
import { RunStore } from '../../../src/runs/runStore';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';
import { device, step, writeRun } from '../support/writtenRun';

describe('curves as CSV', () => {
  it('have every digit, empty cells for what is not there, and names that need it in quotes', () =>
    withRun(async (store, folder) => {
      const file = join(folder, 'curves.csv');
      const exported = await exportCurves(store.model, file);
      const text = await readFile(file, 'utf8');
      assert.deepEqual(exported, { kind: 'written', rows: 2, bytes: Buffer.byteLength(text) });
      const [header, first, second, last] = text.split('\r\n');
      assert.equal(header, 'step,time,tokens,a,"odd, ""name"""');
      assert.equal(first, '1,1001,10,0.30000000000000004,');
      assert.equal(second, '2,1002,20,,1e-7');
      assert.equal(last, '');
      assert.deepEqual(await readdir(folder), ['curves.csv', 'run']);
    }));

  it('a cancelled one leaves nothing', () =>
    withRun(async (store, folder) => {
      const result = await exportCurves(store.model, join(folder, 'curves.csv'), { signal: AbortSignal.abort() });
      assert.deepEqual(result, { kind: 'cancelled' });
      assert.deepEqual(await readdir(folder), ['run']);
    }));
});

describe('rollouts as Parquet', () => {
  it('are read by others as they were written', () =>
    withRun(async (store, folder) => {
      const file = join(folder, 'rollouts.parquet');
      const told: number[] = [];
      const exported = await exportRollouts(store, file, { onProgress: (rows) => told.push(rows) });
      assert.equal(exported.kind, 'written');
      assert.deepEqual(told, [3]);
      const bytes = await readFile(file);
      assert.equal(bytes.length, exported.bytes);
      assert.equal(bytes.subarray(0, 4).toString() + bytes.subarray(-4).toString(), 'PAR1PAR1');
      const script = 'import json, sys, pyarrow.parquet as p; print(json.dumps(p.read_table(sys.argv[1]).to_pylist()))';
      const end = await runProgram(testInterpreter(), ['-c', script, file]);
      assert.ok(end.kind === 'ended' && end.code === 0, JSON.stringify(end));
      const rows = JSON.parse(end.stdout) as readonly Readonly<Record<string, unknown>>[];
      assert.deepEqual(
        rows.map(({ id, current, text, reward, correct }) => [id, current, text, reward, correct]),
        [
          ['a1-s1-g0-0', true, 'Größe 1 😀', 1, true],
          ['a1-s2-g1-0', false, null, 0, false],
          ['a2-s2-g2-0', true, 'three', 0, false],
        ],
      );
      assert.deepEqual(
        rows.map((row) => row['weight/w_sft']),
        [null, 0.5, null],
      );
      assert.deepEqual(
        rows.map((row) => row['advantage']),
        [null, null, null],
      );
      assert.deepEqual(rows[0]?.['part/exact'], 1);
      assert.equal(rows[0]['prompt'], '<|im_start|>user\nQuestion a1-s1-g0-0?<|im_end|>\n');
    }));

  it('many rows are several groups, and a cancelled export leaves nothing', () =>
    inFolder(async (folder) => {
      const rows = Array.from({ length: 2500 }, (_, index) => ({
        ...{ id: `a1-s1-g0-${index}`, kind: 'rollout', text: 'x', correct: false },
      }));
      const run = join(folder, 'run');
      await writeRun(run, { events: [{ kind: 'started', attempt: 1, steps: 9 }, step(1)], rows });
      const store = await opened(run);
      const told: number[] = [];
      const file = join(folder, 'rollouts.parquet');
      await exportRollouts(store, file, { onProgress: (done) => told.push(done) });
      assert.deepEqual(told, [2000, 2500]);
      const control = new AbortController();
      const cancelled = await exportRollouts(store, join(folder, 'other.parquet'), {
        signal: control.signal,
        onProgress: () => {
          control.abort();
        },
      });
      assert.deepEqual(cancelled, { kind: 'cancelled' });
      assert.deepEqual(await readdir(folder), ['rollouts.parquet', 'run']);
      const script =
        'import sys, pyarrow.parquet as p; f = p.ParquetFile(sys.argv[1]); print(f.metadata.num_row_groups, f.read().num_rows)';
      const end = await runProgram(testInterpreter(), ['-c', script, file]);
      assert.ok(end.kind === 'ended');
      assert.equal(end.stdout.trim(), '2 2500');
      await store.close();
    }));
});

async function withRun(body: (store: RunStore, folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const run = join(folder, 'run');
    const numbers = (at: number, metrics: Readonly<Record<string, number | null>>): Readonly<Record<string, unknown>> =>
      step(at, { metrics, time: 1000 + at });
    const resumed = { kind: 'resumed', attempt: 2, from_step: 1, device, versions: {} };
    await writeRun(run, {
      events: [
        { kind: 'started', attempt: 1, steps: 9 },
        numbers(1, { a: 0.1 + 0.2, 'odd, "name"': null }),
        resumed,
        numbers(2, { a: null, 'odd, "name"': 1e-7 }),
      ],
      rows: [
        { id: 'a1-s1-g0-0', kind: 'rollout', text: 'Größe 1 😀', correct: true },
        {
          id: 'a1-s2-g1-0',
          kind: 'rollout',
          text: 'two',
          correct: false,
          extra: { weights: { w_sft: 0.5 }, address: null },
        },
        { id: 'a2-s2-g2-0', kind: 'rollout', text: 'three', correct: false },
      ],
    });
    const store = await opened(run);
    await body(store, folder);
    await store.close();
  });
}

async function opened(run: string): Promise<RunStore> {
  const store = await RunStore.open(run);
  assert.ok(store.kind === 'read');
  return store.value;
}
