import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { snapshot } from '../../../core/runSnapshot';
import { RecordReaders } from '../../../src/runs/recordReader';
import { RunStore } from '../../../src/runs/runStore';
import type { RunWatch } from '../../../src/runs/runWatch';
import { RunWatches } from '../../../src/runs/runWatches';
import { buildHost } from '../../../scripts/lib/extensionBundle.mjs';
import { stepLine, writeLongRun } from '../../../scripts/lib/longRuns.mjs';
import { inFolder } from '../support/folder';

const steps = 10_000;
/** Less than their events take. */
const fromBytes = 4 * 1024 * 1024;
let folder = '';
let script = '';

interface Parts {
  readonly directory: string;
  readonly run: RunWatch;
  readonly watches: RunWatches;
  /** Rows of the step table each time something was told. */
  readonly rows: readonly number[];
  readonly errors: readonly unknown[];
}

/** Follows a run of 10,000 steps, in which `work` finds it when its beginning has been read. */
async function reading(readers: RecordReaders | undefined, work: (parts: Parts) => Promise<void>): Promise<void> {
  await inFolder(async (directory) => {
    writeLongRun(directory, { steps, ended: false });
    const errors: unknown[] = [];
    const rows: number[] = [];
    const watches = new RunWatches((error) => errors.push(error), readers);
    watches.listen(({ store }) => rows.push(store.model.steps.step.length));
    try {
      const opened = await watches.open(directory);
      assert.ok(opened.kind === 'read');
      assert.ok(opened.value.isReading && opened.value.store.model.steps.step.length < steps);
      await work({ directory, run: opened.value, watches, rows, errors });
    } finally {
      await watches.close();
    }
  });
}

async function untilRead(run: RunWatch): Promise<void> {
  for (let turn = 0; run.isReading; turn += 1) {
    assert.ok(turn < 800, 'the record was not read to its end');
    await sleep(25);
  }
}

/** The run is what it would be, had it been read at once. */
async function assertWhole(run: RunWatch, directory: string): Promise<void> {
  const whole = await RunStore.open(directory);
  assert.ok(whole.kind === 'read');
  assert.deepEqual(snapshot(run.store.model), snapshot(whole.value.model));
  await whole.value.close();
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'srft-thread-'));
  await buildHost(folder, { minify: true, from: process.cwd() });
  script = join(folder, 'recordThread.mjs');
});
after(() => rm(folder, { recursive: true }));

for (const where of ['here', 'on another thread']) {
  const readers = (): RecordReaders | undefined =>
    where === 'here' ? undefined : new RecordReaders(script, fromBytes);

  describe(`a long record that is read ${where}`, () => {
    it('is shown from its beginning, and in the end is what it would be at once', async () => {
      await reading(readers(), async ({ directory, run, rows, errors }) => {
        assert.equal(run.store.isReadElsewhere, where !== 'here');
        await untilRead(run);
        assert.equal(run.store.isReadElsewhere, false);
        assert.equal(rows.at(-1), steps);
        assert.deepEqual(errors, []);
        await assertWhole(run, directory);
      });
    });

    it('goes on with what is written meanwhile and afterwards', async () => {
      await reading(readers(), async ({ directory, run }) => {
        const events = join(directory, 'events.jsonl');
        const { nextSeq } = await lastOf(events);
        // A torn line, as a trainer that is writing leaves it for a moment.
        const line = stepLine(steps + 1, nextSeq, 1);
        await appendFile(events, line.slice(0, 40));
        await untilRead(run);
        await appendFile(events, line.slice(40) + stepLine(steps + 2, nextSeq + 1, 2));
        while ((await run.look(performance.now())).events);
        assert.equal(run.store.model.steps.step.length, steps + 2);
        await assertWhole(run, directory);
      });
    });

    it('begins again when the file is made anew meanwhile', async () => {
      await reading(readers(), async ({ directory, run }) => {
        const events = join(directory, 'events.jsonl');
        const text = await readFile(events, 'utf8');
        await writeFile(`${events}.new`, text.slice(0, text.indexOf('\n', text.length / 2) + 1));
        await rename(`${events}.new`, events);
        await untilRead(run);
        while ((await run.look(performance.now())).events);
        assert.ok(run.store.model.steps.step.length < steps);
        await assertWhole(run, directory);
      });
    });
  });
}

describe('a reader on another thread', () => {
  it('that cannot be had is told once, and the record is read here', async () => {
    await reading(
      new RecordReaders(join('/nowhere', 'recordThread.mjs'), fromBytes),
      async ({ directory, run, errors }) => {
        await untilRead(run);
        assert.equal(errors.length, 1);
        assert.match(String(errors[0]), /recordThread/);
        await assertWhole(run, directory);
      },
    );
  });

  it('waits while it is held, and one that is given up makes room for the next', async () => {
    const readers = new RecordReaders(script, fromBytes);
    const release = readers.hold();
    await reading(readers, async ({ run: first, directory, watches, rows }) => {
      await reading(readers, async ({ run: second }) => {
        await sleep(300);
        assert.ok(first.isReading && second.isReading && second.store.isReadElsewhere);
        assert.deepEqual(
          rows.filter((count) => count === steps),
          [],
        );
        await watches.forget(directory);
        release();
        release();
        await untilRead(second);
        assert.equal(second.store.model.steps.step.length, steps);
      });
    });
  });

  it('ends with the run it reads', async () => {
    await reading(new RecordReaders(script, fromBytes), async ({ directory, run, watches, rows }) => {
      const waits = assert.rejects(run.store.readAll(), /was closed while it was read/);
      await watches.forget(directory);
      await waits;
      const told = rows.length;
      await sleep(300);
      assert.equal(rows.length, told);
      assert.ok(run.store.model.steps.step.length < steps);
    });
  });
});

async function lastOf(events: string): Promise<{ nextSeq: number }> {
  const lines = (await readFile(events, 'utf8')).trimEnd().split('\n');
  const last = JSON.parse(lines.at(-1) ?? '') as { readonly seq: number };
  return { nextSeq: last.seq + 1 };
}
