import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { seriousFindings } from '../support/panelLooks';
import { withWindow } from '../support/window';

const { reports } = equipment();

/** The lines of the editor that are drawn; it writes spaces as ones that do not break. */
async function textInFront(page: Page): Promise<string> {
  const text = await page.locator('.editor-instance .view-lines').last().innerText();
  return text.replaceAll('\u00A0', ' ');
}

describe('a clean window with the packaged extension', () => {
  it('offers the demo and says what a run needs; the doctor and the issue name no person and no place', async () => {
    await withWindow('around', async ({ page, workspace, complaints }) => {
      await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
      const welcome = page.locator('.sidebar .welcome-view-content');
      await welcome.getByRole('button', { name: 'Train the Demo' }).waitFor();
      await welcome.getByRole('button', { name: 'Open Run…' }).waitFor();
      // The welcome is there before the extension is; its output is not.
      await command(page, 'SRFT: Show Output');
      const channel = page.locator('.part.panel select[aria-label="Switch Output"]').first();
      await eventually('the output of SRFT Studio', async () => (await channel.inputValue()) === 'SRFT Studio');
      await command(page, 'View: Hide Panel');

      await command(page, 'SRFT: Show Run');
      const panel = webviewFrame(page);
      await panel.getByRole('button', { name: 'Train the Demo' }).waitFor();
      await panel.getByText('No recipe in this workspace yet').waitFor();
      await screenshot(page, join(reports, 'ui', 'empty.png'));
      assert.deepEqual(await seriousFindings(page), []);

      await command(page, 'SRFT: Doctor');
      await page.locator('.view-line', { hasText: 'SRFT Doctor' }).waitFor({ timeout: 60_000 });
      await screenshot(page, join(reports, 'ui', 'doctor.png'));
      const doctor = await textInFront(page);
      assert.match(doctor, /Python/);
      assert.ok(!doctor.includes(homedir()), 'no home');

      await command(page, 'SRFT: Report Issue…');
      await page.locator('.view-line', { hasText: 'What happened' }).waitFor();
      const issue = await textInFront(page);
      assert.match(issue, /SRFT Studio/);
      for (const secret of [homedir(), `${userInfo().username}@`]) assert.ok(!issue.includes(secret));
      assert.deepEqual(readdirSync(workspace), [], 'looking leaves nothing behind');
      assert.deepEqual(complaints(), []);
    });
  });
});
