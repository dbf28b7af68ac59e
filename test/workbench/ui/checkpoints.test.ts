import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { command, webviewFrame } from '../browser.mjs';
import { copyRunWithCheckpoints, writeCheckpoint } from '../support/checkpointRun';
import { eventually } from '../support/eventually';
import { chooseFromMenu } from '../support/menu';
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

/** The run with three of its last evaluations recorded as probes. */
function copyRunWithProbes(workspace: string): string {
  const directory = copyRunWithCheckpoints(workspace, 'probed');
  const manifest = join(directory, 'run.json');
  const text = readFileSync(manifest, 'utf8');
  const { run_id: id } = JSON.parse(text) as { readonly run_id: string };
  writeFileSync(manifest, text.replace(id, `${id.slice(1)}${id.slice(0, 1)}`));
  const index = join(directory, 'rollouts', 'index.jsonl');
  const lines = readFileSync(index, 'utf8').split('\n');
  const first = lines.findIndex((line) => line.includes('"step":3') && line.includes('"kind":"evaluation"'));
  const probed = lines.map((line, place) =>
    // Acknowledged lengths stay what they are.
    place >= first && place < first + 3 ? line.replace('"kind":"evaluation"', '"kind":"probe"     ') : line,
  );
  writeFileSync(index, probed.join('\n'));
  return directory;
}

/** One more checkpoint, as a trainer would write it. */
function addCheckpoint(directory: string, step: number): void {
  const file = join(directory, 'events.jsonl');
  const events = readFileSync(file, 'utf8').trimEnd().split('\n');
  const saved = events.findLast((line) => line.includes('"kind":"checkpoint"')) ?? '{}';
  const path = `checkpoints/step-${String(step).padStart(6, '0')}`;
  writeCheckpoint(join(directory, path), step);
  const event = { ...(JSON.parse(saved) as object), seq: events.length, step, path, best: false };
  appendFileSync(file, `${JSON.stringify(event)}\n`);
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
  it('two on a group, the tokens that changed, the path of all, and the strip of runs without and with probes', async () => {
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
        await view.locator('.path').getByRole('button', { name: 'Cancel' }).click();
        await view
          .locator('.path .work-state[data-state=cancelled]', { hasText: /^Cancelled after \d+ of / })
          .waitFor();
        await view.getByRole('button', { name: 'Measure Again' }).click();
        await view.locator('.path .work-state[data-state=done]').waitFor({ timeout: 120_000 });
        assert.deepEqual(await view.locator('.path tbody th').allInnerTexts(), ['base', 'step 1', 'step 2', 'step 3']);
        assert.equal(await view.locator('.path-point').count(), 4);
        for (const text of await view.locator('.path tbody td').allInnerTexts()) assert.match(text, /^\d+\.\d+$/);
        await view.getByRole('button', { name: 'Score Probes' }).click();
        await view.locator('.strip .work-state[data-state=done]').waitFor({ timeout: 60_000 });
        await view.locator('.strip-note', { hasText: 'This run has no probes' }).waitFor();
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
        await page.setViewportSize({ width: 1400, height: 900 });

        // A checkpoint that is not there any more is said, and the others stay.
        rmSync(join(workspace, 'runs', 'compared', 'checkpoints', 'step-000001'), { recursive: true });
        await view.getByRole('button', { name: 'Measure Again' }).click();
        await view.locator('.path .note', { hasText: 'step 1 is left out.' }).waitFor();
        await view.locator('.path .work-state[data-state=done]').waitFor();
        assert.equal(await view.locator('.path-point').count(), 3);

        // The strip of a run with probes, from the tree; a checkpoint that comes is scored by itself.
        await chooseFromMenu(
          page,
          page.locator('.sidebar .monaco-list-row', { hasText: 'probed' }),
          'Show Probe Strip',
        );
        await page.locator('.tab.active', { hasText: 'probed · checkpoints' }).waitFor();
        const probed = webviewFrame(page);
        await probed.locator('.strip .work-state[data-state=done]').waitFor({ timeout: 60_000 });
        assert.equal(await probed.locator('.strip-note').count(), 0);
        assert.equal(await probed.getByLabel('Probe', { exact: true }).locator('option').count(), 3);
        assert.equal(await probed.locator('.strip-grid tbody tr').count(), 4);
        addCheckpoint(join(workspace, 'runs', 'probed'), 4);
        await probed.locator('.strip-grid tbody th', { hasText: 'step 4' }).waitFor();
        await probed.locator('.strip .work-state[data-state=done]').waitFor();
        await probed.locator('.strip-grid').focus();
        await page.keyboard.press('Home');
        const first = await probed.locator('.strip-words .mono').innerText();
        await page.keyboard.press('Enter');
        await page.locator('.tab.active', { hasText: /probe \d/ }).waitFor();
        await page.locator('.codelens-decoration').first().waitFor();
        assert.equal(`“${await selectedText(page)}”`, first);
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (folder) => {
          copyRunWithCheckpoints(folder, 'compared');
          copyRunWithProbes(folder);
        },
      },
    );
  });
});
