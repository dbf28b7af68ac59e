import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { command, webviewFrame } from '../browser.mjs';
import { notification } from '../support/notifications';
import { seriousFindings } from '../support/panelLooks';
import { processesWithin } from '../support/processes';
import { copyRun, copyUnfinishedRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

async function openRun(page: Page, name: string): Promise<FrameLocator> {
  await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
  await page.locator('.sidebar .monaco-list-row', { hasText: name }).first().dblclick();
  return webviewFrame(page);
}

/** Commands of the palette that begin with a text. */
async function offered(page: Page, text: string): Promise<string[]> {
  await page.keyboard.press('F1');
  await page.locator('.quick-input-widget:visible input[type=text]').fill(`>${text}`);
  await page.locator('.quick-input-widget .monaco-list-row').first().waitFor();
  const labels = await page.locator('.quick-input-widget .monaco-list-row .label-name').allInnerTexts();
  await page.keyboard.press('Escape');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  return labels.filter((label) => label.startsWith('SRFT'));
}

describe('a run that this window did not start', () => {
  it('of another host, whose heartbeat stands still, is silent, and never finished', async () => {
    await withWindow(
      'elsewhere',
      async ({ page, complaints }) => {
        const panel = await openRun(page, 'elsewhere');
        await panel.getByText('Runs elsewhere').first().waitFor();
        await panel.getByText('No sign of life').first().waitFor({ timeout: 30_000 });
        assert.deepEqual(await seriousFindings(page), []);
        assert.equal(await panel.getByText('Finished').count(), 0);
        assert.equal(await panel.getByRole('button', { name: 'Resume' }).count(), 0);
        assert.match(await page.locator('.sidebar .monaco-list-row').first().innerText(), /step 6/);
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          copyUnfinishedRun(workspace, 'elsewhere', { host: `not-${hostname()}`, pid: process.pid });
        },
      },
    );
  });

  it('can be read in Restricted Mode, where nothing can be started and no Python runs', async () => {
    await withWindow(
      'restricted',
      async ({ page, serverFolder, complaints }) => {
        await page.getByText('Restricted Mode').first().waitFor();
        const panel = await openRun(page, 'stopped');
        await panel.locator('canvas').first().waitFor();
        await panel.getByText('Mean reward').first().waitFor();
        await panel.getByText('Restricted Mode').first().waitFor();
        assert.deepEqual(await seriousFindings(page), []);
        assert.equal(await panel.getByRole('button', { name: 'Resume' }).count(), 0);
        assert.ok((await offered(page, 'SRFT: Show Run')).includes('SRFT: Show Run'));
        for (const label of ['SRFT: Train the Demo', 'SRFT: Resume…', 'SRFT: Check Recipe…', 'SRFT: Delete Run…'])
          assert.ok(!(await offered(page, label)).includes(label), `${label} is not offered`);
        // A link of the walkthrough does not ask whether its command is offered.
        await command(page, 'Welcome: Open Walkthrough...');
        await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Train a reasoning model' }).click();
        await page.locator('.gettingStartedContainer').getByRole('button', { name: 'Set Up', exact: true }).click();
        await notification(page, 'Set Up Trainer Environment needs trust');
        const started = processesWithin(serverFolder).filter(({ words }) => /python|uv$/.test(words[0] ?? ''));
        assert.deepEqual(started, []);
        assert.deepEqual(complaints(), []);
      },
      {
        trust: 'asked',
        fill: (workspace) => {
          copyUnfinishedRun(workspace, 'stopped', {
            host: hostname(),
            boot_id: null,
            pid_namespace: null,
            pid: 4_194_000,
          });
          copyRun(workspace, 'finished');
        },
      },
    );
  });
});
