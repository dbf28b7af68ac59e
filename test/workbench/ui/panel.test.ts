import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { webviewFrame } from '../browser.mjs';
import { copyRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

describe('a workspace with a recorded run', () => {
  it('shows the run in the tree and its curves in a panel, which offers to fork from a checkpoint', async () => {
    await withWindow(
      'panel',
      async ({ page, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        await page.locator('.sidebar .monaco-list-row', { hasText: 'rich' }).first().dblclick();
        const panel = webviewFrame(page);
        await panel.locator('canvas').first().waitFor();

        const fork = panel.getByRole('button', { name: 'Fork From Step 6', exact: true });
        assert.equal(await fork.count(), 0);
        const charts = panel.getByRole('group', { name: /^Charts\..* C brushes the next checkpoint/ });
        await charts.press('c');
        await panel.getByRole('button', { name: 'step 6', exact: true }).waitFor();
        await panel.getByText('Step 6 has a checkpoint').waitFor({ state: 'attached' });
        await charts.press('Escape');
        await fork.waitFor({ state: 'detached' });
        assert.equal(await panel.locator('.lane button').count(), 1, 'the deleted checkpoint cannot be chosen');
        await panel.locator('.lane button').click();
        await fork.click();
        await page.locator('.quick-input-title', { hasText: 'Fork rich from step 6' }).waitFor();
        await page.keyboard.press('Escape');
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          // The recipe is not read before the last question is answered.
          copyRun(workspace, 'rich');
          writeFileSync(join(workspace, 'runs', 'rich.srft.json'), '{}');
        },
      },
    );
  });
});
