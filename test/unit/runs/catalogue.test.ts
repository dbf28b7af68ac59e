import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findRuns, runSize } from '../../../src/runs/catalogue';
import { cleanUp, deleteRun } from '../../../src/runs/cleanUp';
import { pendingControls, requestControl } from '../../../src/runs/control';
import { rewardCodeOfRecipe, rewardCodeOfRun } from '../../../src/runs/rewardConsent';
import { RunStore } from '../../../src/runs/runStore';
import { inFolder } from '../support/folder';
import { step, writeRun } from '../support/writtenRun';

describe('the runs of some folders', () => {
  it('are those in them and one level below, newest first; the rest is left alone', () =>
    inFolder(async (folder) => {
      const places = ['one', 'group/two', 'group/deep/three', '.hidden/four'];
      for (const [age, place] of places.entries()) {
        await mkdir(join(folder, place), { recursive: true });
        await writeFile(join(folder, place, 'run.json'), '{}');
        await utimes(join(folder, place, 'run.json'), 1000 - age, 1000 - age);
      }
      await writeFile(join(folder, 'file'), '');
      const found = await findRuns([folder, join(folder, 'not there'), join(folder, 'one'), join(folder, 'file')]);
      assert.deepEqual(
        found.map(({ name, begunMs }) => [name, begunMs]),
        [
          ['one', 1_000_000],
          ['two', 999_000],
        ],
      );
    }));

  it('a link to nowhere is no run', { skip: process.platform === 'win32' }, () =>
    inFolder(async (folder) => {
      await symlink(join(folder, 'gone'), join(folder, 'link'));
      assert.deepEqual(await findRuns([folder]), []);
    }),
  );
});

describe('cleaning up', () => {
  it('keeps the newest and the best checkpoint', () =>
    finishedRun(async (run) => {
      assert.deepEqual(await runSize(run).then(({ checkpoints, trainerState }) => ({ checkpoints, trainerState })), {
        checkpoints: 300,
        trainerState: 70,
      });
      assert.deepEqual(await cleanUp(run, 'checkpoints'), { kind: 'freed', bytes: 100, steps: [2] });
      assert.deepEqual(
        ['1', '2', '3'].map((number) => existsSync(checkpoint(run, number))),
        [true, false, true],
      );
      assert.deepEqual(await cleanUp(run, 'trainer_state'), { kind: 'freed', bytes: 70, steps: [3] });
      assert.equal(existsSync(join(checkpoint(run, '3'), 'model.safetensors')), true);
    }));

  it('never touches a run at which a trainer is or may be at work', () =>
    finishedRun(async (run) => {
      for (const change of [
        { state: 'running', host: 'elsewhere' },
        { state: 'running', host: hostname(), pid: process.pid },
      ]) {
        await changeStatus(run, change);
        assert.equal((await cleanUp(run, 'checkpoints')).kind, 'refused');
        assert.equal((await deleteRun(run)).kind, 'refused');
      }
      assert.equal(existsSync(checkpoint(run, '2')), true);
    }));

  it('deletes a whole run, and nothing that is none', () =>
    finishedRun(async (run) => {
      assert.equal((await deleteRun(join(run, '..'))).kind, 'refused');
      assert.equal((await deleteRun(run)).kind, 'freed');
      assert.equal(existsSync(run), false);
    }));
});

describe('requests', () => {
  it('lie in control/ until they are answered, oldest first', () =>
    inFolder(async (folder) => {
      assert.deepEqual(await pendingControls(folder), []);
      await assert.rejects(requestControl(folder, 'pause', 'a test'));
      await mkdir(join(folder, 'control'));
      const first = await requestControl(folder, 'pause', 'a test');
      const second = await requestControl(folder, 'stop', 'b'.repeat(300), { checkpoint: true });
      await writeFile(join(folder, 'control', 'odd.json'), '{"kind": "dance", "created": 1, "by": "x"}');
      await writeFile(join(folder, 'control', 'torn.json'), '{"kind"');
      const pending = await pendingControls(folder);
      assert.deepEqual(
        pending.map(({ name, kind, by }) => [name, kind, by.length]),
        [
          [first, 'pause', 6],
          [second, 'stop', 200],
        ],
      );
      const written: unknown = JSON.parse(await readFile(join(folder, 'control', `${second}.json`), 'utf8'));
      assert.deepEqual((written as { arguments: unknown }).arguments, { checkpoint: true });
    }));
});

describe('requests of one moment', () => {
  it('keep the order they were made in', () =>
    inFolder(async (folder) => {
      await mkdir(join(folder, 'control'));
      const names = await Promise.all(Array.from({ length: 30 }, () => requestControl(folder, 'pause', 'a test')));
      assert.deepEqual(
        (await pendingControls(folder)).map(({ name }) => name),
        names,
      );
    }));
});

describe('reward code', () => {
  it('is named with its hash, wherever the recipe lies', () =>
    inFolder(async (folder) => {
      const run = join(folder, 'runs', 'one');
      await mkdir(join(folder, 'recipes'));
      await writeFile(join(folder, 'recipes', 'score.py'), 'abc');
      const parts = [{ kind: 'math' }, { kind: 'python', path: 'score.py' }, { kind: 'python', path: 'gone.py' }];
      const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
      const recipe = { reward: { parts } };
      const expected = [
        { path: 'score.py', file: join(folder, 'recipes', 'score.py'), sha256, recorded: null },
        { path: 'gone.py', file: join(folder, 'recipes', 'gone.py'), sha256: null, recorded: null },
      ];
      assert.deepEqual(await rewardCodeOfRecipe(recipe, join(folder, 'recipes')), expected);
      await writeRun(run, { events: [], rows: [] });
      const store = await RunStore.open(run);
      assert.ok(store.kind === 'read');
      const { manifest } = store.value;
      await store.value.close();
      const hashes = [{ path: 'score.py', sha256: 'then', rows: null }];
      const found = await rewardCodeOfRun(run, {
        ...manifest,
        recipe,
        recipe_file: '../../recipes/a.srft.json',
        hashes,
      });
      assert.deepEqual(found, [{ ...expected[0], recorded: 'then' }, expected[1]]);
    }));

  for (const recipe of [null, [], { reward: 3 }, { reward: { parts: [null, { kind: 'python' }] } }]) {
    it(`a recipe such as ${JSON.stringify(recipe)} names none`, async () => {
      assert.deepEqual(await rewardCodeOfRecipe(recipe, '/'), []);
    });
  }
});

/** With three checkpoints: the first is best, the last newest, with what a resume needs. */
async function finishedRun(body: (run: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const run = join(folder, 'run');
    const checkpoints = [1, 2, 3].map((number) => ({
      ...{ kind: 'checkpoint', step: number, path: `checkpoints/step-00000${number}`, bytes: 100, accuracy: null },
      ...{ best: number === 1, chosen_on: null, removed: [] },
    }));
    await writeRun(run, { events: [{ kind: 'started', attempt: 1, steps: 3 }, step(1), ...checkpoints], rows: [] });
    await changeStatus(run, { state: 'ended', end: { kind: 'finished', message: null } });
    for (const number of ['1', '2', '3']) {
      await mkdir(checkpoint(run, number), { recursive: true });
      await writeFile(join(checkpoint(run, number), 'model.safetensors'), 'x'.repeat(100));
    }
    await mkdir(join(checkpoint(run, '3'), 'trainer_state'));
    await writeFile(join(checkpoint(run, '3'), 'trainer_state', 'optimiser.bin'), 'x'.repeat(70));
    await body(run);
    await rm(run, { recursive: true, force: true });
  });
}

function checkpoint(run: string, number: string): string {
  return join(run, 'checkpoints', `step-00000${number}`);
}

async function changeStatus(run: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const status = JSON.parse(await readFile(join(run, 'status.json'), 'utf8')) as Readonly<Record<string, unknown>>;
  await writeFile(join(run, 'status.json'), JSON.stringify({ ...status, ...change }));
}
