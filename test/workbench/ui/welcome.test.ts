import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { command } from '../browser.mjs';
import { eventually } from '../support/eventually';
import { withWindow } from '../support/window';

describe('a clean workbench with the packaged extension', () => {
  it('has SRFT Studio in the activity bar, whose welcome offers the demo', async () => {
    await withWindow('welcome', async ({ page, complaints }) => {
      await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
      const welcome = page.locator('.sidebar .welcome-view-content');
      await welcome.getByRole('button', { name: 'Train the Demo' }).waitFor();
      await welcome.getByRole('button', { name: 'Open Run…' }).waitFor();
      // The welcome is there before the extension is; its output is not.
      await command(page, 'SRFT: Show Output');
      const channel = page.locator('.part.panel select[aria-label="Switch Output"]').first();
      await eventually('the output of SRFT Studio', async () => (await channel.inputValue()) === 'SRFT Studio');
      assert.deepEqual(complaints(), []);
    });
  });
});
