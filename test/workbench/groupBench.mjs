import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, now, patienceMs } from './benchHands.mjs';
import { screenshot, webviewFrame } from './browser.mjs';

const repeats = 5;

/**
 * From the key in the list of rollouts to the frame that shows the whole group. The run's panel is in front.
 * @param {import('playwright-core').Page} page
 * @param {number} sequences
 * @param {string} pictures
 */
export async function measureGroup(page, sequences, pictures) {
  /** @type {number[]} */
  const times = [];
  for (let turn = 0; turn <= repeats; turn += 1) {
    const list = webviewFrame(page).locator('.list-body');
    await webviewFrame(page).locator('.rollouts .item.row').first().click();
    await webviewFrame(page).locator('.preview-body').waitFor();
    await sleep(500);
    await list.focus();
    const start = now();
    await page.keyboard.press('g');
    const shown = (await groupShown(page, sequences)) - start;
    // The first one is without the code that the others find compiled.
    if (turn > 0) times.push(shown);
    await screenshot(page, join(pictures, 'group.png'));
    if (turn < repeats) await page.locator('.tab.active').click({ button: 'middle' });
  }
  return { group_64x4k_open_ms: median(times) };
}

/** @param {import('playwright-core').Page} page @param {number} sequences */
async function groupShown(page, sequences) {
  const end = now() + patienceMs;
  while (now() < end) {
    const mark = await webviewFrame(page)
      .locator('body')
      .evaluate(
        () => {
          const found = /** @type {any} */ (performance.getEntriesByName('srft:group').at(0));
          return { at: performance.timeOrigin + (found?.startTime ?? NaN), rows: Number(found?.detail) };
        },
        undefined,
        { timeout: 200 },
      )
      .catch(() => undefined);
    if (mark?.rows === sequences) return mark.at;
    await sleep(10);
  }
  throw new Error(`no group of ${sequences} sequences was shown`);
}
