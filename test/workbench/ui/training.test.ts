import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { command, ready, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { seriousFindings } from '../support/panelLooks';
import { processesWithin, trainersOf } from '../support/processes';
import { eventsOf, fillToTrain, isAlive, quickRuns, statusOf, stepsOf } from '../support/quickRun';
import { withWindow } from '../support/window';

const startLimitMs = 60_000;

/** The newest step that a panel shows. */
async function shownStep(panel: FrameLocator): Promise<number> {
  const words = await panel
    .locator('.header-words')
    .innerText({ timeout: 1000 })
    .catch(() => '');
  return Number(/step\s+([\d,]+)/.exec(words)?.[1]?.replaceAll(',', '') ?? NaN);
}

async function openRunIn(page: Page, name: string): Promise<FrameLocator> {
  await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
  // The row of a run that is at work is drawn anew at every step, and a click between two drawings is lost.
  await eventually(
    `the panel of ${name}`,
    async () => {
      await page.locator('.sidebar .monaco-list-row', { hasText: name }).first().click();
      return page
        .locator('.tab.active', { hasText: name })
        .waitFor({ timeout: 3000 })
        .then(
          () => true,
          () => false,
        );
    },
    { withinMs: 30_000 },
  );
  return webviewFrame(page);
}

describe('a training and the windows that look at it', () => {
  it('outlives a reload, a second window, its extension host; a lost trainer is told and resumed', async (t) => {
    const { reports } = equipment();
    const picture = (page: Page, name: string): Promise<void> =>
      screenshot(page, join(reports, 'ui', `training-${name}.png`));
    let directory = '';
    const step = (): number => statusOf(directory)?.step ?? 0;
    const follows = (what: string, panel: FrameLocator): Promise<void> =>
      eventually(what, async () => Math.abs((await shownStep(panel)) - step()) <= 3 && step() > 0, {
        withinMs: 30_000,
      });
    const work = withWindow(
      'training',
      async ({ page, workspace, serverFolder, openAnother }) => {
        await command(page, 'SRFT: Train…');
        await webviewFrame(page).getByText('Running').first().waitFor({ timeout: startLimitMs });
        [directory = ''] = quickRuns(workspace);
        const { pid } = statusOf(directory) ?? assert.fail('no status');
        const [name = ''] = directory.split('/').slice(-1);

        t.diagnostic('the window is reloaded');
        const before = step();
        await page.reload();
        await ready(page);
        await follows('the panel after a reload', webviewFrame(page));
        assert.ok(step() > before);
        await eventually('curves from the first step on', async () => {
          const table = webviewFrame(page).locator('table:has(caption:text-is("Entropy"))');
          const rows = await table.locator('tbody tr').allTextContents();
          const trained = rows.filter((row) => !row.startsWith('0'));
          return (
            trained.length > 5 && trained[0]?.startsWith('1') === true && !trained.some((row) => row.includes('–'))
          );
        });
        assert.equal(trainersOf(directory).length, 1);
        await picture(page, 'reloaded');

        t.diagnostic('it is paused and goes on');
        await webviewFrame(page).getByRole('button', { name: 'Pause' }).click();
        await webviewFrame(page).getByText('Paused').first().waitFor();
        assert.deepEqual(await seriousFindings(page), []);
        await webviewFrame(page).getByRole('button', { name: 'Continue' }).click();
        await webviewFrame(page).getByText('Running').first().waitFor();

        t.diagnostic('the extension host is killed');
        const hosts = processesWithin(serverFolder).filter(({ words }) => words.includes('--type=extensionHost'));
        assert.ok(hosts.length > 0);
        for (const host of hosts) process.kill(host.pid, 'SIGKILL');
        const atDeath = step();
        await eventually('steps without an extension host', () => step() > atDeath + 2);
        assert.ok(isAlive(pid));
        await page.reload();
        await ready(page);
        await follows('the panel after the death of the host', webviewFrame(page));
        assert.equal(statusOf(directory)?.pid, pid);

        t.diagnostic('the trainer is killed');
        process.kill(pid, 'SIGKILL');
        await webviewFrame(page).getByText('Ended without a word').first().waitFor();
        await eventually('no process', () => !isAlive(pid));
        await picture(page, 'gone');
        assert.ok(eventsOf(directory).every(({ kind }) => kind !== 'ended'));
        await webviewFrame(page).getByRole('button', { name: 'Resume' }).click();
        await webviewFrame(page).getByText('Running').first().waitFor({ timeout: startLimitMs });
        await eventually('a second attempt', () => statusOf(directory)?.attempt === 2);

        t.diagnostic('a second window stops it');
        const second = await openAnother();
        const panel = await openRunIn(second, name);
        await follows('the second window', panel);
        await panel.getByRole('button', { name: 'Stop' }).click();
        await second.getByRole('button', { name: 'Checkpoint and Stop' }).click();
        await panel.getByText('Stopped').first().waitFor();
        await webviewFrame(page).getByText('Stopped').first().waitFor();
        assert.equal(eventsOf(directory).at(-1)?.end?.kind, 'stopped');
        await eventually('no trainer', () => trainersOf(directory).length === 0);
        const steps = new Set(stepsOf(directory));
        assert.equal(Math.max(...steps), steps.size, 'no step is missing');
        await picture(second, 'stopped');
      },
      {
        fill: (workspace) => {
          fillToTrain(workspace, 5000);
        },
      },
    );
    try {
      await work;
    } finally {
      for (const { pid } of trainersOf(directory)) process.kill(pid, 'SIGKILL');
    }
  });
});
