import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { seriousFindings } from '../support/panelLooks';
import { withWindow } from '../support/window';

/** An environment is made and a model is trained meanwhile. */
const startLimitMs = 300_000;
const endLimitMs = 600_000;

describe('the main job', () => {
  it('trains the demo from the palette to its end, with no help', async () => {
    const { reports } = equipment();
    await withWindow('demo', async ({ page, complaints }) => {
      const picture = (name: string): Promise<void> => screenshot(page, join(reports, 'ui', `demo-${name}.png`));
      await command(page, 'SRFT: Train the Demo');
      const panel = webviewFrame(page);
      await panel.getByText('starting the trainer').waitFor({ timeout: startLimitMs });
      await picture('starting');
      await panel.getByText('step 5 / 60').waitFor({ timeout: startLimitMs });
      await picture('running');
      assert.deepEqual(await seriousFindings(page), []);
      await panel.getByText('Finished').first().waitFor({ timeout: endLimitMs });
      await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
      const row = page.locator('.sidebar .monaco-list-row', { hasText: 'demo-' }).first();
      await eventually('the run in the tree', async () => /finished · step 60 \/ 60/.test(await row.innerText()));
      await picture('finished');
      const accuracy = /held-out ([\d.]+) %/.exec(await row.innerText())?.[1];
      assert.ok(Number(accuracy) >= 80, `the demo learned: ${accuracy ?? 'no figure'} %`);
      assert.deepEqual(complaints(), []);
    });
  });
});
