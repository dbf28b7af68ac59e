import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { isSameGroup } from '../../../core/rolloutIndex';
import { RunStore } from '../../../src/runs/runStore';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { seriousFindings } from '../support/panelLooks';
import { withWindow } from '../support/window';

/** An environment is made and a model is trained meanwhile. */
const startLimitMs = 300_000;
const endLimitMs = 600_000;

describe('the main job', () => {
  it('trains the demo from the palette to its end, with no help', async () => {
    const { reports } = equipment();
    await withWindow('demo', async ({ page, workspace, serverFolder, complaints }) => {
      const picture = (name: string): Promise<void> => screenshot(page, join(reports, 'ui', `demo-${name}.png`));
      await command(page, 'SRFT: Train the Demo');
      const panel = webviewFrame(page);
      await panel.getByText('starting the trainer').waitFor({ timeout: startLimitMs });
      await picture('starting');
      await panel.getByText('step 5 / 60').waitFor({ timeout: startLimitMs });
      await picture('running');
      assert.deepEqual(await seriousFindings(page), []);
      await panel.getByText('Finished').first().waitFor({ timeout: endLimitMs });
      await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
      const row = page.locator('.sidebar .monaco-list-row', { hasText: 'demo-' }).first();
      await eventually('the run in the tree', async () => /finished · step 60 \/ 60/.test(await row.innerText()));
      await picture('finished');
      const accuracy = /held-out ([\d.]+) %/.exec(await row.innerText())?.[1];
      assert.ok(Number(accuracy) >= 80, `the demo learned: ${accuracy ?? 'no figure'} %`);

      // A wrong answer of the first step, which the base wrote: what base and last checkpoint say of it, and how it
      // could have gone on.
      const directory = runIn(workspace) ?? runIn(serverFolder) ?? '';
      await openTrace(page, directory, await wrongBesideRight(directory));
      for (const checkpoint of ['base', 'step 60']) {
        await command(page, 'SRFT: Score With Checkpoint');
        await entry(page, new RegExp(`^${checkpoint}`)).click();
        await page.locator('.statusbar-item', { hasText: `Tint: Δ probability, ${checkpoint}` }).waitFor();
      }
      await command(page, 'SRFT: Choose Tint of Trace');
      await entry(page, 'Δ probability, step 60 − base').click();
      await page.locator('.statusbar-item', { hasText: 'step 60 − base' }).waitFor();
      await picture('scored');
      await page.locator('.editor-group-container.active .view-line').first().click();
      await page.keyboard.press('F8');
      await page.keyboard.press('Alt+r');
      await entry(page, /^base/).click();
      await entry(page, 'as written').waitFor();
      await entry(page, /p [\d.e-]+ · rank/).click();
      await entry(page, /8 from seed/).click();
      const group = webviewFrame(page);
      const judged = group.locator('.samples tr.reroll .verdict');
      await eventually('eight re-rolls that are judged', async () => (await judged.count()) === 8, {
        withinMs: 60_000,
      });
      assert.match(
        await group.locator('.reroll-facts').innerText(),
        /re-rolls 8, not from training: \d right, \d wrong/,
      );
      await picture('rerolled');
      assert.deepEqual(complaints(), []);
    });
  });
});

function entry(page: Page, words: string | RegExp): Locator {
  return page.locator('.quick-input-widget:visible .monaco-list-row', { hasText: words }).first();
}

/** The directory of the one run below a folder. */
function runIn(folder: string): string | undefined {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const file = paths.find((path) => basename(path) === 'run.json');
  return file === undefined ? undefined : dirname(join(folder, file));
}

/** Id of a wrong rollout of the first step, of which others of the group were right. */
async function wrongBesideRight(directory: string): Promise<string> {
  const store = await RunStore.open(directory);
  if (store.kind === 'broken') throw new Error(store.reason);
  await store.value.readAll();
  const { index } = store.value;
  const first = [...index.ids.keys()].filter(
    (row) => index.kinds[row] === 'rollout' && index.numbers.step.values[row] === 1,
  );
  const isRight = (row: number): boolean => index.correct.values[row] === 1;
  const row = first.find(
    (wrong) => !isRight(wrong) && first.some((other) => isRight(other) && isSameGroup(index, other, wrong)),
  );
  await store.value.close();
  return index.ids[row ?? -1] ?? '';
}

async function openTrace(page: Page, directory: string, id: string): Promise<void> {
  const { run_id: run } = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as { readonly run_id: string };
  await command(page, 'SRFT: Open Trace');
  const link = `vscode://srft-studio.srft-studio/trace?${new URLSearchParams({ run, rollout: id }).toString()}`;
  await page.locator('.quick-input-widget:visible input').first().fill(link);
  await page.keyboard.press('Enter');
  await page.locator('.codelens-decoration').first().waitFor();
}
