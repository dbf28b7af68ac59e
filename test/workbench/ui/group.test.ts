import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { command, webviewFrame } from '../browser.mjs';
import { chooseTheme, keepPicture, seriousFindings } from '../support/panelLooks';
import { eventually } from '../support/eventually';
import { copyRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

/** A theme as it is chosen, its class in a webview, and the name of its picture. */
const themes = [
  ['Dark Modern', 'vscode-dark', 'group-dark'],
  ['Light Modern', 'vscode-light', 'group-light'],
  ['Dark High Contrast', 'vscode-high-contrast', 'group-high-contrast'],
] as const;

function fill(workspace: string): void {
  copyRun(workspace, 'trained', 'trained');
}

/** The panel of the run that is there. */
async function openRun(page: Page): Promise<FrameLocator> {
  await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
  await page.locator('.sidebar .monaco-list-row').first().dblclick();
  const frame = webviewFrame(page);
  await frame.locator('.rollouts .item.row').first().waitFor();
  return frame;
}

/** The group of the first listed rollout of step 2, alone in the window. */
async function openGroup(page: Page): Promise<FrameLocator> {
  const panel = await openRun(page);
  await panel.locator('.rollouts .item.row', { hasText: '<think>' }).first().click();
  await panel.locator('.preview-body').waitFor();
  await panel.locator('.preview').getByRole('button', { name: 'Group' }).click();
  await page.locator('.tab.active', { hasText: 'group' }).waitFor();
  await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
  const group = webviewFrame(page);
  await group.locator('.group-tree .cell').first().waitFor();
  return group;
}

/** What the sample that would be opened wrote at the chosen fork. */
async function wordsOfReader(group: FrameLocator): Promise<string> {
  const offer = await group.getByRole('button', { name: /^Open .* at token \d+$/ }).innerText();
  const number = /Rollout (\d+)/.exec(offer)?.[1] ?? '';
  const ways = await group.locator('.ways tbody tr').allInnerTexts();
  const own = ways
    .map((way) => way.split('\t'))
    .find((way) => new RegExp(`\\b${number}\\b.* ✓`).test(way.at(-1) ?? ''));
  return (own?.[0] ?? '').trim().slice(1, -1);
}

/** The text that is selected in the editor in front, within one line. */
async function selectedText(page: Page): Promise<string> {
  const status = await page.locator('.statusbar-item', { hasText: /selected/ }).innerText();
  const [line = 0, column = 0, count = 0] = (status.match(/\d+/g) ?? []).map(Number);
  const lines = await page
    .locator('.editor-group-container.active .view-line')
    .evaluateAll((elements) =>
      elements.map((element) => ({ top: Number.parseFloat(element.style.top), text: element.textContent })),
    );
  const { text = '' } = lines.sort((a, b) => a.top - b.top)[line - 1] ?? {};
  return text.slice(column - 1 - count, column - 1);
}

describe('the group of a rollout', () => {
  it('is shown from its trace, is walked with arrows, and leads to the token of a fork', async () => {
    await withWindow(
      'group',
      async ({ page, complaints }) => {
        const panel = await openRun(page);
        await panel.locator('.rollouts .item.row', { hasText: '<think>' }).first().dblclick();
        await page.locator('.tab.active', { hasText: /rollout \d/ }).waitFor();
        await page.locator('.codelens-decoration', { hasText: 'Group' }).waitFor();
        await page.locator('.editor-group-container.active .view-line').first().click();
        await page.keyboard.press('Alt+g');
        await page.locator('.tab.active', { hasText: 'group' }).waitFor();
        const group = webviewFrame(page);
        const tree = group.getByRole('tree');
        await tree.waitFor();
        const cells = await group.locator('.cell').count();
        assert.ok(cells >= 6, `${cells} cells`);
        assert.equal(await group.locator('.samples tbody tr').count(), 6);

        await tree.focus();
        await page.keyboard.press('Home');
        const walked: (string | null)[] = [];
        const chosen = group.locator('.cell.chosen');
        for (const key of ['ArrowRight', 'ArrowDown', 'ArrowUp', 'ArrowLeft', 'n']) {
          await page.keyboard.press(key);
          walked.push(await chosen.getAttribute('id'));
        }
        assert.equal(walked[3], 'branch-0');
        assert.equal(new Set(walked).size >= 3, true, walked.join());
        await group.getByRole('heading', { name: /part.* at token \d+/ }).waitFor();
        const words = await wordsOfReader(group);
        assert.notEqual(words, '');
        await page.keyboard.press('Enter');
        await page.locator('.tab.active', { hasText: /rollout \d/ }).waitFor();
        await page.locator('.codelens-decoration').first().waitFor();
        assert.equal(await selectedText(page), words);

        // Beside its trace the group follows: another answer in the editor is the one chosen there.
        await command(page, 'View: Move Editor into Right Group');
        const read = group.locator('.samples tr.chosen');
        const before = await read.innerText();
        await page.locator('.editor-group-container.active .view-line').first().click();
        await page.keyboard.press('Alt+ArrowUp');
        await eventually('another sample', async () => (await read.innerText()) !== before);
        const label = /rollout (\d+)/.exec(await page.locator('.tab.active', { hasText: 'rollout' }).innerText())?.[1];
        assert.match(await read.innerText(), new RegExp(`Rollout ${label}\\b`));
        await command(page, 'View: Close All Editors in Group');
        await tree.press('o');
        await group.locator('.filter.chosen', { hasText: 'Only where' }).waitFor();
        await tree.press('o');
        await group.locator('.filter.chosen', { hasText: 'All forks' }).waitFor();
        await group.getByText(/fork \d+ of \d+/).waitFor();

        // The view comes back after a reload as it was left.
        await page.locator('.tab.active', { hasText: 'group' }).waitFor();
        await webviewFrame(page).getByRole('button', { name: 'Only where right and wrong part' }).click();
        await webviewFrame(page).locator('.filter.chosen', { hasText: 'Only where' }).waitFor();
        // Unlike the page's own reload this one waits until the editors of the window are kept.
        await Promise.all([page.waitForEvent('load'), command(page, 'Developer: Reload Window')]);
        await page.locator('.tab.active', { hasText: 'group' }).waitFor();
        await webviewFrame(page).locator('.filter.chosen', { hasText: 'Only where right and wrong part' }).waitFor();
        assert.deepEqual(complaints(), []);
      },
      { fill },
    );
  });

  it('has nothing that axe calls serious, in three themes and a narrow window', async () => {
    await withWindow(
      'group-looks',
      async ({ page, complaints }) => {
        const group = await openGroup(page);
        for (const [theme, className, picture] of themes) {
          await chooseTheme(page, theme, className);
          await page.mouse.move(0, 0);
          await keepPicture(page, picture, false);
          const findings = await seriousFindings(page);
          await page.setViewportSize({ width: 720, height: 900 });
          await page.waitForTimeout(500);
          await keepPicture(page, `${picture}-narrow`, false);
          const isWide = await group
            .locator('body')
            .evaluate(({ ownerDocument }) => (ownerDocument.scrollingElement?.scrollWidth ?? 0) > innerWidth);
          assert.deepEqual([...findings, ...(await seriousFindings(page)), isWide], [false], theme);
          await page.setViewportSize({ width: 1400, height: 900 });
        }
        assert.deepEqual(complaints(), []);
      },
      { fill },
    );
  });
});
