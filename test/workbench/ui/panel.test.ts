import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { withWindow } from '../support/window';

describe('a workspace with a recorded run', () => {
  it('shows the run in the tree, and its curves in a panel', async () => {
    const recorded = join(equipment().root, 'test/fixtures/runs/rich');
    const fill = (workspace: string): void => {
      cpSync(recorded, join(workspace, 'runs/rich'), { recursive: true });
    };
    await withWindow(
      'panel',
      async ({ page, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        await page.locator('.sidebar .monaco-list-row', { hasText: 'rich' }).first().dblclick();
        await webviewFrame(page).locator('canvas').first().waitFor();
        assert.deepEqual(complaints(), []);
      },
      { fill },
    );
  });
});
