import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, screenshot } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { projectPython } from '../support/quickRun';
import { withWindow } from '../support/window';

const { root, reports } = equipment();

type Row = Readonly<Record<string, unknown>> & { readonly demonstration: string };

/** The demo with the first rows of its data, changed. */
function fill(workspace: string, change: (lines: string[]) => void): void {
  const demo = join(root, 'trainer', 'demo');
  for (const part of ['base', 'data']) cpSync(join(demo, part), join(workspace, part), { recursive: true });
  const recipe = readFileSync(join(demo, 'recipes', 'srft.srft.json'), 'utf8');
  writeFileSync(join(workspace, 'demo.srft.json'), recipe.replaceAll('../', './'));
  const path = join(workspace, 'data', 'train.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, 40);
  change(lines);
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** No JSON, no answer, a demonstration that ends in a wrong result. */
function spoil(lines: string[]): void {
  const wrong = JSON.parse(lines[3] ?? '') as Row;
  lines[1] = lines[1]?.slice(0, -1) ?? '';
  lines[2] = JSON.stringify({ ...(JSON.parse(lines[2] ?? '') as Row), answer: undefined });
  lines[3] = JSON.stringify({
    ...wrong,
    demonstration: wrong.demonstration.replace(/\\boxed\{\d+\}/, '\\boxed{7777}'),
  });
}

/** One that takes the same step again and again. */
function lengthen(lines: string[]): void {
  const row = JSON.parse(lines[3] ?? '') as Row;
  const demonstration = row.demonstration.replace('<think>\n', `<think>\n${'1+1=2\n'.repeat(40)}`);
  lines[3] = JSON.stringify({ ...row, demonstration });
}

describe('demonstrations in the editor', () => {
  it('bad lines are told at once, wrong answers by the trainer alone', async () => {
    await withWindow(
      'demonstrations',
      async ({ page, complaints }) => {
        await page.locator('.explorer-viewlet .monaco-list-row', { hasText: 'data' }).first().click();
        await page.locator('.explorer-viewlet .monaco-list-row', { hasText: 'train.jsonl' }).dblclick();
        await command(page, 'View: Toggle Problems');
        const problems = page.locator('.markers-panel .monaco-list-row');
        await problems.filter({ hasText: 'JSON' }).filter({ hasText: '[Ln 2,' }).waitFor();
        await problems.filter({ hasText: 'answer' }).filter({ hasText: '[Ln 3,' }).waitFor();
        assert.equal(await problems.filter({ hasText: '[Ln 4,' }).count(), 0);
        await page
          .locator('.codelens-decoration a', { hasText: /Verify/ })
          .first()
          .click();
        await problems.filter({ hasText: '[Ln 4,' }).waitFor({ timeout: 60_000 });
        await screenshot(page, join(reports, 'ui', 'demonstrations.png'));
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          fill(workspace, spoil);
        },
        settings: { 'srft.environment.python': projectPython },
      },
    );
  });

  it('one that is longer than the limit is told on its line, as the check counts it', async () => {
    await withWindow(
      'long-demonstration',
      async ({ page, complaints }) => {
        await page.locator('.explorer-viewlet .monaco-list-row', { hasText: 'demo.srft.json' }).dblclick();
        await page.locator('.codelens-decoration a', { hasText: 'Check' }).first().click();
        await command(page, 'View: Toggle Problems');
        const problems = page.locator('.markers-panel .monaco-list-row');
        const long = problems.filter({
          hasText: /tokens with its end, and rollouts\.max_tokens of demo\.srft\.json allows 80/,
        });
        await long.filter({ hasText: '[Ln 4,' }).waitFor({ timeout: 60_000 });
        await screenshot(page, join(reports, 'ui', 'long-demonstration.png'));
        await long.dblclick();
        await page.locator('.tab.active', { hasText: 'train.jsonl' }).waitFor();
        await command(page, 'View: Focus Active Editor Group');
        await page.keyboard.press('Delete');
        await long.waitFor({ state: 'detached' });
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          fill(workspace, lengthen);
        },
        settings: { 'srft.environment.python': projectPython },
      },
    );
  });
});
