import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeEditors, centreOf, median, now } from './benchHands.mjs';
import { plainName, traceCount } from './benchRuns.mjs';
import { command, screenshot } from './browser.mjs';

/** @typedef {import('./panelBench.mjs').Bench} Bench */

/** Makes the extension write how long its own work on a trace took. */
export const debugLog = /** @type {[string, string]} */ (['logLevel', 'srft-studio.srft-studio=debug']);

const tinted = '.editor-group-container.active .view-overlays [class*="ced-"]';
const written = '.editor-group-container.active .view-lines .view-line span span';

/**
 * Traces in the editor: to the first tint, against a plain file of equal length in turn; our own time; scrolling.
 * @param {Bench} bench
 */
export async function measureTraces({ page, place, pictures, serverFolder }) {
  /** @type {{ tints: number[], plains: number[], long: number[] }} */
  const times = { tints: [], plains: [], long: [] };
  for (let turn = 0; turn < traceCount; turn += 1) {
    const plain = await openPlain(page, plainName(turn));
    const tint = await openTrace(page, join(place.workspace, 'runs', 'traces-8k'), turn);
    // The first of each finds nothing compiled.
    if (turn === 0) continue;
    times.plains.push(plain);
    times.tints.push(tint);
  }
  const opened = own(serverFolder, 'opened').slice(-times.tints.length);
  for (let turn = 0; turn < traceCount; turn += 1) {
    times.long.push(await openTrace(page, join(place.workspace, 'runs', 'traces-64k'), turn, turn === traceCount - 1));
  }
  const before = own(serverFolder, 'tinted').length;
  const lines = await centreOf(page.locator('.editor-group-container.active .view-lines'));
  await page.mouse.move(lines.x, lines.y);
  for (let turn = 0; turn < 200; turn += 1) {
    await page.mouse.wheel(0, 300 + turn * 20);
    await sleep(16);
  }
  await sleep(500);
  await screenshot(page, join(pictures, 'trace-64k.png'));
  const blocks = own(serverFolder, 'tinted').slice(before);
  await closeEditors(page);
  return {
    trace_8k_provider_ms: median(opened),
    trace_tint_vs_plain: median(times.tints) / median(times.plains),
    trace_64k_open_ms: median(times.long),
    trace_64k_scroll_block_ms: Math.max(...blocks),
    trace_8k_open_ms: median(times.tints),
    plain_open_ms: median(times.plains),
    trace_64k_scroll_tints: blocks.length,
  };
}

/** @param {import('playwright-core').Page} page @param {string} name */
async function openPlain(page, name) {
  await page.keyboard.press('Control+p');
  await page.locator('.quick-input-widget:visible input[type=text]').fill(name);
  await page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: name }).waitFor();
  const shown = untilThere(page, written);
  await sleep(300);
  const start = now();
  await page.keyboard.press('Enter');
  const at = await shown;
  await closeEditors(page);
  return at - start;
}

/** @param {import('playwright-core').Page} page @param {string} run @param {number} number @param {boolean} [isKept] */
async function openTrace(page, run, number, isKept = false) {
  const { run_id: id } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'));
  await command(page, 'SRFT: Open Trace');
  const input = page.locator('.quick-input-widget:visible input[type=text]');
  await input.fill(`vscode://srft-studio.srft-studio/trace?run=${id}&rollout=a1-s1-g0-${number}`);
  const shown = untilThere(page, tinted);
  await sleep(300);
  const start = now();
  await page.keyboard.press('Enter');
  const at = await shown;
  if (!isKept) await closeEditors(page);
  return at - start;
}

/** When the page first had such an element, by the machine's clock. @param {import('playwright-core').Page} page @param {string} selector */
function untilThere(page, selector) {
  return page.evaluate(async (wanted) => {
    const { document, requestAnimationFrame } = /** @type {any} */ (globalThis);
    if (document.querySelector(wanted) !== null) throw new Error(`${wanted} is there before anything was opened`);
    while (document.querySelector(wanted) === null) await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.timeOrigin + performance.now();
  }, selector);
}

/** Milliseconds the extension says it took, in order. @param {string} serverFolder @param {'opened' | 'tinted'} what */
function own(serverFolder, what) {
  const logs = join(serverFolder, 'user-data', 'logs');
  const text = readdirSync(logs, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('SRFT Studio.log'))
    .map((path) => readFileSync(join(logs, path), 'utf8'))
    .join('\n');
  return [...text.matchAll(new RegExp(`${what} srft-trace:.* in ([\\d.]+) ms`, 'g'))].map(([, ms]) => Number(ms));
}
