import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { chooseFromMenu } from '../support/menu';
import { chooseTheme, keepPicture, keepsPictures, seriousFindings } from '../support/panelLooks';
import { projectPython, writeQuickRecipe } from '../support/quickRun';
import { copyFailedRun, copyRun, copyStartingRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

const { root } = equipment();

/** Theme as it is chosen, its class in a webview, and the name of its picture. The window begins in the first. */
const themes = [
  ['Dark Modern', 'vscode-dark', 'dashboard-dark'],
  ['Light Modern', 'vscode-light', 'dashboard-light'],
  ['Dark High Contrast', 'vscode-high-contrast', 'dashboard-high-contrast'],
  ['Light High Contrast', 'vscode-high-contrast-light', 'dashboard-high-contrast-light'],
] as const;
const documented: ReadonlySet<string> = new Set(['dashboard-dark', 'dashboard-light', 'dashboard-high-contrast']);

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

/** The finished run with some steps brushed, and a rollout of theirs chosen, at rest. */
async function openFinished(page: Page): Promise<void> {
  const finished = await open(page, 'sums-srft-01');
  await finished.locator('canvas').first().waitFor();
  const { x, y, width } = (await finished.locator('.overlay').boundingBox()) ?? assert.fail('no charts');
  const pointAt = (share: number): Promise<void> => page.mouse.move(x + share * width, y + 60);
  if ((await finished.locator('.brush').count()) === 0) {
    await pointAt(0.25);
    await page.mouse.down();
    await pointAt(0.3);
    await pointAt(0.5);
    await page.mouse.up();
  }
  await finished.getByRole('heading', { name: /^Rollouts, steps/ }).waitFor();
  await finished.locator('.item.row').first().click();
  await finished.locator('.preview-body').waitFor();
  await page.mouse.move(0, 0);
  await page.waitForTimeout(500);
}

/** Every state in one window, since a window costs more than all that is looked at in it. */
describe('the panel has nothing that axe calls serious', () => {
  it('in four themes, while it starts, when it failed, in a narrow window and comparing', async (t) => {
    await withWindow(
      'looks',
      async ({ page, complaints }) => {
        const findings: Record<string, string[]> = {};
        const look = async (state: string, isDocumented: boolean): Promise<void> => {
          t.diagnostic(state);
          await keepPicture(page, state, isDocumented);
          findings[state] = await examine(page);
        };
        const openFailed = async (): Promise<void> => {
          const failed = await open(page, 'failed-run');
          await failed.getByText('cuda out of memory').first().waitFor();
          await failed.locator('canvas').first().waitFor();
        };

        for (const [theme, className, picture] of themes) {
          await openFinished(page);
          await chooseTheme(page, theme, className);
          await look(picture, documented.has(picture));
        }
        const log = webviewFrame(page).getByRole('button', { name: 'log: Loss anatomy' });
        await log.click();
        await webviewFrame(page).getByText('parts as lines, not stacked').waitFor();
        await look('logarithmic', false);
        await log.click();
        await openFailed();
        await chooseTheme(page, 'Light Modern', 'vscode-light');
        await look('failed-light', true);

        await chooseTheme(page, 'Dark Modern', 'vscode-dark');
        await look('failed', true);
        const starting = await open(page, 'starting-run');
        await starting.getByText('reading the model').first().waitFor();
        await look('starting', false);

        await openFinished(page);
        await page.setViewportSize({ width: 720, height: 900 });
        await page.waitForTimeout(500);
        await look('narrow', true);
        await page.setViewportSize({ width: 1400, height: 900 });

        await compare(page, 'sums-srft-01', 'sums-srft-02');
        await look('compare', true);

        assert.deepEqual(Object.values(findings).flat(), [], JSON.stringify(findings, undefined, 2));
        assert.deepEqual(complaints(), []);
      },
      { fill },
    );
  });
});

async function compare(page: Page, one: string, other: string): Promise<void> {
  await showRuns(page, true);
  const rowOf = (name: string): Locator => page.locator('.sidebar .monaco-list-row', { hasText: name }).first();
  await rowOf(one).click();
  await rowOf(other).click({ modifiers: ['Control'] });
  await chooseFromMenu(page, rowOf(other), 'Compare Runs');
  await showRuns(page, false);
  await webviewFrame(page).getByText('2 runs compared').waitFor();
  await webviewFrame(page).locator('canvas').first().waitFor();
  await page.waitForTimeout(500);
}
