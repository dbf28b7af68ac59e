import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { command, webviewFrame } from '../browser.mjs';
import { copyRunWithCheckpoints } from '../support/checkpointRun';
import { eventually } from '../support/eventually';
import { chooseTheme, keepPicture, seriousFindings } from '../support/panelLooks';
import { selectedText } from '../support/selectedText';
import { withWindow } from '../support/window';

/** A theme, its class in a webview, and the name of its picture; the window begins in the first. */
const themes = [
  ['Dark Modern', 'vscode-dark', 'checkpoints-dark'],
  ['Light Modern', 'vscode-light', 'checkpoints-light'],
  ['Dark High Contrast', 'vscode-high-contrast', 'checkpoints-high-contrast'],
] as const;

const tabName = 'compared · checkpoints';

/** Opens the panel of the run, and from its list the first rollout. */
async function openTrace(page: Page): Promise<void> {
  await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
  await page.locator('.sidebar .monaco-list-row', { hasText: 'compared' }).first().dblclick();
  await webviewFrame(page).locator('.rollouts .item.row').first().dblclick();
  await page.locator('.tab.active', { hasText: /rollout \d/ }).waitFor();
  await page.locator('.codelens-decoration').first().waitFor();
}

async function tokensOf(view: FrameLocator): Promise<number> {
  return Number(await view.locator('[data-figure=histogram] [data-tokens]').getAttribute('data-tokens'));
}

async function saveAs(page: Page, name: string): Promise<void> {
  const box = page.locator('.quick-input-widget:visible');
  const input = box.locator('input[type=text]');
  await eventually(`${name} in the box`, async () => (await input.inputValue()).endsWith(name));
  await box.getByRole('button', { name: 'OK' }).click();
}

async function showPart(view: FrameLocator, selector: string): Promise<void> {
  await view.locator('.checkpoints').evaluate((element, name) => {
    const part = element.querySelector(name) as { readonly offsetTop: number } | null;
    element.scrollTo(0, (part?.offsetTop ?? 0) - 8);
  }, selector);
}

describe('checkpoints of a run beside each other', () => {
  it('two on a group, the tokens that changed, the path of all, and the strip of a run without probes', async () => {
    await withWindow(
      'checkpoints',
      async ({ page, workspace, complaints }) => {
        await openTrace(page);
        await command(page, 'SRFT: Compare Checkpoints…');
        await page.locator('.tab.active', { hasText: tabName }).waitFor();
        const view = webviewFrame(page);

        // What is usual is chosen: the base, the best checkpoint, and the group of the trace in front.
        assert.equal(await view.getByLabel('Before', { exact: true }).inputValue(), 'base');
        assert.equal(await view.getByLabel('After', { exact: true }).inputValue(), 'step 3');
        assert.equal(await view.getByLabel('On', { exact: true }).inputValue(), 'group');
        await view.getByRole('button', { name: 'Compare', exact: true }).click();
        await view.locator('.comparison .work-state[data-state=done]').waitFor();

        // Tokens are tinted, and the bins hold each of them once.
        assert.ok((await view.locator('.difference-text .token:is([class*=up], [class*=down])').count()) > 0);
        const tokens = await tokensOf(view);
        assert.ok(tokens > 50, `${tokens} tokens`);
        await view.getByText('Numbers of the histogram').click();
        const bins = await view.locator('[data-bin]').allInnerTexts();
        assert.equal(bins.length, 41);
        assert.equal(
          bins.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0),
          tokens,
        );

        // Keys go from change to change, and what else was likely is told under both.
        await view.locator('.difference-text').focus();
        await page.keyboard.press('ArrowDown');
        await view.locator('.token-detail [role=status]', { hasText: /p \d.*→.*rank \d+ → \d+/ }).waitFor();
        await eventually('alternatives of both', async () => (await view.locator('.alternatives tr').count()) === 10);

        // The list leads to the trace, at its token.
        const row = view.locator('.moved-list[data-side=down] .moved-token').first();
        const word = await row.locator('b').innerText();
        await row.click();
        await page.locator('.tab.active', { hasText: /rollout \d|demonstration/i }).waitFor();
        await page.locator('.codelens-decoration').first().waitFor();
        assert.equal((await selectedText(page)).trim(), word.replaceAll('⏎', '').trim());
        await page.locator('.tab', { hasText: tabName }).click();
        await view.locator('.comparison .work-state[data-state=done]').waitFor();
        assert.equal(await tokensOf(view), tokens, 'a view that was hidden is told all again');

        await view.getByRole('button', { name: 'Export CSV…' }).click();
        await saveAs(page, 'compared-tokens.csv');
        const file = join(workspace, 'runs', 'compared-tokens.csv');
        await eventually('the table', () => existsSync(file) && readFileSync(file).length > 0);
        const lines = readFileSync(file, 'utf8').trimEnd().split('\r\n');
        assert.equal(lines.length, tokens + 1, 'a line for each token');

        // The path of all four, and the strip.
        await view.getByRole('button', { name: 'Measure Path' }).click();
        await view.locator('.path .work-state[data-state=done]').waitFor({ timeout: 120_000 });
        assert.deepEqual(await view.locator('.path tbody th').allInnerTexts(), ['base', 'step 1', 'step 2', 'step 3']);
        assert.equal(await view.locator('.path-point').count(), 4);
        for (const text of await view.locator('.path tbody td').allInnerTexts()) assert.match(text, /^\d+\.\d+$/);
        await view.getByRole('button', { name: 'Score Probes' }).click();
        await view.locator('.strip .work-state[data-state=done]').waitFor({ timeout: 60_000 });
        await view.locator('.strip .note', { hasText: 'This run has no probes' }).waitFor();
        assert.equal(await view.locator('.strip-grid tbody tr').count(), 4);
        await view.locator('.strip-grid').focus();
        await page.keyboard.press('End');
        await page.keyboard.press('ArrowDown');
        await view.locator('.strip-words', { hasText: /under step 1: p \d/ }).waitFor();

        for (const [theme, className, picture] of themes) {
          if (theme !== 'Dark Modern') await chooseTheme(page, theme, className);
          await page.mouse.move(0, 0);
          for (const [place, part] of ['.comparison', '.path', '.strip'].entries()) {
            await showPart(view, part);
            await page.waitForTimeout(300);
            await keepPicture(page, `${picture}-${place + 1}`, false);
          }
          assert.deepEqual(await seriousFindings(page), [], theme);
        }
        await page.setViewportSize({ width: 640, height: 900 });
        await page.waitForTimeout(500);
        await showPart(view, '.comparison');
        await keepPicture(page, 'checkpoints-narrow', false);
        const isWide = await view
          .locator('body')
          .evaluate(({ ownerDocument }) => (ownerDocument.scrollingElement?.scrollWidth ?? 0) > innerWidth);
        assert.equal(isWide, false);
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (folder) => {
          copyRunWithCheckpoints(folder, 'compared');
        },
      },
    );
  });
});
