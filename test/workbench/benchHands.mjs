import { setTimeout as sleep } from 'node:timers/promises';
import { command, webviewFrame } from './browser.mjs';

/** @typedef {import('playwright-core').Page} Page */

/** How long anything may take before it counts as failed. */
export const patienceMs = 40_000;

/** @param {Page} page @param {string} path @returns {Promise<number>} when it was confirmed */
export async function openFolder(page, path) {
  await command(page, 'SRFT: Open Run');
  await page.locator('.quick-input-title', { hasText: 'Open a run directory' }).waitFor();
  const input = page.locator('.quick-input-widget:visible input[type=text]');
  await sleep(500);
  await input.fill(path);
  await sleep(1500);
  const start = now();
  await page.keyboard.press('Enter');
  return start;
}

/**
 * When the panel in front first drew curves, and when they first stood for so many rows (`drawnRows` in webview/curves.ts).
 * @param {Page} page @param {number} rows @param {number} [since] earlier pages are not meant
 * @returns {Promise<{ made: number, first: number, last: number }>} made: when the editor had made the webview and began to load our page
 */
export async function drawn(page, rows, since = 0) {
  const end = now() + patienceMs;
  while (now() < end) {
    const marks = await webviewFrame(page)
      .locator('body')
      .evaluate(
        () =>
          ['srft:first', 'srft:drawn'].map((name) => {
            const mark = /** @type {any} */ (performance.getEntriesByName(name).at(-1));
            const made = performance.timeOrigin;
            return { made, at: made + (mark?.startTime ?? NaN), rows: Number(mark?.detail) };
          }),
        undefined,
        { timeout: 200 },
      )
      .catch(() => undefined);
    const [first, last] = marks ?? [];
    if (first !== undefined && last?.rows === rows && last.at > since)
      return { made: first.made, first: first.at, last: last.at };
    await sleep(15);
  }
  throw new Error(`no frame of ${rows} rows came`);
}

/** @param {Page} page */
export async function closeEditors(page) {
  await command(page, 'View: Close All Editors');
  await page.locator('.tabs-container .tab').first().waitFor({ state: 'detached' });
}

/** @param {Page} page */
export function showOurView(page) {
  return page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
}

/** @param {Page} page @param {string} name */
export function rowOf(page, name) {
  return page.locator('.sidebar .monaco-list-row', { hasText: name }).first();
}

/** @param {import('playwright-core').Locator} locator */
export async function centreOf(locator) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  if (box === null) throw new Error('nothing to point at');
  return { x: box.x + Math.min(box.width, 400) / 2, y: box.y + Math.min(box.height, 400) / 2 };
}

export function now() {
  return performance.timeOrigin + performance.now();
}

/** @param {readonly number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/** @param {readonly number[]} values @param {number} share */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
