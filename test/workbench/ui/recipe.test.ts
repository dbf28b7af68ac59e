import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { command, screenshot } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { withWindow } from '../support/window';

const { root, reports } = equipment();
const python = join(root, '.srft', 'venv', 'bin', 'python');

/** The demo's model and data, and a recipe with a key that is misspelt. */
function fill(workspace: string): void {
  for (const part of ['base', 'data'])
    cpSync(join(root, 'trainer', 'demo', part), join(workspace, part), { recursive: true });
  const recipe = readFileSync(join(root, 'trainer/demo/recipes/srft.srft.json'), 'utf8');
  const misspelt = recipe.replaceAll('../', './').replace('"prompts_per_step"', '"prompt_per_step"');
  writeFileSync(join(workspace, 'first.srft.json'), `// what to train\n${misspelt}`);
}

/** The four questions, and what is answered. */
const questions = [
  ['1 of 4', 'base'],
  ['2 of 4', 'train.jsonl'],
  ['3 of 4', 'boxed'],
  ['4 of 4', 'GRPO'],
] as const;

async function openFile(page: Page, name: string): Promise<void> {
  await page.locator('.explorer-viewlet .monaco-list-row', { hasText: name }).dblclick();
  await page.locator('.tab.active', { hasText: name }).waitFor();
}

describe('a recipe in the editor', () => {
  it('has lenses; Check puts its findings where they belong, and a quick fix mends the key', async () => {
    await withWindow(
      'recipe',
      async ({ page, workspace, complaints }) => {
        await openFile(page, 'first.srft.json');
        const lenses = page.locator('.codelens-decoration a');
        await lenses.filter({ hasText: 'Train' }).first().waitFor();
        await lenses.filter({ hasText: 'Check' }).first().click();
        await command(page, 'View: Toggle Problems');
        const problem = page.locator('.markers-panel .monaco-list-row', { hasText: 'prompt_per_step' }).first();
        await problem.waitFor({ timeout: 60_000 });
        await screenshot(page, join(reports, 'ui', 'recipe-problem.png'));
        await problem.dblclick();
        const fix = page.locator('.action-widget .monaco-list-row', { hasText: 'prompts_per_step' }).first();
        await page.locator('.view-line', { hasText: '"prompt_per_step"' }).locator('span span').first().click();
        await eventually('the quick fix', async () => {
          await page.keyboard.press('Control+.');
          return fix.waitFor({ timeout: 2000 }).then(
            () => true,
            () => false,
          );
        });
        await screenshot(page, join(reports, 'ui', 'recipe-fix.png'));
        await fix.click();
        await page.keyboard.press('Control+S');
        await eventually('the mended recipe', () =>
          readFileSync(join(workspace, 'first.srft.json'), 'utf8').includes('"prompts_per_step"'),
        );
        assert.match(readFileSync(join(workspace, 'first.srft.json'), 'utf8'), /^\/\/ what to train/);
        assert.deepEqual(complaints(), []);
      },
      { fill, settings: { 'srft.environment.python': python } },
    );
  });

  it('New Recipe asks four things and writes one that trains', async () => {
    await withWindow(
      'new-recipe',
      async ({ page, workspace, complaints }) => {
        await command(page, 'SRFT: New Recipe…');
        for (const [question, answer] of questions) {
          await page.locator('.quick-input-widget:visible', { hasText: question }).waitFor();
          await page.locator('.quick-input-widget .monaco-list-row', { hasText: answer }).first().click();
        }
        await page.locator('.tab.active', { hasText: '.srft.json' }).waitFor();
        const recipe = (): string | undefined =>
          readdirSync(workspace).find((name) => name.endsWith('.srft.json') && name !== 'first.srft.json');
        await eventually('the recipe', () => recipe() !== undefined);
        assert.match(readFileSync(join(workspace, recipe() ?? ''), 'utf8'), /"kind": "grpo"/);
        await screenshot(page, join(reports, 'ui', 'recipe-new.png'));
        assert.deepEqual(complaints(), []);
      },
      { fill, settings: { 'srft.environment.python': python } },
    );
  });
});
