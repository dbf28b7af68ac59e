import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { command } from '../browser.mjs';
import { eventually } from '../support/eventually';
import { scripts, writeOddRun } from '../support/oddRun';
import { keepPicture } from '../support/panelLooks';
import { shownText } from '../support/shownText';
import { withWindow } from '../support/window';

/** What the editor shows of a record, or says in its place. */
const cases: readonly (readonly [id: string, shown: RegExp])[] = [
  ['whole', /whole/],
  ['damaged', /^There is no trace to show: the checksum does not match\. Its first words: /],
  ['torn', /^There is no trace to show: the segment ends within the record at \d+\./],
  ['gone', /^There is no trace to show: the segment 000003\.seg is gone\./],
  ['other', /of a later release/],
  ['markup', /<img src=x onerror=[^]*command:workbench/],
  ['scripts', /שלום/],
  ['long', /w1 w2 w3/],
  ['one-line', /L{60}/],
];

async function openRollout(page: Page, runId: string, id: string): Promise<void> {
  await command(page, 'SRFT: Open Trace');
  const input = page.locator('.quick-input-widget:visible input[type=text]');
  await input.fill(`vscode://srft-studio.srft-studio/trace?run=${runId}&rollout=${id}`);
  await page.keyboard.press('Enter');
  await page.locator('.tab.active', { hasText: id }).waitFor();
}

describe('traces of a run that has gone through much', () => {
  it('open calmly for what they are, and the rest stays readable', async () => {
    let directory = '';
    await withWindow(
      'odd-traces',
      async ({ page, complaints }) => {
        const { run_id: runId } = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as { run_id: string };
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        await page.locator('.sidebar .monaco-list-row', { hasText: 'odd' }).first().waitFor();
        for (const [id, shown] of cases) {
          await openRollout(page, runId, id);
          await eventually(`the text of ${id}`, async () => shown.test(await shownText(page)));
          await keepPicture(page, `odd-${id}`, false);
        }

        // What is written cannot lead anywhere, and characters that turn round or stack are all there.
        await openRollout(page, runId, 'markup');
        await page.locator('.editor-group-container.active .view-line').first().click();
        for (const key of ['Control+Home', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
        await page.keyboard.press('Control+k');
        await page.keyboard.press('Control+i');
        const hover = page.locator('.monaco-hover:visible').first();
        await hover.getByText('position 1 of').waitFor();
        const leads = await hover
          .locator('a[href], a[data-href], img, script')
          .evaluateAll((found) => found.map(({ outerHTML }) => outerHTML.slice(0, 300)));
        assert.deepEqual(leads, []);
        await page.keyboard.press('Escape');
        await openRollout(page, runId, 'scripts');
        for (const word of scripts.split(' '))
          await eventually(`the word ${word}`, async () => (await shownText(page)).includes(word));

        // A file that goes away under an open document takes nothing from it.
        rmSync(join(directory, 'rollouts', '000001.seg'));
        await openRollout(page, runId, 'whole');
        await eventually('the text of a file that was open', async () => /whole/.test(await shownText(page)));
        assert.deepEqual(complaints(), []);
      },
      {
        fill: async (workspace) => {
          directory = await writeOddRun(workspace);
        },
      },
    );
  });
});
