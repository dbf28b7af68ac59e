import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, webviewFrame } from '../browser.mjs';
import { copyRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

describe('a workspace with a recorded run', () => {
  it('shows the run in the tree and its curves in a panel, which offers to fork from a checkpoint', async () => {
    let directory = '';
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

        // Under another editor it keeps its page, is told nothing, and then knows what came meanwhile.
        await panel.locator('body').evaluate((body) => {
          body.setAttribute('data-kept', '');
        });
        await command(page, 'Preferences: Open User Settings (JSON)');
        await page.locator('.tabs-container .tab', { hasText: 'settings.json' }).waitFor();
        goOn(directory);
        await page.locator('.tabs-container .tab', { hasText: 'rich' }).click({ position: { x: 8, y: 8 } });
        await panel.getByText('step 7').first().waitFor();
        assert.equal(await panel.locator('body[data-kept]').count(), 1);
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          // The recipe is not read before the last question is answered.
          directory = copyRun(workspace, 'rich');
          writeFileSync(join(workspace, 'runs', 'rich.srft.json'), '{}');
        },
      },
    );
  });
});

/** The finished run was resumed, and its next step is done. */
function goOn(directory: string): void {
  const file = join(directory, 'events.jsonl');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const newest = (kind: string): object => events.filter((event) => event['kind'] === kind).at(-1) ?? {};
  const added = [
    { ...newest('resumed'), attempt: 3, from_step: 6 },
    { ...newest('step'), step: 7 },
  ];
  const text = added.map((event, place) => `${JSON.stringify({ ...event, seq: events.length + place })}\n`);
  appendFileSync(file, text.join(''));
}
