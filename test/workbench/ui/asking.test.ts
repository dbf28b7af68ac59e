import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';
import type { Locator } from 'playwright-core';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { notification } from '../support/notifications';
import { fillToTrain, quickRuns, statusOf } from '../support/quickRun';
import { withWindow, type Window, type WindowOptions } from '../support/window';

const { root, reports } = equipment();

/** Two GPUs, of which the first is full while `busy` says so. */
const busy = '0, GPU-aa, NVIDIA H100, 81559, 74210, 570.86\\n1, GPU-bb, NVIDIA H100, 81559, 4, 570.86\\n';
const idle = '0, GPU-aa, NVIDIA H100, 81559, 4, 570.86\\n';
const holders = 'GPU-aa, 31245, /usr/bin/python3, 74196\\n';

/** A folder with a program that answers as the driver's does: of a GPU in use as long as the file `busy` is there. */
function fakeDriver(): string {
  const folder = mkdtempSync(join(tmpdir(), 'srft-driver-'));
  const program = join(folder, 'nvidia-smi');
  writeFileSync(join(folder, 'busy'), '');
  const answer = `case "$1" in --query-gpu*) printf '${busy}';; *) printf '${holders}';; esac`;
  const free = `case "$1" in --query-gpu*) printf '${idle}';; esac`;
  writeFileSync(program, `#!/bin/sh\nif [ -e '${join(folder, 'busy')}' ]; then ${answer}; else ${free}; fi\n`);
  chmodSync(program, 0o755);
  return folder;
}

/** A workspace that trains where a GPU would be, were there one, and a window that finds this driver. */
function onDriver(driver: string): WindowOptions {
  return {
    fill: (workspace) => {
      fillToTrain(workspace, 500);
      const recipe = join(workspace, 'quick.srft.json');
      writeFileSync(recipe, readFileSync(recipe, 'utf8').replace('"device": "cpu"', '"device": "auto"'));
    },
    // VSCODE_CLI keeps the window from asking a login shell for another PATH.
    env: { PATH: `${driver}${delimiter}${process.env['PATH'] ?? ''}`, VSCODE_CLI: '1' },
  };
}

/** The run starts on this GPU; then it is ended. */
async function runsOn(uuid: string, { page, workspace }: Window): Promise<void> {
  await webviewFrame(page).getByText('Running').first().waitFor({ timeout: 60_000 });
  const status = statusOf(quickRuns(workspace)[0]) ?? assert.fail('no status');
  const environment = readFileSync(`/proc/${status.pid}/environ`, 'utf8').split('\0');
  assert.ok(environment.includes(`CUDA_VISIBLE_DEVICES=${uuid}`));
  await command(page, 'SRFT: Stop…');
  await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Stop', exact: true }).click();
  await eventually('the end', () => statusOf(quickRuns(workspace)[0])?.state === 'ended', { withinMs: 60_000 });
}

describe('what is asked before something starts', () => {
  it('a GPU in use: who holds it, and another one', async () => {
    const driver = fakeDriver();
    try {
      await withWindow(
        'gpu',
        async (window) => {
          await command(window.page, 'SRFT: Train…');
          const dialog = window.page.locator('.monaco-dialog-box');
          await dialog.getByText('GPU 0 (NVIDIA H100) is in use.').waitFor();
          await dialog.getByText('74210 of 81559 MiB are in use by python3 (process 31245, 74196 MiB).').waitFor();
          await screenshot(window.page, join(reports, 'ui', 'gpu.png'));
          await dialog.getByRole('button', { name: 'Other GPU' }).click();
          await runsOn('GPU-bb', window);
          assert.deepEqual(window.complaints(), []);
        },
        onDriver(driver),
      );
    } finally {
      rmSync(driver, { recursive: true });
    }
  });

  it('a GPU in use: waiting can be cancelled, and ends with the run when the GPU is free', async () => {
    const driver = fakeDriver();
    try {
      await withWindow(
        'gpu-queue',
        async (window) => {
          const { page, workspace } = window;
          const queue = async (): Promise<Locator> => {
            await command(page, 'SRFT: Train…');
            await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Queue' }).click();
            return notification(page, /waiting for GPU 0.*in use by python3 \(process 31245, 74196 MiB\)/s);
          };
          const waiting = await queue();
          await screenshot(page, join(reports, 'ui', 'gpu-queue.png'));
          await waiting.hover();
          await waiting.getByRole('button', { name: 'Cancel' }).click();
          await waiting.waitFor({ state: 'detached' });
          await queue();
          assert.deepEqual(quickRuns(workspace), []);
          rmSync(join(driver, 'busy'));
          await runsOn('GPU-aa', window);
          assert.equal(quickRuns(workspace).length, 1);
          assert.deepEqual(window.complaints(), []);
        },
        onDriver(driver),
      );
    } finally {
      rmSync(driver, { recursive: true });
    }
  });

  it('a run from elsewhere that judges with Python: its file and hash, and nothing starts without consent', async () => {
    const code = 'def score(problem, response):\n    return 1.0\n';
    await withWindow(
      'consent',
      async ({ page, workspace, complaints }) => {
        await command(page, 'SRFT: Fork From Step…');
        await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Step 6' }).click();
        const dialog = page.locator('.monaco-dialog-box');
        await dialog.getByText('This run judges with Python code that this machine has not run yet.').waitFor();
        const hash = createHash('sha256').update(code).digest('hex');
        await dialog.getByText(`SHA-256 ${hash}`).waitFor();
        await screenshot(page, join(reports, 'ui', 'consent.png'));
        await dialog.getByRole('button', { name: 'Cancel' }).click();
        await page.waitForTimeout(1000);
        assert.deepEqual(readdirSync(join(workspace, 'runs')), ['rich']);
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          const run = join(workspace, 'runs', 'rich');
          mkdirSync(join(workspace, 'runs'));
          cpSync(join(root, 'test/fixtures/runs/rich'), run, { recursive: true });
          const manifest = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')) as Record<string, unknown>;
          const reward = { parts: [{ kind: 'python', path: 'reward.py' }] };
          const recipe = { ...(manifest['recipe'] as object), reward };
          // What the run carries names no code: the file that a fork trains from does.
          writeFileSync(join(run, 'run.json'), JSON.stringify({ ...manifest, recipe_file: '../../a.srft.json' }));
          writeFileSync(join(workspace, 'reward.py'), code);
          writeFileSync(join(workspace, 'a.srft.json'), JSON.stringify(recipe));
        },
      },
    );
  });
});
