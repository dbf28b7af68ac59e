import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { withWindow } from '../support/window';

const { root, reports } = equipment();
const rich = join(root, 'test/fixtures/runs/rich');

/** A run of a format that is yet to come. */
function writeFutureRun(directory: string): void {
  cpSync(rich, directory, { recursive: true });
  const manifest = readFileSync(join(directory, 'run.json'), 'utf8');
  writeFileSync(join(directory, 'run.json'), manifest.replace(/"format":\s*"1\.\d+"/, '"format":"2.0"'));
}

describe('the tree of runs', () => {
  it('finds runs that come by themselves, tells those it cannot read, renames and deletes', async () => {
    await withWindow('tree', async ({ page, workspace, complaints }) => {
      await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
      const rows = page.locator('.sidebar .monaco-list-row');
      await page.locator('.welcome-view-content').getByRole('button', { name: 'Train the Demo' }).waitFor();
      const run = join(workspace, 'runs', 'from-a-shell');
      cpSync(rich, run, { recursive: true });
      writeFutureRun(join(workspace, 'runs', 'from-the-future'));
      await rows.filter({ hasText: 'from-a-shell' }).waitFor();
      await rows.filter({ hasText: 'from-the-future' }).filter({ hasText: 'update SRFT Studio to read it' }).waitFor();

      await rows.filter({ hasText: 'from-a-shell' }).click();
      await page.locator('.tab.active', { hasText: 'from-a-shell' }).waitFor();
      // A panel that comes up takes the focus, and with it the palette.
      await webviewFrame(page).locator('.rollouts').first().waitFor();
      await command(page, 'SRFT: Rename Run…');
      const name = page.locator('.quick-input-widget:visible input[type=text]');
      await page.locator('.quick-input-title', { hasText: 'Name of the run on screen' }).waitFor();
      await name.fill('first try');
      await name.press('Enter');
      await rows.filter({ hasText: 'first try' }).waitFor();
      await page.locator('.tab.active', { hasText: 'first try' }).waitFor();
      await screenshot(page, join(reports, 'ui', 'tree.png'));

      await command(page, 'SRFT: Delete Run…');
      const dialog = page.locator('.monaco-dialog-box');
      await dialog.getByText('Delete first try for good?').waitFor();
      await dialog.getByRole('button', { name: 'Delete' }).click();
      await eventually('the folder to go', () => !existsSync(run));
      await rows.filter({ hasText: 'first try' }).waitFor({ state: 'detached' });
      await page.locator('.tab', { hasText: 'first try' }).waitFor({ state: 'detached' });
      assert.ok(existsSync(join(workspace, 'runs', 'from-the-future', 'run.json')));
      assert.deepEqual(complaints(), []);
    });
  });
});
