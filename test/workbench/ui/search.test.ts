import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { step, writeRun } from '../../unit/support/writtenRun';
import { command, screenshot } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { copyRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

const { reports } = equipment();

/** A run on which an expression of many ways takes some milliseconds a rollout. */
async function writeSlowRun(workspace: string): Promise<void> {
  const rows = Array.from({ length: 3000 }, (_, index) => ({
    id: `a1-s1-g0-${index}`,
    kind: 'rollout',
    text: 'x'.repeat(40),
    correct: true,
  }));
  const events = [{ kind: 'started', attempt: 1, steps: 10 }, step(1)];
  await writeRun(join(workspace, 'runs', 'slow'), { events, rows });
}

async function type(page: Page, text: string): Promise<void> {
  await page.locator('.quick-input-widget:visible input[type=text]').fill(text);
}

describe('a search over rollouts', () => {
  it('shows what it found, says what is wrong with a query, and can be cancelled', async () => {
    await withWindow(
      'search',
      async ({ page, workspace, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        const sidebar = page.locator('.sidebar');
        const rows = sidebar.locator('.monaco-list-row');
        await rows.filter({ hasText: 'recorded' }).waitFor();

        await command(page, 'SRFT: Search Rollouts…');
        const message = page.locator('.quick-input-widget:visible .quick-input-message');
        await type(page, 'answer "so');
        await message.filter({ hasText: 'The quotes are not closed.' }).waitFor();
        await page.keyboard.press('Enter');
        await type(page, 'answer rewrad<1');
        await message.filter({ hasText: 'There is no figure “rewrad”' }).waitFor();
        await type(page, 'ANSWER reward<1');
        await type(page, 'answer reward<1 kind:evaluation');
        await message.filter({ hasText: 'a minus leaves out' }).waitFor();
        await page.keyboard.press('Enter');
        await sidebar.getByText(/^\d+ rollouts, \d+ matches, in recorded\./).waitFor();
        await rows.filter({ hasText: 'Step 0' }).waitFor();
        const hit = rows.filter({ hasText: 'answer 0</s>' }).first();
        assert.equal(await hit.locator('.highlight').first().textContent(), 'answer');
        assert.match((await hit.textContent()) ?? '', /reward 0/);
        await screenshot(page, join(reports, 'ui', 'search.png'));

        await command(page, 'SRFT: What Became More Frequent…');
        await page.locator('.quick-input-widget:visible').getByText('The last fifth against the first').waitFor();
        await page.keyboard.press('Enter');
        await sidebar.getByText(/recorded, \d+ against \d+ rollouts\./).waitFor();
        await screenshot(page, join(reports, 'ui', 'what-changed.png'));

        await writeSlowRun(workspace);
        await rows.filter({ hasText: 'slow' }).waitFor();
        await command(page, 'SRFT: Search Rollouts…');
        await page.locator('.quick-input-widget:visible').getByText('slow', { exact: true }).first().click();
        await page.locator('.quick-input-widget:visible').getByText('Search the rollouts of slow').waitFor();
        await type(page, '/x*x*x*x*y/');
        await page.keyboard.press('Enter');
        await sidebar.getByText(/^Searching … \d+ %/).waitFor();
        await command(page, 'SRFT: Cancel Search');
        await sidebar.getByText(/^Cancelled at \d+ %: 0 rollouts, in slow\./).waitFor();
        await command(page, 'SRFT: Clear Search Results');
        await sidebar.getByText('Cancelled at').waitFor({ state: 'detached' });
        assert.deepEqual(complaints(), []);
      },
      { fill: (workspace) => copyRun(workspace, 'recorded') },
    );
  });
});
