import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameLocator, Page } from 'playwright-core';
import { command, webviewFrame } from '../browser.mjs';
import { eventually } from '../support/eventually';
import { writeHostileRun } from '../support/hostileRun';
import { chooseFromMenu } from '../support/menu';
import { chooseTheme, keepPicture, seriousFindings } from '../support/panelLooks';
import { copyRun } from '../support/recordedRun';
import { selectedText } from '../support/selectedText';
import { withWindow } from '../support/window';

/** A theme, its class in a webview, and the name of its picture; the window begins in the first. */
const themes = [
  ['Dark Modern', 'vscode-dark', 'analyses-dark'],
  ['Light Modern', 'vscode-light', 'analyses-light'],
  ['Dark High Contrast', 'vscode-high-contrast', 'analyses-high-contrast'],
] as const;
const figures = ['accuracy', 'dynamics', 'weights', 'pull', 'entropy', 'ratio', 'scatter', 'profile'];

/** A recorded run of three steps as it was after its second; returns what makes it whole. */
function copyUnfinished(workspace: string): () => void {
  const events = join(copyRun(workspace, 'trained', 'trained'), 'events.jsonl');
  const whole = readFileSync(events, 'utf8');
  const lines = whole.split('\n');
  const second = lines.findIndex((line) => isStep(line, 2));
  writeFileSync(events, `${lines.slice(0, second + 1).join('\n')}\n`);
  return () => {
    writeFileSync(events, whole);
  };
}

function isStep(line: string, step: number): boolean {
  if (line === '') return false;
  const event = JSON.parse(line) as { readonly kind: string; readonly step?: number };
  return event.kind === 'step' && event.step === step;
}

async function openFromTree(page: Page, run: string): Promise<FrameLocator> {
  await chooseFromMenu(page, page.locator('.sidebar .monaco-list-row', { hasText: run }).first(), 'Show Analyses');
  await page.locator('.tab.active', { hasText: 'analyses' }).waitFor();
  const view = webviewFrame(page);
  await view.locator('.tokens-head', { hasText: 'sequences' }).waitFor();
  return view;
}

/** Is something drawn on every canvas of a figure? */
async function isDrawn(view: FrameLocator, figure: string): Promise<boolean> {
  const canvases = view.locator(`[data-figure=${figure}] canvas`);
  const inks = await canvases.evaluateAll((elements) =>
    elements.map((element) => {
      const canvas = element as unknown as { readonly width: number; readonly height: number } & {
        getContext(kind: '2d'): {
          getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray };
        };
      };
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((count, value, place) => count + Number(place % 4 === 3 && value > 0), 0);
    }),
  );
  return inks.length > 0 && inks.every((ink) => ink > 2000);
}

/** Put the mouse onto a mark of the scatter. */
async function findPoint(page: Page, view: FrameLocator): Promise<void> {
  const room = view.locator('.scatter');
  await room.scrollIntoViewIfNeeded();
  const box = await room.boundingBox();
  assert.ok(box !== null);
  for (let y = 24; y < box.height - 40; y += 8)
    for (let x = 60; x < box.width - 10; x += 60) {
      await page.mouse.move(box.x + x, box.y + y);
      if ((await view.locator('.scatter.on-point').count()) > 0) return;
    }
  assert.fail('there is no mark under the mouse');
}

describe('the analyses of a run', () => {
  let grow = (): void => undefined;

  it('are drawn live, read by keys and in every theme, lead to the token of a point, and come back', async () => {
    await withWindow(
      'analyses',
      async ({ page, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        const view = await openFromTree(page, 'trained');
        await view.locator('.analyses-head', { hasText: 'step 2 / 3' }).waitFor();
        const before = await view.locator('.tokens-head').innerText();
        grow();
        await view.locator('.analyses-head', { hasText: 'step 3 / 3' }).waitFor();
        await view.locator('.tokens-head', { hasText: '72 sequences' }).waitFor();
        assert.notEqual(await view.locator('.tokens-head').innerText(), before);
        for (const figure of figures) {
          await eventually(`a drawing of ${figure}`, () => isDrawn(view, figure));
          const words = await view.locator(`[data-figure=${figure}] figcaption`).innerText();
          assert.match(words, /arXiv 2506\.19767/);
        }

        // Keys read a plot, and its numbers stand in a table.
        const pull = view.locator('[data-figure=pull]');
        await pull.getByRole('group', { name: /^Share of the pull/ }).focus();
        await page.keyboard.press('Home');
        await pull
          .getByRole('status')
          .filter({ hasText: /^step 1: own, right 0\.\d+, own, wrong 0\.\d+/ })
          .waitFor();
        await pull.getByText('Numbers of pull').click();
        assert.equal(await pull.locator('table').first().locator('tbody tr').count(), 3);

        // Other steps; what was chosen survives a reload of the window.
        await view.getByLabel('First step').fill('3');
        await view.getByLabel('Last step').fill('2');
        await view.getByRole('alert').waitFor();
        await view.getByLabel('Last step').fill('3');
        await page.keyboard.press('Enter');
        await view.locator('.tokens-head', { hasText: '24 sequences, step 3.' }).waitFor();
        await page.waitForTimeout(500);
        await Promise.all([page.waitForEvent('load'), command(page, 'Developer: Reload Window')]);
        await page.locator('.tab.active', { hasText: 'trained · analyses' }).waitFor();
        await webviewFrame(page).locator('.tokens-head', { hasText: '24 sequences, step 3.' }).waitFor();
        await webviewFrame(page).getByRole('button', { name: 'Whole run' }).click();
        await webviewFrame(page).locator('.tokens-head', { hasText: '72 sequences' }).waitFor();

        // A mark leads to its token, by the mouse and by keys.
        await findPoint(page, view);
        const token = (await view.locator('.point-words .mono').innerText()).slice(1, -1);
        await page.mouse.down();
        await page.mouse.up();
        await page.locator('.tab.active', { hasText: /rollout \d|demonstration/i }).waitFor();
        await page.locator('.codelens-decoration').first().waitFor();
        assert.equal((await selectedText(page)).trim(), token.replaceAll('\\n', '').trim());
        await page.locator('.tab', { hasText: 'trained · analyses' }).click();
        await view.locator('[data-figure=scatter] canvas').waitFor();
        await view.locator('.scatter').focus();
        await page.keyboard.press('End');
        await view.locator('.point-words .mono').waitFor();
        await page.keyboard.press('Enter');
        await page.locator('.tab.active', { hasText: /rollout \d|demonstration/i }).waitFor();
        await page.locator('.tab', { hasText: 'trained · analyses' }).click();
        await view.locator('[data-figure=scatter] canvas').waitFor();

        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        for (const [theme, className, picture] of themes) {
          if (theme !== 'Dark Modern') await chooseTheme(page, theme, className);
          await page.mouse.move(0, 0);
          for (const [place, figure] of ['accuracy', 'pull', 'scatter'].entries()) {
            await view.locator('.analyses').evaluate((element, name) => {
              const shown = element.querySelector(`[data-figure=${name}]`) as { readonly offsetTop: number } | null;
              element.scrollTo(0, (shown?.offsetTop ?? 0) - 8);
            }, figure);
            await page.waitForTimeout(300);
            await keepPicture(page, `${picture}-${place + 1}`, false);
          }
          assert.deepEqual(await seriousFindings(page), [], theme);
        }
        await page.setViewportSize({ width: 640, height: 900 });
        await page.waitForTimeout(500);
        await keepPicture(page, 'analyses-narrow', false);
        const isWide = await view
          .locator('body')
          .evaluate(({ ownerDocument }) => (ownerDocument.scrollingElement?.scrollWidth ?? 0) > innerWidth);
        assert.equal(isWide, false);
        await page.setViewportSize({ width: 1400, height: 900 });

        // A run with two phases, beside the other.
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        const phased = await openFromTree(page, 'phased');
        await phased.locator('[data-figure=accuracy]', { hasText: 'on either side of the change of phase' }).waitFor();
        await phased.locator('[data-figure=ratio]', { hasText: 'has no ratio f(p)' }).waitFor();
        await phased.getByRole('button', { name: 'Compare With…' }).click();
        await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'trained' }).click();
        await phased.getByRole('button', { name: /^Beside trained/ }).waitFor();
        await phased.locator('[data-figure=dynamics] .plot-legend', { hasText: 'trained' }).first().waitFor();
        await page.waitForTimeout(500);
        await keepPicture(page, 'analyses-phases', false);
        await phased.getByRole('button', { name: /^Beside trained/ }).click();
        await phased.getByRole('button', { name: 'Compare With…' }).waitFor();

        // What was not recorded is said, and what would be markup is text.
        const hostile = await openFromTree(page, 'onerror');
        await hostile.locator('h1', { hasText: '<img src=x onerror=' }).waitFor();
        await hostile.locator('.tokens-head', { hasText: 'No pull of a token was recorded' }).waitFor();
        await hostile.locator('[data-figure=pull]', { hasText: 'No pull has been read of these steps' }).waitFor();
        assert.equal(await hostile.locator('body').locator('img, script:not([nonce]), a').count(), 0);
        assert.ok(!(await hostile.locator('body').innerText()).includes('\u202e'));

        // From the run's panel the view that is there comes to the front.
        await page.locator('.sidebar .monaco-list-row', { hasText: 'trained' }).dblclick();
        await webviewFrame(page).getByRole('button', { name: 'Analyses', exact: true }).click();
        await page.locator('.tab.active', { hasText: 'trained · analyses' }).waitFor();
        assert.equal(await page.locator('.tab', { hasText: 'trained · analyses' }).count(), 1);
        assert.deepEqual(complaints(), []);
      },
      {
        fill: async (workspace) => {
          grow = copyUnfinished(workspace);
          copyRun(workspace, 'phased');
          await writeHostileRun(workspace);
        },
      },
    );
  });
});
