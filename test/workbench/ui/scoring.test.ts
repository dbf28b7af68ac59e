import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { command } from '../browser.mjs';
import { copyRunWithCheckpoints } from '../support/checkpointRun';
import { eventually } from '../support/eventually';
import { chooseFromMenu } from '../support/menu';
import { notification } from '../support/notifications';
import { keepPicture, pickTheme } from '../support/panelLooks';
import { processesWithin } from '../support/processes';
import { openTrace } from '../support/openTrace';
import { shownText } from '../support/shownText';
import { withWindow } from '../support/window';

const notes = [
  'Mia has 26 stamps.',
  '<think>',
  '26+23=49 [now](command:workbench.action.quit) | <img src=x>',
  '\\boxed{49}',
].join('\n');

/** A theme, and the name of its picture; the window begins in the first. */
const themes = [
  ['Dark Modern', 'scores-dark'],
  ['Light Modern', 'scores-light'],
  ['Dark High Contrast', 'scores-high-contrast'],
] as const;

function pickerRow(page: Page, label: string): ReturnType<Page['locator']> {
  return page.locator('.quick-input-widget .monaco-list-row', { hasText: new RegExp(`^${label}`) });
}

async function isTintedBy(page: Page, overlay: string): Promise<void> {
  await page.locator('.statusbar-item', { hasText: `Tint: ${overlay}` }).waitFor();
}

function lenses(page: Page): Promise<string> {
  return page
    .locator('.editor-group-container.active .codelens-decoration')
    .allInnerTexts()
    .then((texts) => texts.join(' ').replaceAll(/\s+/g, ' '));
}

/** What is said above the text of each checkpoint. */
async function totals(page: Page): Promise<string[]> {
  return (await lenses(page)).split(' | ').filter((words) => words.includes('nats/byte'));
}

/** The tab comes to the front, and above its text stands what checkpoints said of it. */
async function isSaidAgain(page: Page, tab: RegExp, said: readonly string[]): Promise<void> {
  await page.locator('.tab', { hasText: tab }).click();
  await eventually(`what was said above ${tab}`, async () => isDeepStrictEqual(await totals(page), said));
}

/** How many different backgrounds the tokens have. */
async function tints(page: Page): Promise<number> {
  const found = await page
    .locator('.editor-group-container.active .view-overlays [class*="ced-"]')
    .evaluateAll((elements) =>
      elements.map((element) => {
        const { getComputedStyle } = globalThis as unknown as {
          readonly getComputedStyle: (of: unknown) => { readonly backgroundColor: string };
        };
        return getComputedStyle(element).backgroundColor;
      }),
    );
  return new Set(found.filter((colour) => colour !== 'rgba(0, 0, 0, 0)')).size;
}

async function hoverAtCursor(page: Page): Promise<string> {
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Control+i');
  const hover = page.locator('.monaco-hover:visible').first();
  await hover.getByText('likeliest').waitFor();
  return (await hover.innerText()).replaceAll('\u00a0', ' ');
}

async function clickText(page: Page, words: string): Promise<void> {
  await page.locator('.editor-group-container.active .view-line', { hasText: words }).first().click();
}

async function openFile(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+p');
  await page.locator('.quick-input-widget:visible input[type=text]').fill(name);
  await page.locator('.quick-input-widget .monaco-list-row', { hasText: name }).first().click();
  await page.locator('.tab.active', { hasText: name }).waitFor();
}

async function scoreUnder(page: Page, checkpoint: string): Promise<void> {
  await command(page, 'SRFT: Score With Checkpoint');
  await pickerRow(page, checkpoint).first().click();
}

/** A tokenizer in which two figures have each other's ids. */
function withTokensSwapped(file: string): string {
  const tokenizer = JSON.parse(file) as { readonly model: { readonly vocab: Record<string, number> } };
  const { vocab } = tokenizer.model;
  [vocab['2'], vocab['3']] = [vocab['3'] ?? 0, vocab['2'] ?? 0];
  return JSON.stringify(tokenizer);
}

describe('scores of checkpoints', () => {
  it('of a trace: beside its own figures, compared, and there again after a reload; of any text', async () => {
    await withWindow(
      'scoring',
      async ({ page, serverFolder, complaints }) => {
        await openTrace(page, /start/);
        await isTintedBy(page, 'entropy');
        await clickText(page, '<think>');
        await page.keyboard.press('Alt+c');
        await pickerRow(page, 'step 3').first().click();
        await isTintedBy(page, 'Δ probability, step 3 − as written');
        await eventually('what is said above it', async () =>
          /step 3: Σ log p −\d+\.\d, perplexity \d.*nats\/byte/.test(await lenses(page)),
        );

        await page.locator('.codelens-decoration a', { hasText: 'Score With Checkpoint' }).click();
        await page.locator('.quick-input-widget .monaco-list-row').first().waitFor();
        assert.match(await page.locator('.quick-input-widget .monaco-list-row').first().innerText(), /^step 3/);
        await pickerRow(page, 'base').first().click();
        await isTintedBy(page, 'Δ probability, base − as written');

        await command(page, 'SRFT: Choose Tint of Trace');
        await pickerRow(page, 'entropy').first().waitFor();
        const offered = await page.locator('.quick-input-widget .monaco-list-row').allInnerTexts();
        for (const overlay of ['surprise · step 3', 'entropy · base', 'rank · step 3', 'Δ probability, step 3 − base'])
          assert.ok(
            offered.some((words) => words.replaceAll('\u00a0', ' ').startsWith(overlay)),
            `${overlay} is offered`,
          );
        await pickerRow(page, 'Δ probability, step 3 − base').click();
        await isTintedBy(page, 'Δ probability, step 3 − base');
        await eventually('several tints', async () => (await tints(page)) > 1);
        for (const [theme, picture] of themes) {
          if (theme !== 'Dark Modern') await pickTheme(page, theme);
          await clickText(page, '39-6=33');
          await page.keyboard.press('Home');
          const said = await hoverAtCursor(page);
          assert.match(said, /entropy\s+base\s+0\.\d+\s+−\d[^]*step 3\s+0\.\d+\s+−\d/);
          assert.match(said, /likeliest\s+base\s+step 3\s+1\.\s+"[^"]+" 0\.\d+[^]*5\.\s+"/);
          await page.waitForTimeout(500);
          await keepPicture(page, picture, false);
          await page.keyboard.press('Escape');
        }
        await pickTheme(page, 'Dark Modern');
        await clickText(page, '<think>');
        await command(page, 'SRFT: Describe Token');
        await notification(page, /Token ".*; under base: probability.*; under step 3: probability.*likeliest "/);
        await command(page, 'Notifications: Clear All Notifications');

        await command(page, 'View: Keep Editor');
        await openFile(page, 'notes.md');
        await clickText(page, '26+23');
        await page.keyboard.press('Home');
        await page.keyboard.press('Control+Shift+End');
        await command(page, 'SRFT: Score This Text');
        await pickerRow(page, 'step 3').first().click();
        await isTintedBy(page, 'surprise · step 3');
        assert.equal(await shownText(page), notes);
        await eventually('what is said above the text', async () =>
          /notes\.md, in tokens of step 3.*given the \d+ tokens before it.*step 3: Σ log p −\d/.test(
            await lenses(page),
          ),
        );
        await eventually('several tints', async () => (await tints(page)) > 1);
        await clickText(page, '26+23');
        await page.keyboard.press('Home');
        assert.match(await hoverAtCursor(page), /step 3\s+0\.\d+[^]*likeliest\s+step 3\s+1\.\s+"/);
        await page.waitForTimeout(500);
        await keepPicture(page, 'scores-text', false);
        await page.keyboard.press('Escape');

        // Both documents come back with what was said of them, and no checkpoint is loaded for it.
        const saidOfText = await totals(page);
        await page.locator('.tab', { hasText: /rollout \d/ }).click();
        await eventually('the trace in front', async () => (await lenses(page)).includes('base: Σ log p'));
        const saidOfTrace = await totals(page);
        assert.deepEqual([saidOfText.length, saidOfTrace.length], [1, 2]);
        await command(page, 'Developer: Reload Window');
        await page.locator('.codelens-decoration').first().waitFor({ state: 'detached' });
        await isTintedBy(page, 'surprise · step 3');
        await isSaidAgain(page, /rollout \d/, saidOfTrace);
        await isSaidAgain(page, /notes\.md · step 3/, saidOfText);
        const models = processesWithin(serverFolder).filter(({ words }) =>
          words.some((word) => word.endsWith('modelProcess.cjs')),
        );
        assert.deepEqual(models, []);
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          copyRunWithCheckpoints(workspace, 'trained');
          writeFileSync(join(workspace, 'notes.md'), notes);
        },
      },
    );
  });

  it('of another program’s trace, in tokens of its own; what cannot be scored is refused in a sentence', async () => {
    await withWindow(
      'scoring-refusals',
      async ({ page, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        await page.locator('.sidebar .monaco-list-row', { hasText: 'trained' }).first().waitFor();
        await page.locator('.activitybar .action-label[aria-label^="Explorer"]').click();
        const file = page.locator('.sidebar .monaco-list-row', { hasText: 'traces.jsonl' });
        await chooseFromMenu(page, file, 'Open Traces of Another Program');
        await page.locator('.tab.active', { hasText: 'line 1' }).waitFor();
        await isTintedBy(page, 'none');
        await scoreUnder(page, 'base');
        await isTintedBy(page, 'surprise · base');
        await eventually('whose tokens they are', async () =>
          (await lenses(page)).includes('Its tokens are those of the tokenizer of base.'),
        );
        await clickText(page, '26+23');
        await page.keyboard.press('Home');
        assert.match(await hoverAtCursor(page), /position 3 of \d+[^]*likeliest\s+base\s+1\.\s+"/);
        await page.keyboard.press('Escape');

        await openTrace(page, /start/);
        await scoreUnder(page, 'step 2');
        await notification(page, /step-000002: its tokenizer makes other tokens than this trace has; choose/);
        await command(page, 'Notifications: Clear All Notifications');
        assert.deepEqual(await totals(page), []);

        await openFile(page, 'long.txt');
        await command(page, 'SRFT: Score This Text');
        await pickerRow(page, 'base').first().click();
        await notification(
          page,
          /the text has \d\d,\d{3} tokens with its context, and at most 65,536 are scored; copy/,
        );
        // The editor writes what it shows as an error into its console.
        const others = complaints().filter((line) => !line.includes('its tokenizer makes other tokens'));
        assert.deepEqual(others, []);
      },
      {
        fill: (workspace) => {
          const run = copyRunWithCheckpoints(workspace, 'trained');
          const tokenizer = join(run, 'checkpoints', 'step-000002', 'tokenizer.json');
          writeFileSync(tokenizer, withTokensSwapped(readFileSync(tokenizer, 'utf8')));
          writeFileSync(join(workspace, 'notes.md'), notes);
          writeFileSync(join(workspace, 'long.txt'), '26+23=49\n'.repeat(9000));
          const trace = { prompt: 'Mia has 26 stamps.', completion: '<think>\n26+23=49\n</think>' };
          writeFileSync(join(workspace, 'traces.jsonl'), `${JSON.stringify(trace)}\n`);
        },
      },
    );
  });
});
