import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { keepPicture, keepsPictures, seriousFindings } from '../support/panelLooks';
import { projectPython, writeQuickRecipe } from '../support/quickRun';
import { copyFailedRun, copyRun, copyStartingRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

const { root } = equipment();

/** Theme, its class in a webview, and the name of its picture. */
const themes = [
  ['Light Modern', 'vscode-light', 'dashboard-light'],
  ['Default High Contrast', 'vscode-high-contrast', 'dashboard-high-contrast'],
  ['Dark Modern', 'vscode-dark', 'dashboard-dark'],
] as const;

/** Runs to look at: recorded ones, or for the documentation's pictures two that are trained now. */
function fill(workspace: string): void {
  copyFailedRun(workspace, 'failed-run', 'cuda out of memory: 23.4 of 24 GB are in use; train with a smaller batch');
  copyStartingRun(workspace, 'starting-run');
  if (keepsPictures) {
    for (const name of Object.keys(trained))
      cpSync(join(kept, name), join(workspace, 'runs', name), { recursive: true });
  } else {
    copyRun(workspace, 'sums-srft-01');
    copyRun(workspace, 'sums-srft-02');
  }
}

/** Runs for the documentation's pictures, and how they differ. */
const trained: Readonly<Record<string, readonly string[]>> = {
  'sums-srft-01': [],
  'sums-srft-02': ['optimiser.learning_rate=0.0004'],
};
const kept = join(tmpdir(), `srft-pictures-${process.pid}`);

function train(name: string, overrides: readonly string[]): void {
  mkdirSync(kept, { recursive: true });
  const recipe = writeQuickRecipe(kept, 60);
  const sets = ['method.rollouts=7', 'training.prompts_per_step=8', ...overrides].flatMap((set) => ['--set', set]);
  const PYTHONPATH = [join(root, 'trainer'), process.env['PYTHONPATH']].filter(Boolean).join(delimiter);
  const args = ['-m', 'srft.cli', 'train', recipe, '--run-dir', join(kept, name), ...sets];
  const { status, stderr } = spawnSync(projectPython, args, { env: { ...process.env, PYTHONPATH }, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

before(() => {
  if (keepsPictures) for (const [name, overrides] of Object.entries(trained)) train(name, overrides);
});
after(() => {
  rmSync(kept, { recursive: true, force: true });
});

/** Shows or hides the view of the runs; an icon clicked twice in a row takes that for one click. */
async function showRuns(page: Page, isShown: boolean): Promise<void> {
  const rows = page.locator('.sidebar .monaco-list-row', { hasText: 'sums-srft-01' });
  const state = isShown ? 'visible' : 'hidden';
  await eventually(`the side bar ${state}`, async () => {
    await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
    return rows.waitFor({ state, timeout: isShown ? 15_000 : 3000 }).then(
      () => true,
      () => false,
    );
  });
}

/** The run's panel, alone in the window. */
async function open(page: Page, name: string): Promise<FrameLocator> {
  await showRuns(page, true);
  await page.locator('.sidebar .monaco-list-row', { hasText: name }).first().click();
  await page.locator('.tab.active', { hasText: name }).waitFor();
  await showRuns(page, false);
  return webviewFrame(page);
}

/** What axe finds, and whether the page is wider than the window. */
async function examine(page: Page): Promise<string[]> {
  const overflow = await webviewFrame(page)
    .locator('body')
    .evaluate(({ ownerDocument }) => (ownerDocument.scrollingElement?.scrollWidth ?? 0) - innerWidth);
  return [...(await seriousFindings(page)), ...(overflow > 0 ? [`${overflow} px too wide`] : [])];
}

/** The finished run with a rollout chosen, at rest. */
async function openFinished(page: Page): Promise<void> {
  const finished = await open(page, 'sums-srft-01');
  await finished.locator('.item.row').first().click();
  await finished.locator('.preview-body').waitFor();
  await page.mouse.move(0, 0);
  await page.waitForTimeout(500);
}

describe('the panel has nothing that axe calls serious', () => {
  for (const [theme, className, picture] of themes) {
    it(`in ${theme}`, async () => {
      await withWindow(
        picture,
        async ({ page, complaints }) => {
          await openFinished(page);
          await webviewFrame(page).locator(`body.${className}`).waitFor();
          await keepPicture(page, picture);
          assert.deepEqual(await examine(page), []);
          assert.deepEqual(complaints(), []);
        },
        { fill, theme },
      );
    });
  }

  it('while it starts, when it failed, in a narrow window and comparing', async () => {
    await withWindow(
      'looks',
      async ({ page, complaints }) => {
        const findings: Record<string, string[]> = {};
        const starting = await open(page, 'starting-run');
        await starting.getByText('reading the model').first().waitFor();
        findings['starting'] = await examine(page);
        await keepPicture(page, 'starting', false);

        const failed = await open(page, 'failed-run');
        await failed.getByText('cuda out of memory').first().waitFor();
        await failed.locator('canvas').first().waitFor();
        findings['failed'] = await examine(page);
        await keepPicture(page, 'failed');

        await openFinished(page);
        await page.setViewportSize({ width: 720, height: 900 });
        await page.waitForTimeout(500);
        findings['narrow'] = await examine(page);
        await keepPicture(page, 'narrow');
        await page.setViewportSize({ width: 1400, height: 900 });

        await showRuns(page, true);
        const [first, second] = ['sums-srft-01', 'sums-srft-02'].map((name) =>
          page.locator('.sidebar .monaco-list-row', { hasText: name }).first(),
        );
        await first?.click();
        await second?.click({ modifiers: ['Control'] });
        await second?.click({ button: 'right' });
        const entry = page.locator('.monaco-menu .action-item', { hasText: 'Compare Runs' }).first();
        await entry.hover();
        // A menu just opened takes a click for the one that opened it.
        await page.keyboard.press('Enter');
        await entry.waitFor({ state: 'hidden' });
        await showRuns(page, false);
        await webviewFrame(page).getByText('2 runs compared').waitFor();
        await webviewFrame(page).locator('canvas').first().waitFor();
        await page.waitForTimeout(500);
        findings['compare'] = await examine(page);
        await keepPicture(page, 'compare');

        assert.deepEqual(findings, { starting: [], failed: [], narrow: [], compare: [] });
        assert.deepEqual(complaints(), []);
      },
      { fill },
    );
  });
});
