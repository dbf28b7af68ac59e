import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { command, webviewFrame } from '../browser.mjs';
import { copyRunWithCheckpoints } from '../support/checkpointRun';
import { eventually } from '../support/eventually';
import { chooseFromMenu } from '../support/menu';
import { notification } from '../support/notifications';
import { chooseTheme, keepPicture, seriousFindings } from '../support/panelLooks';
import { processesWithin } from '../support/processes';
import { withWindow } from '../support/window';

/** A theme, its class in a webview, and the name of its picture; the window begins in the first. */
const themes = [
  ['Dark Modern', 'vscode-dark', 'playground-dark'],
  ['Light Modern', 'vscode-light', 'playground-light'],
  ['Dark High Contrast', 'vscode-high-contrast', 'playground-high-contrast'],
] as const;

const question = 'Zoe has 11 stamps. sells 9, gets 5, gets 7, loses 2. How many now?';
const over = /ended by its end token|cut at \d+ tokens/;

/** The second checkpoint gets an end token that it never writes: it goes on until it is stopped. */
function makeEndless(run: string): void {
  for (const name of ['config.json', 'generation_config.json']) {
    const file = join(run, 'checkpoints', 'step-000002', name);
    const fields = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...fields, eos_token_id: 0 }));
  }
}

function column(view: FrameLocator, name: string): Locator {
  return view.getByRole('region', { name: `Answer of ${name}`, exact: true });
}

function written(view: FrameLocator, name: string): Locator {
  return column(view, name).getByRole('group', { name: /Arrow keys read its tokens/ });
}

/** Runs what is written and waits for the ends; gives the texts. */
async function answersOf(page: Page, view: FrameLocator, names: readonly string[]): Promise<string[]> {
  await view.locator('#prompt-text').focus();
  await page.keyboard.press('Control+Enter');
  await view.getByRole('button', { name: 'Run', exact: true }).waitFor();
  for (const name of names) await column(view, name).locator('.answer-state', { hasText: over }).waitFor();
  return Promise.all(names.map((name) => written(view, name).innerText()));
}

async function choose(page: Page, view: FrameLocator, names: readonly string[]): Promise<void> {
  await view.getByRole('button', { name: 'Choose Checkpoints…' }).click();
  for (const name of names) await page.locator('.quick-input-widget .monaco-list-row', { hasText: name }).click();
  await page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
}

describe('the playground', () => {
  it('has checkpoints answer beside each other, by keys and in every theme, and comes back', async () => {
    let run = '';
    await withWindow(
      'playground',
      async ({ page, serverFolder, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        const row = page.locator('.sidebar .monaco-list-row', { hasText: 'trained' }).first();
        await chooseFromMenu(page, row, 'Open Playground');
        await page.locator('.tab.active', { hasText: 'trained · playground' }).waitFor();
        const view = webviewFrame(page);
        await column(view, 'base').waitFor();
        await column(view, 'step 3').waitFor();

        // Two answers, and the same again from the same seed.
        await view.locator('#prompt-text').fill(question);
        const pair = ['base', 'step 3'];
        const first = await answersOf(page, view, pair);
        assert.ok(
          first.every((text) => text.includes('<think>')),
          first.join('\n'),
        );
        assert.notEqual(first[0], first[1]);
        assert.match(await column(view, 'base').locator('.answer-state').innerText(), /cpu, 2 threads/);
        assert.match(
          await column(view, 'base').locator('.answer-sums').innerText(),
          /tokens.*tokens\/s.*Σ log p.*nats/s,
        );
        assert.ok((await written(view, 'base').locator('.tint').count()) > 3);
        assert.deepEqual(await answersOf(page, view, pair), first);
        await view.getByLabel('Seed').fill('12');
        assert.notDeepEqual(await answersOf(page, view, pair), first);
        await view.getByLabel('Seed').fill('1.5');
        await view.getByText('Seed is a whole number from 0 on.').waitFor();
        assert.ok(await view.getByRole('button', { name: 'Run', exact: true }).isDisabled());
        await view.getByRole('button', { name: 'As in the Run' }).click();
        assert.deepEqual(await answersOf(page, view, pair), first);

        // Keys read the tokens, and the prompt is what the template makes.
        await written(view, 'step 3').focus();
        await page.keyboard.press('ArrowRight');
        const line = view.locator('.token-line');
        assert.match(await line.innerText(), /token 1\s+“.*”\s+log p −?\d.*\s+p \d.*\s+entropy .* nats\s+id \d+/s);
        await page.keyboard.press('End');
        await line.getByText('special token').waitFor();
        assert.equal(await view.locator('.at-token').count(), 1);
        await view.getByRole('button', { name: 'Show Prompt' }).click();
        const given = column(view, 'base').getByRole('region', { name: 'Prompt as base is given it' });
        await given.waitFor();
        assert.equal(
          (await given.innerText()).trimEnd(),
          `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant`,
        );
        assert.equal(await given.locator('.special-token').count(), 3);

        for (const [theme, className, picture] of themes) {
          if (theme !== 'Dark Modern') await chooseTheme(page, theme, className);
          await page.mouse.move(0, 0);
          await page.waitForTimeout(300);
          await keepPicture(page, picture, false);
          assert.deepEqual(await seriousFindings(page), [], theme);
        }
        await page.setViewportSize({ width: 640, height: 900 });
        await page.waitForTimeout(500);
        await keepPicture(page, 'playground-narrow', false);
        const isWide = await view
          .locator('body')
          .evaluate(({ ownerDocument }) => (ownerDocument.scrollingElement?.scrollWidth ?? 0) > innerWidth);
        assert.equal(isWide, false);
        await page.setViewportSize({ width: 1400, height: 900 });

        // An answer is kept as a turn.
        await view.getByRole('button', { name: 'Continue With This: the answer of base' }).click();
        await view.locator('.turn', { hasText: 'assistant' }).waitFor();
        await view.locator('#prompt-text').fill('And now?');
        await answersOf(page, view, pair);
        assert.match(await given.innerText(), /<think>[^]*<\|im_end\|>\n<\|im_start\|>user\nAnd now\?<\|im_end\|>/);

        // Prompt, conversation and checkpoints survive a reload of the window.
        await page.waitForTimeout(500);
        await Promise.all([page.waitForEvent('load'), command(page, 'Developer: Reload Window')]);
        await page.locator('.tab.active', { hasText: 'trained · playground' }).waitFor();
        await column(view, 'step 3').waitFor();
        assert.equal(await view.locator('.turn').count(), 2);
        assert.equal(await view.locator('#prompt-text').inputValue(), 'And now?');
        await view.getByRole('button', { name: 'Remove turn 1 and those after it' }).click();
        assert.equal(await view.locator('.turn').count(), 0);

        // A third one that would never end: it goes on while the page is hidden, its process is killed, it is stopped.
        await choose(page, view, ['step 2']);
        await column(view, 'step 2').waitFor();
        await view.locator('#prompt-text').fill(question);
        await view.getByLabel('Max tokens').fill('20000');
        await view.getByLabel('Temperature').fill('0');
        await view.getByRole('button', { name: 'Run', exact: true }).click();
        await column(view, 'step 2').locator('.answer-state', { hasText: 'writing' }).waitFor();
        await row.dblclick();
        await page.locator('.tab.active', { hasText: /^trained$/ }).waitFor();
        const holders = processesWithin(serverFolder).filter(({ words }) =>
          words.some((word) => word.endsWith('modelProcess.cjs')),
        );
        assert.equal(holders.length, 3);
        await page.locator('.tab', { hasText: 'trained · playground' }).click();
        for (const name of pair) await column(view, name).locator('.answer-state', { hasText: over }).waitFor();
        await column(view, 'step 2').locator('.answer-state', { hasText: 'writing' }).waitFor();
        const before = (await written(view, 'step 2').innerText()).slice(0, 200);
        for (const { pid } of holders) process.kill(pid, 'SIGKILL');
        await notification(page, /step 2: its process ended .* started again now/);
        const count = (): Promise<number> => written(view, 'step 2').locator('[data-token]').count();
        const atKill = await count();
        // What was written before is written once more, and told to nobody.
        await eventually('more tokens after the process was killed', async () => (await count()) > atKill, {
          withinMs: 120_000,
        });
        await view.locator('#prompt-text').focus();
        await page.keyboard.press('Escape');
        await column(view, 'step 2')
          .getByText(/stopped after [\d,]+ tokens/)
          .waitFor();
        assert.equal((await written(view, 'step 2').innerText()).slice(0, 200), before);
        await command(page, 'Notifications: Clear All Notifications');

        // A checkpoint that is gone is named; the others answer.
        renameSync(join(run, 'checkpoints', 'step-000002'), join(run, 'step-000002'));
        await view.getByRole('button', { name: 'Run', exact: true }).click();
        await column(view, 'step 2').getByRole('alert').filter({ hasText: 'step-000002' }).waitFor();
        await column(view, 'base').locator('.answer-state', { hasText: over }).waitFor();

        // A checkpoint of the tree takes the place of the third.
        const checkpoint = page.locator('.sidebar .monaco-list-row', { hasText: 'Checkpoint 1' }).first();
        await chooseFromMenu(page, checkpoint, 'Open Playground');
        await column(view, 'step 1').waitFor();
        assert.equal(await view.locator('section.answer').count(), 3);

        // The prompt of a trace is taken over as it was recorded.
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        await page.locator('.tab', { hasText: /^trained$/ }).click();
        await webviewFrame(page).locator('.rollouts .item.row', { hasText: '<think>' }).first().dblclick();
        await page.locator('.tab.active', { hasText: /rollout \d/ }).waitFor();
        await page.locator('.codelens-decoration').first().waitFor();
        await command(page, 'SRFT: Open Playground');
        await page.locator('.tab.active', { hasText: 'trained · playground' }).waitFor();
        await eventually('the prompt of the trace', async () =>
          /^<\|im_start\|>user\n.*How many now\?<\|im_end\|>\n<\|im_start\|>assistant\n$/.test(
            await view.locator('#prompt-text').inputValue(),
          ),
        );
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (workspace) => {
          run = copyRunWithCheckpoints(workspace, 'trained');
          makeEndless(run);
        },
      },
    );
  });
});
