import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { command, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
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
    train(workspace, 'sums-srft-01', ['seed=1']);
    train(workspace, 'sums-srft-02', ['seed=1', 'optimiser.learning_rate=0.0003']);
  } else {
    copyRun(workspace, 'sums-srft-01');
    copyRun(workspace, 'sums-srft-02');
  }
}

function train(workspace: string, name: string, overrides: readonly string[]): void {
  const kept = join(tmpdir(), `srft-pictures-${name}`);
  rmSync(kept, { recursive: true, force: true });
  const recipe = writeQuickRecipe(workspace, 60);
  const sets = ['method.rollouts=7', 'training.prompts_per_step=8', ...overrides].flatMap((set) => ['--set', set]);
  const PYTHONPATH = [join(root, 'trainer'), process.env['PYTHONPATH']].filter(Boolean).join(delimiter);
  const args = ['-m', 'srft.cli', 'train', recipe, '--run-dir', kept, ...sets];
  const { status, stderr } = spawnSync(projectPython, args, { env: { ...process.env, PYTHONPATH }, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  cpSync(kept, join(workspace, 'runs', name), { recursive: true });
  rmSync(kept, { recursive: true });
}

/** The run's panel, alone in the window. */
async function open(page: Page, name: string): Promise<FrameLocator> {
  const view = page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]');
  await view.click();
  await page.locator('.sidebar .monaco-list-row', { hasText: name }).first().click();
  await page.locator('.tab.active', { hasText: name }).waitFor();
  await view.click();
  await page.locator('.sidebar .monaco-list-row').first().waitFor({ state: 'hidden' });
  return webviewFrame(page);
}

async function choose(page: Page, theme: string): Promise<void> {
  await page.locator('.tab.active').click();
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Control+t');
  const input = page.locator('.quick-input-widget:visible input[type=text]');
  await input.fill(theme);
  await page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: theme }).waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
}

describe('the panel', () => {
  it('has nothing that axe calls serious, in every state, theme and width', async () => {
    await withWindow(
      'looks',
      async ({ page, complaints }) => {
        const findings: string[] = [];
        const examine = async (what: string): Promise<void> => {
          for (const finding of await seriousFindings(page)) findings.push(`${what}: ${finding}`);
          const overflow = await webviewFrame(page)
            .locator('body')
            .evaluate(({ ownerDocument }) => (ownerDocument.scrollingElement?.scrollWidth ?? 0) - innerWidth);
          assert.ok(overflow <= 0, `${what}: ${overflow} px too wide`);
        };
        const starting = await open(page, 'starting-run');
        await starting.getByText('reading the model').first().waitFor();
        await examine('starting');
        await keepPicture(page, 'starting', false);

        const failed = await open(page, 'failed-run');
        await failed.getByText('cuda out of memory').first().waitFor();
        await failed.locator('canvas').first().waitFor();
        await examine('failed');
        await keepPicture(page, 'failed');

        const finished = await open(page, 'sums-srft-01');
        await finished.locator('.item.row').first().click();
        await finished.locator('.preview-body').waitFor();
        for (const [theme, className, picture] of themes) {
          await choose(page, theme);
          await finished.locator(`body.${className}`).waitFor();
          await page.mouse.move(0, 0);
          await page.waitForTimeout(500);
          await examine(theme);
          await keepPicture(page, picture);
        }

        await page.setViewportSize({ width: 720, height: 900 });
        await page.waitForTimeout(500);
        await examine('narrow');
        await keepPicture(page, 'narrow');
        await page.setViewportSize({ width: 1400, height: 900 });

        await command(page, 'SRFT: Compare Runs…');
        for (const name of ['sums-srft-01', 'sums-srft-02']) {
          const box = page.locator('.quick-input-widget:visible .monaco-list-row', { hasText: name }).locator('input, .monaco-custom-toggle').first();
          if (!(await box.isChecked())) await box.click();
        }
        await page.keyboard.press('Enter');
        await webviewFrame(page).getByText('2 runs compared').waitFor();
        await webviewFrame(page).locator('canvas').first().waitFor();
        await examine('compare');
        await keepPicture(page, 'compare');

        assert.deepEqual(findings, []);
        assert.deepEqual(complaints(), []);
      },
      { fill },
    );
  });
});
