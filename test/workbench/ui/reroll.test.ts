import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { copyRunWithCheckpoints } from '../support/checkpointRun';
import { eventually } from '../support/eventually';
import { chooseTheme, keepPicture, seriousFindings } from '../support/panelLooks';
import { projectPython } from '../support/quickRun';
import { openTrace } from '../support/openTrace';
import { shownText } from '../support/shownText';
import { withWindow } from '../support/window';

/** A theme, its class in a webview, and the name of its picture; the window begins in the first. */
const themes = [
  ['Dark Modern', 'vscode-dark', 'reroll-dark'],
  ['Light Modern', 'vscode-light', 'reroll-light'],
  ['Dark High Contrast', 'vscode-high-contrast', 'reroll-high-contrast'],
] as const;

/** A run with checkpoints whose recipe and data lie where it says, and an interpreter that judges. */
function fill(workspace: string): void {
  copyRunWithCheckpoints(workspace, 'trained');
  const demo = join(equipment().root, 'trainer', 'demo');
  cpSync(join(demo, 'data'), join(workspace, 'data'), { recursive: true });
  const recipe = readFileSync(join(demo, 'recipes', 'srft.srft.json'), 'utf8');
  writeFileSync(join(workspace, 'runs', 'trained.srft.json'), recipe);
  mkdirSync(join(workspace, '.vscode'), { recursive: true });
  const settings = { 'srft.environment.python': projectPython };
  writeFileSync(join(workspace, '.vscode', 'settings.json'), JSON.stringify(settings));
}

/** Files of a run, by path, with what tells that one was written. */
function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((path) => `${path} ${statSync(join(directory, path)).mtimeMs} ${statSync(join(directory, path)).size}`)
    .sort();
}

/** Opens a trace and closes the view of runs, so that there is room. */
async function openTraceAlone(page: Page, words: RegExp): Promise<void> {
  await openTrace(page, words);
  await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
}

/** An entry of the list that is open. */
function entry(page: Page, words: string | RegExp): Locator {
  return page.locator('.quick-input-widget:visible .monaco-list-row', { hasText: words }).first();
}

/** What the table says of the re-rolls from one on, without their names. */
async function figuresOf(group: FrameLocator, from: number): Promise<string[][]> {
  const rows = await group.locator('.samples tr.reroll').all();
  const found = await Promise.all(
    rows.map(async (row) => {
      const verdict = await row.locator('.verdict').getAttribute('aria-label');
      return [verdict ?? '', ...(await row.locator('td').allInnerTexts())];
    }),
  );
  const numbered = found.map(([verdict = '', name = '', ...cells]) => {
    const [, number = '', row = ''] = /Re-roll (\d+)[^:]*seed \d+:(\d+)/s.exec(name) ?? [];
    return { number: Number(number), figures: [row, verdict, ...cells] };
  });
  return numbered
    .filter(({ number }) => number >= from && number < from + 8)
    .sort((one, other) => one.number - other.number)
    .map(({ figures }) => figures);
}

/** All that are asked for have been written and judged. */
async function judged(group: FrameLocator, count: number): Promise<void> {
  await eventually(
    `${count} re-rolls that are judged`,
    async () => (await group.locator('.samples tr.reroll .verdict').count()) === count,
    { withinMs: 60_000 },
  );
}

async function openReroll(page: Page, group: FrameLocator, number: number): Promise<string> {
  const name = group
    .locator('.samples tr.reroll', { hasText: new RegExp(`Re-roll ${number}(?!\\d)`) })
    .locator('button');
  await name.click();
  await name.press('Enter');
  await page.locator('.tab.active', { hasText: `Re-roll ${number} ·` }).waitFor();
  await page.locator('.codelens-decoration', { hasText: `↻ Re-roll ${number}, not from training` }).waitFor();
  return shownText(page);
}

describe('re-rolls', () => {
  it('go on from a token with an alternative, are judged, are told apart, and are repeated by their seed', async () => {
    await withWindow(
      'reroll',
      async ({ page, workspace, complaints }) => {
        await openTraceAlone(page, /start 39/);
        const before = filesOf(join(workspace, 'runs', 'trained'));
        await page.locator('.editor-group-container.active .view-line').first().click();
        await page.keyboard.press('F8');
        await page.keyboard.press('Alt+r');
        await entry(page, 'step 3').waitFor();
        assert.ok(await entry(page, 'base').isVisible());
        await entry(page, 'step 3').click();
        await entry(page, 'as written').waitFor();
        const title = await page.locator('.quick-input-title').innerText();
        assert.match(title, /Re-roll from token \d+ of \d+ · step 3 · temperature 1, at most 80 tokens/);
        await page.keyboard.type('50');
        await entry(page, /as typed: "50".*2 tokens/s).waitFor();
        await keepPicture(page, 'reroll-alternatives', false);
        await page.keyboard.press('Backspace');
        await page.keyboard.press('Backspace');
        const other = page
          .locator('.quick-input-widget:visible .monaco-list-row', { hasText: /p 0[.\d]* · rank/ })
          .nth(1);
        const alternative = await other.locator('.label-name').innerText();
        await other.click();
        const seed = /8 from seed (\d+)/.exec(await entry(page, /8 from seed \d+/).innerText())?.[1] ?? '';
        await entry(page, /8 from seed \d+/).click();

        await page.locator('.tab.active', { hasText: 'group' }).waitFor();
        const group = webviewFrame(page);
        await judged(group, 8);
        const first = await figuresOf(group, 1);
        assert.deepEqual(
          first.map(([row]) => row),
          ['1', '2', '3', '4', '5', '6', '7', '8'],
        );
        assert.match(
          await group.locator('.samples tr.reroll').first().innerText(),
          new RegExp(`step 3 · seed ${seed}:`),
        );
        // The figures of training are those of training.
        assert.match(await group.locator('.group-head').innerText(), /right 2 of 5 rollouts, and the demonstration/);
        const facts = await group.locator('.reroll-facts').innerText();
        const [, right = '0'] = /(\d+) right/.exec(facts) ?? [];
        const [, wrong = '0'] = /(\d+) wrong/.exec(facts) ?? [];
        assert.match(facts, /8, not from training/);
        assert.equal(Number(right) + Number(wrong), 8, facts);
        assert.equal(await group.locator('.oddities').count(), 0);
        assert.ok((await group.locator('.link-line.reroll').count()) > 0);
        await group.getByRole('heading', { name: /at token \d+/ }).waitFor();
        const ways = await group.locator('.ways tbody tr').allInnerTexts();
        const shown = alternative.replace(/^.*?"/s, '"').trim();
        assert.ok(
          ways.some((way) => way.trim().startsWith(shown) && way.includes('↻ 8')),
          `${shown} in ${ways.join(' | ')}`,
        );

        // By mouse from the fork, with the seed that was shown: the same texts.
        await group.getByRole('button', { name: 'Re-roll from here' }).click();
        await entry(page, 'step 3').click();
        await entry(page, alternative.trim()).click();
        await entry(page, `8 from seed ${seed}`).waitFor();
        await entry(page, 'the last seed again').click();
        await judged(group, 16);
        assert.deepEqual(await figuresOf(group, 9), first);
        const text = await openReroll(page, group, 1);
        assert.match(text, /Ana has 39 books.*<think>/s);
        await page.locator('.codelens-decoration', { hasText: /tokens, mean H/ }).waitFor();
        await page.locator('.tab', { hasText: 'group' }).click();
        await group.locator('.samples tr.reroll').first().waitFor();
        assert.equal(await openReroll(page, group, 9), text);
        await page.locator('.tab', { hasText: 'group' }).click();
        await group.locator('.samples tr.reroll').first().waitFor();

        await group.getByRole('tree').press('End');
        await group.locator('.cell.reroll.chosen').waitFor();
        for (const [theme, className, picture] of themes) {
          if (theme !== 'Dark Modern') await chooseTheme(page, theme, className);
          await page.mouse.move(0, 0);
          await keepPicture(page, picture, false);
          assert.deepEqual(await seriousFindings(page), [], theme);
        }
        await group.getByRole('button', { name: 'Forget Re-rolls' }).click();
        await group.locator('.samples tr.reroll').first().waitFor({ state: 'detached' });
        assert.equal(await group.locator('.reroll-facts').count(), 0);
        assert.deepEqual(filesOf(join(workspace, 'runs', 'trained')), before);
        assert.deepEqual(complaints(), []);
      },
      { fill },
    );
  });
});
