import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { askToEnd, endTree } from '../../../src/runs/endProcess';
import { awaitStart, launchTrainer, type Launch, type Launched } from '../../../src/runs/launch';
import { processFact } from '../../../src/runs/processFacts';
import { readStatus } from '../../../src/runs/readStatus';
import { RunStore } from '../../../src/runs/runStore';
import { stopTrainer, type StopProgress } from '../../../src/runs/stop';
import { trainerProcess } from '../../../src/runs/trainerProcess';
import { writeFakeTrainer } from '../support/fakeTrainer';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';
import { writeRun } from '../support/writtenRun';

// The stand-in tells who it is as Linux does.
const onLinux = { skip: process.platform !== 'linux' };

describe('launching', () => {
  it('a run is awaited, and its arguments are paths that hold in any folder', onLinux, () =>
    prepared(async (launch) => {
      const words: string[] = [];
      const launched = started(
        await launchTrainer({
          ...launch('obey'),
          recipe: 'some/recipe.json',
          overrides: ['training.steps=2'],
          start: { kind: 'fork', run: 'runs/first', step: 7 },
        }),
      );
      const start = await awaitStart(launched, { onWords: (line) => words.push(line) });
      assert.equal(start.kind, 'started');
      assert.equal(start.status.pid, launched.pid);
      const told = [
        '--run-dir',
        launched.runDirectory,
        '--fork',
        `${resolve('runs/first')}@7`,
        '--set',
        'training.steps=2',
      ];
      assert.equal(start.status.stage, ['train', resolve('some/recipe.json'), ...told].join(' '));
      await endTree(launched.pid);
      assert.deepEqual(await endOf(launched), { code: null });
    }),
  );

  it('a fault of the recipe is the trainer’s own sentence', () =>
    prepared(async (launch) => {
      const start = await awaitStart(started(await launchTrainer(launch('refuse'))));
      assert.equal(start.kind, 'ended');
      assert.equal(start.isInputFault, true);
      assert.equal(start.message, '`training.stepz` is no key (recipe.json): did you mean steps?');
    }));

  it('a crash is told with its last words', () =>
    prepared(async (launch) => {
      const start = await awaitStart(started(await launchTrainer(launch('crash'))));
      assert.equal(start.kind, 'ended');
      assert.equal(start.isInputFault, false);
      assert.match(start.message, /ended with 1 before its run began: RuntimeError: the model is made of straw/);
      assert.equal(start.lastWords[0], 'loading the model');
    }));

  it('the status of an earlier attempt is no sign of life', () =>
    prepared(async (launch, run) => {
      await writeRun(run, { events: [], rows: [] });
      const launched = started(await launchTrainer({ ...launch('crash'), recipe: null, start: { kind: 'resume' } }));
      assert.equal((await awaitStart(launched)).kind, 'ended');
    }));

  it('a folder that cannot be is told', () =>
    prepared(async (launch, run) => {
      await writeFile(run, '');
      const result = await launchTrainer({ ...launch('obey'), runDirectory: join(run, 'below', 'a file') });
      assert.equal(result.kind, 'failed');
      assert.match(result.message, /cannot be written to/);
    }));

  it('a Python that is not there is told', () =>
    prepared(async (launch) => {
      const result = await launchTrainer({ ...launch('obey'), python: '/there/is/no/python' });
      assert.equal(result.kind, 'failed');
      assert.match(result.message, /cannot be started/);
    }));
});

describe('stopping', () => {
  it('a trainer that listens ends by request', onLinux, () =>
    running('obey', async (run) => {
      const stages: StopProgress[] = [];
      const stopped = await stopTrainer({ ...by(run), checkpointFirst: true, onStage: (stage) => stages.push(stage) });
      assert.equal(stopped.kind, 'ended');
      assert.deepEqual(stopped.end, { kind: 'stopped', message: "stopped by a test, {'checkpoint': True}" });
      assert.deepEqual(stages[0], { stage: 'requested', seconds: 0, nextAfter: 30 });
    }),
  );

  it('one that is deaf ends by force, and what it started with it', onLinux, () =>
    running('deaf', async (run) => {
      const stages: string[] = [];
      const child = Number(await readFile(join(run, 'child'), 'utf8'));
      const patience = { request: 0.3, term: 0.3 };
      const stopped = await stopTrainer({ ...by(run), patience, onStage: ({ stage }) => stages.push(stage) });
      assert.deepEqual(stopped, { kind: 'gone' });
      assert.deepEqual(stages, ['requested', 'asked to end', 'ended by force']);
      await sleep(50);
      assert.equal((await processFact(child)).kind, 'absent');
      assert.deepEqual(await stopTrainer(by(run)), { kind: 'gone' });
    }),
  );

  it('a process that only has the number of the trainer is let live', onLinux, () =>
    running('deaf', async (run, launched) => {
      const status = JSON.parse(await readFile(join(run, 'status.json'), 'utf8')) as Record<string, unknown>;
      await writeFile(join(run, 'status.json'), JSON.stringify({ ...status, pid_started: 1000 }));
      assert.deepEqual(await stopTrainer(by(run)), { kind: 'gone' });
      assert.equal((await processFact(launched.pid)).kind, 'present');
    }),
  );

  it('one on another machine is asked, and nothing is signalled', onLinux, () =>
    running('deaf', async (run, launched) => {
      const status = JSON.parse(await readFile(join(run, 'status.json'), 'utf8')) as Record<string, unknown>;
      await writeFile(join(run, 'status.json'), JSON.stringify({ ...status, host: 'elsewhere' }));
      const stopped = await stopTrainer({ ...by(run), patience: { request: 0.2 } });
      assert.equal(stopped.kind, 'asked');
      assert.match(stopped.reason, /the trainer runs on elsewhere/);
      assert.equal((await processFact(launched.pid)).kind, 'present');
    }),
  );

  it('who no longer waits leaves the request standing', onLinux, () =>
    running('deaf', async (run) => {
      assert.deepEqual(await stopTrainer({ ...by(run), signal: AbortSignal.timeout(200) }), { kind: 'cancelled' });
    }),
  );

  it('a process that is gone cannot be asked', onLinux, () =>
    running('obey', async (_, launched) => {
      await endTree(launched.pid);
      await endOf(launched);
      assert.deepEqual(askToEnd(launched.pid), { kind: 'absent' });
      assert.deepEqual(await endTree(launched.pid), { kind: 'absent' });
    }),
  );
});

describe('the real trainer', () => {
  it('trains, takes a request to stop, and leaves a run', () =>
    inFolder(async (folder) => {
      const runDirectory = join(folder, 'run');
      const launched = started(
        await launchTrainer({
          python: testInterpreter(),
          trainerFolder: resolve('trainer'),
          recipe: join('trainer', 'demo', 'recipes', 'srft.srft.json'),
          runDirectory,
          overrides: [
            'evaluation=null',
            'final_evaluation=null',
            'probes=null',
            'training.prompts_per_step=2',
            'training.steps=2000',
          ],
          start: { kind: 'new' },
          env: { ...process.env, HF_HUB_OFFLINE: '1' },
        }),
      );
      try {
        const start = await awaitStart(launched);
        assert.equal(start.kind, 'started', JSON.stringify(start));
        const status = await readStatus(runDirectory);
        assert.ok(status.kind === 'read');
        assert.equal((await trainerProcess(status.value)).kind, 'here');
        const stopped = await stopTrainer({ ...by(runDirectory), checkpointFirst: false });
        assert.equal(stopped.kind, 'ended');
        assert.deepEqual(stopped.end, { kind: 'stopped', message: 'stopped by a test' });
        assert.deepEqual(await endOf(launched), { code: 0 });
        const store = await RunStore.open(runDirectory);
        assert.ok(store.kind === 'read');
        assert.equal(store.value.model.controls[0]?.outcome, 'done');
        await store.value.close();
      } finally {
        await endTree(launched.pid);
      }
    }));
});

function by(runDirectory: string): Parameters<typeof stopTrainer>[0] {
  return { runDirectory, by: 'a test', checkpointFirst: false };
}

async function prepared(body: (launch: (how: string) => Launch, run: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const trainerFolder = await writeFakeTrainer(join(folder, 'trainer'));
    const runDirectory = join(folder, 'runs', 'one');
    await mkdir(join(folder, 'runs'));
    const launch = (how: string): Launch => ({
      python: testInterpreter(),
      trainerFolder,
      recipe: 'recipe.json',
      runDirectory,
      overrides: [],
      start: { kind: 'new' },
      env: { ...process.env, HOW: how },
    });
    await body(launch, runDirectory);
  });
}

async function running(how: string, body: (run: string, launched: Launched) => Promise<void>): Promise<void> {
  await prepared(async (launch, run) => {
    const launched = started(await launchTrainer(launch(how)));
    try {
      assert.equal((await awaitStart(launched)).kind, 'started');
      await body(run, launched);
    } finally {
      await endTree(launched.pid);
    }
  });
}

/** Nothing keeps a process alive for a trainer it launched, so a test that only waits for one must. */
async function endOf(launched: Launched): Promise<{ readonly code: number | null }> {
  const keepAlive = setInterval(() => undefined, 1000);
  const end = await launched.ended;
  clearInterval(keepAlive);
  return end;
}

function started(result: Awaited<ReturnType<typeof launchTrainer>>): Launched {
  assert.ok(result.kind === 'launched', JSON.stringify(result));
  return result;
}
