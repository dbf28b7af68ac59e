import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { notification } from '../support/notifications';
import { keepPicture, pickTheme } from '../support/panelLooks';
import { projectPython } from '../support/quickRun';
import { copyRun } from '../support/recordedRun';
import { eventually } from '../support/eventually';
import { openTrace } from '../support/openTrace';
import { shownText } from '../support/shownText';
import { withWindow } from '../support/window';

/** Colours of the backgrounds that decorations have in the editor in front. */
function tints(page: Page): Promise<string[]> {
  return page.locator('.editor-group-container.active .view-overlays [class*="ced-"]').evaluateAll((elements) => [
    ...new Set(
      elements.map((element) => {
        const { getComputedStyle } = globalThis as unknown as {
          readonly getComputedStyle: (of: unknown) => { readonly backgroundColor: string };
        };
        return getComputedStyle(element).backgroundColor;
      }),
    ),
  ]);
}

/** A theme, the strongest tint as it gives it, and the name of the picture. The window begins in the first. */
const themes = [
  ['Dark Modern', 'rgb(52, 122, 103)', 'trace-dark'],
  ['Light Modern', 'rgb(133, 191, 179)', 'trace-light'],
  ['Dark High Contrast', 'rgb(52, 122, 103)', 'trace-high-contrast'],
] as const;

describe('a trace in the editor', () => {
  it('is read token by token, leads to its curves and back, and is compared with others', async () => {
    await withWindow(
      'traces',
      async ({ page, complaints }) => {
        await openTrace(page, /start/);
        assert.match(await shownText(page), /<\|im_start\|>user\nAna has 39 books.*\n.*assistant.*\n<think>/);
        const lenses = await page.locator('.codelens-decoration').allInnerTexts();
        assert.match(lenses.join(' '), /right|wrong/);
        assert.match(lenses.join(' '), /reward \d[^]*advantage[^]*step 3/);

        for (const [theme, strongest, picture] of themes) {
          if (theme !== 'Dark Modern') await pickTheme(page, theme);
          await eventually(`the strongest tint in ${theme}`, async () => (await tints(page)).includes(strongest));
          await page.waitForTimeout(500);
          await keepPicture(page, picture, false);
        }
        await pickTheme(page, 'Dark Modern');
        await page.locator('.statusbar-item', { hasText: 'Tint: entropy' }).waitFor();

        await page.locator('.editor-group-container.active .view-line', { hasText: '<think>' }).click();
        await page.keyboard.press('F8');
        await page.locator('.statusbar-item', { hasText: 'Ln 5' }).waitFor();
        await page.locator('.statusbar-item', { hasText: /Fork 1 of \d/ }).waitFor();
        await page.keyboard.press('Control+k');
        await page.keyboard.press('Control+i');
        const hover = page.locator('.monaco-hover:visible');
        await hover.getByText('position 3 of').waitFor();
        assert.match(
          await hover.innerText(),
          /log-prob[\s\S]*pull[\s\S]*likelier[\s\S]*Others of the group went on with/,
        );
        await page.keyboard.press('Escape');

        await page.keyboard.press('Alt+t');
        await page.locator('.statusbar-item', { hasText: 'Tint: surprise' }).waitFor();
        for (const tint of ['none', 'surprise']) {
          await page.keyboard.press('Shift+Alt+t');
          await page.locator('.statusbar-item', { hasText: `Tint: ${tint}` }).waitFor();
        }
        await command(page, 'SRFT: Describe Token');
        await notification(page, /Token "start": position 3 of \d+/);
        await command(page, 'Notifications: Clear All Notifications');

        await command(page, 'SRFT: Same Prompt Over Time');
        await page.locator('.quick-input-title', { hasText: 'Answers to this prompt' }).waitFor();
        const answers = await page.locator('.quick-input-widget .monaco-list-row').count();
        assert.ok(answers >= 5, `${answers} answers to the prompt`);
        await page.keyboard.press('Escape');

        await command(page, 'SRFT: Compare Trace With');
        await page.locator('.quick-input-title', { hasText: 'Compare with which' }).waitFor();
        await page.keyboard.press('Enter');
        await page.locator('.tab.active', { hasText: '↔' }).waitFor();
        await page.locator('.editor-group-container.active .monaco-diff-editor').waitFor();

        await command(page, 'SRFT: Show on Curves');
        await page.locator('.tab.active', { hasText: 'trained' }).waitFor();
        const panel = webviewFrame(page);
        await panel.locator('.chip', { hasText: 'step 3' }).waitFor();
        assert.match(await panel.locator('.rollouts .item[aria-current=true]').innerText(), /train-0367/);
        const rank = (title: string): Promise<string> =>
          panel
            .locator('.panel', { has: panel.locator('.legend-title', { hasText: title }) })
            .locator('.legend tr', { hasText: 'the marked trace' })
            .innerText();
        assert.match(await rank('Reward and accuracy'), /highest of 20/);
        assert.match(await rank('Response length'), /longest of 20/);
        assert.match(await rank('Entropy'), /highest of 20/);
        await screenshot(page, join(equipment().reports, 'ui', 'traces-marked.png'));
        await panel.locator('.chip', { hasText: '◇' }).click();
        await panel.locator('.legend tr', { hasText: 'the marked trace' }).first().waitFor({ state: 'detached' });

        await panel.getByRole('button', { name: 'highest gradient norm' }).click();
        await page.locator('.tab.active', { hasText: /(rollout|demonstration) \d/ }).waitFor();
        await notification(page, /Step 3 has the highest gradient norm of steps 3–3.*pulls hardest/);
        assert.deepEqual(complaints(), []);
      },
      { fill: (workspace) => copyRun(workspace, 'trained', 'trained') },
    );
  });

  it('comes back after a reload, and from a link', async () => {
    await withWindow(
      'trace-link',
      async ({ page, complaints }) => {
        await openTrace(page, /start/);
        const text = await shownText(page);
        await command(page, 'SRFT: Copy Link to Trace');
        await command(page, 'Developer: Reload Window');
        await page.locator('.codelens-decoration').first().waitFor({ state: 'detached' });
        await page.locator('.tab.active', { hasText: /rollout \d/ }).waitFor();
        await eventually('the same text', async () => (await shownText(page)) === text);
        await command(page, 'View: Close All Editors');
        await command(page, 'SRFT: Open Trace');
        const input = page.locator('.quick-input-widget:visible input[type=text]');
        await input.fill('https://example.org/');
        await page.getByText('This is no link to a trace.').waitFor();
        const run = '39e0acc6';
        await input.fill(`vscode://x/trace?run=${run.repeat(4)}&rollout=a1-s3-g0-0`);
        await page.getByText('This is no link to a trace.').waitFor({ state: 'hidden' });
        await page.keyboard.press('Enter');
        await notification(page, 'is not open here');
        assert.deepEqual(complaints(), []);
      },
      { fill: (workspace) => copyRun(workspace, 'trained', 'trained') },
    );
  });

  it('is judged again by the recipe, and becomes a demonstration that can be taken back', async () => {
    await withWindow(
      'judging',
      async ({ page, workspace, complaints }) => {
        await openTrace(page, /start/);
        await command(page, 'SRFT: Judge Again');
        await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Step 3' }).click();
        await page.locator('.tab.active', { hasText: 'judged again' }).waitFor({ timeout: 60_000 });
        await eventually('the judgement', async () => /32 judged, 0 changed/.test(await shownText(page)));
        await page.locator('.tab', { hasText: /rollout \d/ }).click();
        await command(page, 'SRFT: Promote to Demonstration');
        await page.locator('.tab.active', { hasText: 'train.jsonl' }).waitFor({ timeout: 60_000 });
        await eventually('the new row', async () => /"train-0367\+a1-s3-g\d-\d"/.test(await shownText(page)));
        await page.keyboard.press('Control+z');
        await eventually('no new row', async () => !(await shownText(page)).includes('train-0367+'));
        assert.ok(!readFileSync(join(workspace, 'data', 'train.jsonl'), 'utf8').includes('train-0367+'));

        await page.locator('.tab', { hasText: /rollout \d/ }).click();
        await command(page, 'SRFT: Edit and Promote');
        await page.locator('.tab.active', { hasText: '(draft)' }).first().waitFor();
        const above = page.locator('.editor-group-container.active .codelens-decoration').first();
        await above.getByText('right').waitFor({ timeout: 60_000 });
        await page.locator('.editor-group-container.active .view-line').first().click();
        await page.keyboard.press('Control+Home');
        await page.keyboard.type('</think>');
        await above.getByText('wrong').waitFor();
        assert.match(await above.innerText(), /reward 0 .*form: 2 of <\/think>/s);
        await screenshot(page, join(equipment().reports, 'ui', 'traces-draft.png'));
        await command(page, 'SRFT: Promote to Demonstration');
        const refusal = await notification(page, 'does not count this draft as right');
        await refusal.getByText('(form: 2 of </think>)').waitFor();
        await command(page, 'Notifications: Clear All Notifications');
        await page.locator('.editor-group-container.active .view-line').first().click();
        await page.keyboard.press('Control+End');
        await page.keyboard.type(' done');
        await page.keyboard.press('Control+Home');
        for (let left = '</think>'.length; left > 0; left -= 1) await page.keyboard.press('Delete');
        await above.getByText('right').waitFor();
        await above.getByText('Promote to Demonstration').click();
        await page.locator('.tab.active', { hasText: 'train.jsonl' }).waitFor();
        const edited = /"train-0367\+a1-s3-g\d-\d\+edited".* done".*"edited":true/;
        await eventually('the edited row', async () => edited.test((await shownText(page)).replaceAll('\n', '')));
        await page.keyboard.press('Control+z');
        await eventually('no edited row', async () => !(await shownText(page)).includes('+edited'));

        await page.locator('.tab', { hasText: /rollout \d(?!.*draft)/ }).click();
        await command(page, 'SRFT: Debug Reward');
        await notification(page, 'has no `python` reward');
        const recipe = join(workspace, 'runs', 'trained.srft.json');
        const reward = { parts: [{ kind: 'python', path: 'reward.py' }] };
        writeFileSync(recipe, JSON.stringify({ ...(JSON.parse(readFileSync(recipe, 'utf8')) as object), reward }));
        await command(page, 'SRFT: Debug Reward');
        const absent = await notification(page, 'needs the Python Debugger extension');
        await absent.getByText('Show Extension').click();
        await page.locator('.sidebar .extensions-viewlet').waitFor();
        assert.deepEqual(complaints(), []);
      },
      {
        settings: { 'srft.environment.python': projectPython },
        fill: (workspace) => {
          copyRun(workspace, 'trained', 'trained');
          const demo = join(equipment().root, 'trainer', 'demo');
          cpSync(join(demo, 'data'), join(workspace, 'data'), { recursive: true });
          const recipe = readFileSync(join(demo, 'recipes', 'srft.srft.json'), 'utf8');
          // Where the run says that its recipe was.
          writeFileSync(join(workspace, 'runs', 'trained.srft.json'), recipe);
        },
      },
    );
  });
});
