import assert from 'node:assert/strict';
import { appendFile, cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../../core/generated/wire';
import type { RunChange } from '../../../src/runs/runWatch';
import { RunWatches } from '../../../src/runs/runWatches';
import { inFolder } from '../support/folder';

const rich = 'test/fixtures/runs/rich';

/** Follows a copy of the recorded run. */
async function following(
  work: (parts: { directory: string; watches: RunWatches; changes: RunChange[] }) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const directory = join(folder, 'rich');
    await cp(rich, directory, { recursive: true });
    const errors: unknown[] = [];
    const watches = new RunWatches((error) => errors.push(error));
    const changes: RunChange[] = [];
    watches.listen((_run, change) => changes.push(change));
    try {
      await work({ directory, watches, changes });
    } finally {
      await watches.close();
    }
    assert.deepEqual(errors, []);
  });
}

/** The trainer of the copy is at work again, on a machine that is not this one. */
async function revive(directory: string, state: Status['state'] = 'running'): Promise<void> {
  const path = join(directory, 'status.json');
  const status = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(`${path}.new`, JSON.stringify({ ...status, state, end: null, host: 'elsewhere' }));
  await rename(`${path}.new`, path);
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (let turn = 0; !isTrue(); turn += 1) {
    assert.ok(turn < 400, `${what} did not come`);
    await sleep(25);
  }
}

describe('following runs', () => {
  it('opens a directory once, and what is no run is told in words', async () => {
    await following(async ({ directory, watches }) => {
      const [first, second] = await Promise.all([watches.open(directory), watches.open(directory)]);
      assert.ok(first.kind === 'read' && second.kind === 'read');
      assert.equal(first.value, second.value);
      assert.equal(first.value.presence, 'ended');
      assert.equal((await watches.open(join(directory, 'checkpoints'))).kind, 'broken');
    });
  });

  it('tells what was appended, of a run that is attended to', async () => {
    await following(async ({ directory, watches, changes }) => {
      await revive(directory);
      const opened = await watches.open(directory);
      assert.ok(opened.kind === 'read');
      const release = watches.attend(opened.value);
      const events = opened.value.store.model.nextSeq;
      await appendFile(
        join(directory, 'events.jsonl'),
        `${JSON.stringify({ seq: events, time: 1, kind: 'notice', step: 6, name: 'x', message: 'y' })}\n`,
      );
      await until('the event', () => changes.some((change) => change.events));
      assert.equal(opened.value.store.model.notices.at(-1)?.message, 'y');
      release();
    });
  });

  it('tells of a state that changed without an event', async () => {
    await following(async ({ directory, watches, changes }) => {
      await revive(directory);
      const opened = await watches.open(directory);
      assert.ok(opened.kind === 'read');
      const release = watches.attend(opened.value);
      await opened.value.look(performance.now());
      changes.length = 0;
      await revive(directory, 'paused');
      await until('the pause', () => changes.some((change) => change.events));
      assert.equal(opened.value.store.status?.state, 'paused');
      release();
    });
  });

  it('a file made anew restarts the run, and one that vanished is borne', async () => {
    await following(async ({ directory, watches, changes }) => {
      await revive(directory);
      const opened = await watches.open(directory);
      assert.ok(opened.kind === 'read');
      watches.attend(opened.value);
      const events = join(directory, 'events.jsonl');
      const lines = (await readFile(events, 'utf8')).split('\n');
      await writeFile(`${events}.new`, `${lines.slice(0, 3).join('\n')}\n`);
      await rename(`${events}.new`, events);
      await until('the restart', () => changes.some((change) => change.restarted));
      await until('the new events', () => opened.value.store.model.nextSeq === 3);
      assert.ok(opened.value.restarts > 0);
      await rm(directory, { recursive: true });
      await until('nothing left', () => opened.value.store.model.nextSeq === 0);
    });
  });

  it('a trainer elsewhere whose heartbeat stands still is never taken for one that ended', async () => {
    await following(async ({ directory, watches }) => {
      await revive(directory);
      const opened = await watches.open(directory);
      assert.ok(opened.kind === 'read');
      assert.equal(opened.value.presence, 'watching');
      await opened.value.look(performance.now() + 60_000);
      assert.equal(opened.value.presence, 'silent');
      assert.ok((opened.value.stillSeconds ?? 0) >= 15);
    });
  });
});
