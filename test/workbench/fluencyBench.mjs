import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { centreOf, closeEditors, drawn, median, now, openFolder, quantile } from './benchHands.mjs';
import { screenshot, webviewFrame } from './browser.mjs';
import { frameTimes } from './frameTimes.mjs';

/** @typedef {import('./panelBench.mjs').Bench} Bench */

const repeats = 5;

/** A list of 100,000 rollouts: how soon it is there, and the frames of scrolling it. @param {Bench} bench */
export async function measureList({ browser, page, place, pictures }) {
  await openFolder(page, join(place.elsewhere, 'listed'));
  await drawn(page, 1000);
  const frame = webviewFrame(page);
  await frame.locator('.rollouts .item').first().waitFor();
  await sleep(1500);
  // All steps are brushed by the keyboard: the end with Shift, from the beginning.
  const charts = frame.locator('.panels');
  /** @type {number[]} */
  const times = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    await charts.focus();
    await charts.press('Escape');
    await frame.locator('.filter', { hasText: 'All 1,000' }).waitFor();
    await charts.press('Home');
    const start = now();
    await page.keyboard.press('Shift+End');
    const shown = await frame.locator('body').evaluate(async () => {
      const { document, requestAnimationFrame } = /** @type {any} */ (globalThis);
      const isShown = () => /All 100,000/.test(document.querySelector('.filters')?.textContent ?? '');
      while (!isShown()) await new Promise((resolve) => requestAnimationFrame(resolve));
      return performance.timeOrigin + performance.now();
    });
    times.push(shown - start);
  }
  await frame.locator('vscode-dropdown[aria-label="Grouping"]').evaluate((element) => {
    /** @type {any} */ (element).value = 'none';
    element.dispatchEvent(new Event('change'));
  });
  await sleep(1000);
  await screenshot(page, join(pictures, 'rollouts.png'));
  const body = await centreOf(frame.locator('.list-body'));
  await page.mouse.move(body.x, body.y);
  const { all } = await frameTimes(browser, page, async () => {
    for (let turn = 0; turn < 150; turn += 1) {
      await page.mouse.wheel(0, 400 + turn * 10);
      await sleep(16);
    }
  });
  await closeEditors(page);
  return {
    rollouts_100k_open_ms: median(times),
    rollouts_scroll_p95_ms: quantile(all, 0.95),
    rollouts_scroll_ms: median(all),
    rollouts_scroll_frames: all.length,
  };
}

/** The frames of moving and zooming curves of a million points. @param {Bench} bench */
export async function measurePanning({ browser, page, place, pictures }) {
  await openFolder(page, join(place.elsewhere, 'million'));
  await drawn(page, 1_000_000);
  await sleep(1500);
  const frame = webviewFrame(page);
  const overlay = await centreOf(frame.locator('.overlay'));
  await page.mouse.move(overlay.x, overlay.y);
  const move = async (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ times) => {
    for (let turn = 0; turn < times; turn += 1) {
      await page.mouse.wheel(x, y);
      await sleep(16);
    }
  };
  await move(0, -100, 10);
  await sleep(500);
  const { all } = await frameTimes(browser, page, async () => {
    await move(25, 0, 100);
    await move(-25, 0, 100);
    await move(0, -40, 50);
    await move(0, 40, 50);
  });
  await screenshot(page, join(pictures, 'million.png'));
  const curves = await frame.locator('.legend-line, .legend tr, .legend li').count();
  await closeEditors(page);
  return {
    pan_frame_ms: median(all),
    pan_frame_p95_ms: quantile(all, 0.95),
    pan_frames: all.length,
    pan_curves: curves,
  };
}
