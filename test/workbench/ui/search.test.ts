import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { step, writeRun } from '../../unit/support/writtenRun';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { copyRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

const { reports } = equipment();

/** A run on which an expression of many ways takes some milliseconds a rollout. */
async function writeSlowRun(workspace: string): Promise<void> {
  const rows = Array.from({ length: 6000 }, (_, index) => ({
    id: `a1-s1-g0-${index}`,
    kind: 'rollout',
    text: 'x'.repeat(40),
    correct: true,
  }));
  const events = [{ kind: 'started', attempt: 1, steps: 10 }, step(1)];
  await writeRun(join(workspace, 'runs', 'slow'), { events, rows });
}

/** Ten steps; the last two have a habit, and what no page should take for markup. */
async function writeHabits(workspace: string): Promise<void> {
  const rows = Array.from({ length: 400 }, (_, row) => {
    const number = 1 + Math.floor(row / 40);
    const noun = ['apples', 'pears', 'plums', 'figs', 'nuts'][row % 5] ?? '';
    const habit = number > 8 ? 'Wait, no: ' : '';
    return {
      id: `a1-s${number}-g0-${row % 40}`,
      kind: 'rollout',
      text: `${habit}${noun} \u202e<img src=x onerror=alert(1)> are ${row}`,
      correct: row % 4 === 0,
    };
  });
  const steps = Array.from({ length: 10 }, (_, before) => step(before + 1, { index_rows: 40 * (before + 1) }));
  await writeRun(join(workspace, 'runs', 'habits'), {
    events: [{ kind: 'started', attempt: 1, steps: 10 }, ...steps],
    rows,
  });
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

  it('tells what became more frequent in the brushed steps, with examples', async () => {
    await withWindow(
      'what-changed',
      async ({ page, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        const sidebar = page.locator('.sidebar');
        const rows = sidebar.locator('.monaco-list-row');
        await rows.filter({ hasText: 'habits' }).click();
        const panel = webviewFrame(page);
        await panel.locator('.rollouts .item').first().waitFor();
        const charts = panel.locator('.panels');
        await charts.focus();
        await charts.press('End');
        await charts.press('Shift+ArrowLeft');
        await panel.locator('.filter', { hasText: 'All 80' }).waitFor();

        await command(page, 'SRFT: What Became More Frequent…');
        const proposals = page.locator('.quick-input-widget:visible .monaco-list-row');
        await proposals
          .filter({ hasText: 'The brushed steps against those before' })
          .filter({ hasText: 'steps 7-8 → 9-10' })
          .waitFor();
        await proposals
          .filter({ hasText: 'The last fifth against the first' })
          .filter({ hasText: 'steps 1-2 → 9-10' })
          .waitFor();
        await page.keyboard.press('Enter');
        await sidebar.getByText(/habits, 80 against 80 rollouts\./).waitFor();
        const change = rows.filter({ hasText: '0 % → 100 % · right – → 25 %' }).filter({ hasText: 'wait no' }).last();
        await change.click();
        await page.keyboard.press('ArrowRight');
        const example = rows.filter({ hasText: '⟨U+202E⟩<img src=x onerror=alert(1)>' }).first();
        assert.equal(await example.locator('.highlight').first().textContent(), 'Wait, no:');
        assert.equal(await page.locator('img[src="x"]').count(), 0);
        await screenshot(page, join(reports, 'ui', 'what-changed.png'));
        await example.click();
        await page.locator('.tab.active', { hasText: /rollout \d/ }).waitFor();
        await page.locator('.statusbar-item', { hasText: '(9 selected)' }).waitFor();
        assert.equal(await page.locator('img[src="x"]').count(), 0);
        assert.deepEqual(complaints(), []);
      },
      { fill: writeHabits },
    );
  });
});
