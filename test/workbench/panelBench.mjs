import { appendFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stepLine } from '../../scripts/lib/longRuns.mjs';
import {
  centreOf,
  closeEditors,
  drawn,
  median,
  now,
  openFolder,
  rowOf,
  patienceMs,
  showOurView,
} from './benchHands.mjs';
import {
  comparedCount,
  comparedNames,
  comparedSteps,
  groupSize,
  longNames,
  longSteps,
  writeRuns,
} from './benchRuns.mjs';
import { command, launchBrowser, ready, screenshot, webviewFrame } from './browser.mjs';
import { measureList, measurePanning } from './fluencyBench.mjs';
import { measureGroup } from './groupBench.mjs';
import { startServer, workbenchUrl } from './server.mjs';
import { debugLog, measureTraces } from './traceBench.mjs';

const repeats = 5;

/**
 * Every figure is from what a person does to the frame that shows its result, by the machine's clock.
 * @param {object} options
 * @param {import('./equipment.mjs').Workbench} options.workbench
 * @param {string} options.vsix
 * @param {string} options.folder for runs; its owner removes it
 * @param {string} options.pictures
 * @param {readonly string[]} options.wanted keys
 * @returns {Promise<Record<string, number>>}
 */
export async function measurePanel({ workbench, vsix, folder, pictures, wanted }) {
  const place = await writeRuns(folder);
  const server = await startServer(workbench, {
    vsix: [vsix],
    settings: { 'workbench.colorTheme': 'Dark Modern', 'srft.notifications': 'none' },
  });
  const browser = await launchBrowser(workbench);
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(patienceMs);
    await page.goto(workbenchUrl(server, { folder: place.workspace, payload: [debugLog] }));
    await ready(page);
    await showOurView(page);
    const bench = { browser, page, place, pictures, serverFolder: server.folder };
    const isWanted = (/** @type {string[]} */ ...keys) => keys.some((key) => wanted.includes(key));
    /** @type {Record<string, number>} */
    const figures = {};
    const take = async (/** @type {string} */ name, /** @type {() => Promise<Record<string, number>>} */ work) => {
      try {
        Object.assign(figures, await work());
      } catch (error) {
        process.stderr.write(`${name}: ${error instanceof Error ? error.message : error}\n`);
        await screenshot(page, join(pictures, `failed-${name}.png`));
        await page.keyboard.press('Escape');
        await closeEditors(page).catch(() => undefined);
      }
    };
    await rowOf(page, 'small').waitFor();
    await take('warm', () => warmUp(bench));
    if (isWanted('open_100k_first_frame_ms', 'open_100k_complete_ms', 'reopen_100k_ms', 'reshow_ms')) {
      await take('open', () => opening(bench));
      if (isWanted('reshow_ms')) await take('reshow', () => reshowing(bench));
    }
    if (isWanted('compare_10x10x10k_ms', 'compare_10x10x10k_cold_ms')) await take('compare', () => comparing(bench));
    if (isWanted('event_to_screen_ms')) await take('event', () => appending(bench));
    if (isWanted('rollouts_100k_open_ms', 'rollouts_scroll_p95_ms')) await take('rollouts', () => measureList(bench));
    if (isWanted('group_64x4k_open_ms')) await take('group', () => grouping(bench));
    if (isWanted('trace_8k_provider_ms', 'trace_tint_vs_plain', 'trace_64k_open_ms', 'trace_64k_scroll_block_ms'))
      await take('traces', () => measureTraces(bench));
    if (isWanted('pan_frame_ms', 'pan_frame_p95_ms')) await take('pan', () => measurePanning(bench));
    if (isWanted('activation_ms')) await take('activation', () => activating(bench));
    return figures;
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{ browser: import('playwright-core').Browser, page: Page, place: Awaited<ReturnType<typeof writeRuns>>, pictures: string, serverFolder: string }} Bench */

/** The first webview of a session takes seconds; what every later one costs without anything in it is told besides. @param {Bench} bench */
async function warmUp({ page, pictures }) {
  const small = await centreOf(rowOf(page, 'small'));
  /** @type {number[]} */
  const times = [];
  for (let turn = 0; turn <= repeats; turn += 1) {
    const start = now();
    await page.mouse.click(small.x, small.y);
    const { first } = await drawn(page, 20);
    if (turn > 0) times.push(first - start);
    await screenshot(page, join(pictures, 'small.png'));
    await closeEditors(page);
  }
  return { open_20_steps_ms: median(times) };
}

/** @param {Bench} bench */
async function opening({ page, place, pictures }) {
  /** @type {number[]} */
  const firsts = [];
  /** @type {number[]} */
  const lasts = [];
  for (const name of longNames) {
    const start = await openFolder(page, join(place.elsewhere, name));
    const { first, last } = await drawn(page, longSteps);
    firsts.push(first - start);
    lasts.push(last - start);
    await screenshot(page, join(pictures, 'long.png'));
    await closeEditors(page);
  }
  const row = await centreOf(rowOf(page, 'long'));
  /** @type {number[]} */
  const again = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    await sleep(500);
    const clicked = now();
    await page.mouse.click(row.x, row.y);
    again.push((await drawn(page, longSteps)).last - clicked);
    if (turn < repeats - 1) await closeEditors(page);
  }
  return {
    open_100k_first_frame_ms: median(firsts),
    open_100k_complete_ms: median(lasts),
    reopen_100k_ms: median(again),
  };
}

/** Another editor lies over the panel of the long run, and is left again. @param {Bench} bench */
async function reshowing({ page }) {
  const panel = await centreOf(page.locator('.tabs-container .tab', { hasText: 'long' }));
  await command(page, 'Preferences: Open User Settings (JSON)');
  const other = await centreOf(page.locator('.tabs-container .tab', { hasText: 'settings.json' }));
  /** @type {number[]} */
  const times = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    await page.mouse.click(other.x, other.y);
    await sleep(500);
    const shown = await watchForFrame(page);
    const start = now();
    await page.mouse.click(panel.x, panel.y);
    times.push((await shown()) - start);
  }
  await closeEditors(page);
  return { reshow_ms: median(times) };
}

/**
 * Looks at each frame until a hidden webview stands on the screen again; the result tells when that was painted.
 * @param {Page} page @returns {Promise<() => Promise<number>>}
 */
async function watchForFrame(page) {
  const watched = await page.evaluateHandle(() => {
    const window = /** @type {any} */ (globalThis);
    const isShown = () => {
      const frame = window.document.querySelector('iframe.webview');
      return frame !== null && window.getComputedStyle(frame).visibility === 'visible' && frame.clientWidth > 0;
    };
    if (isShown()) throw new Error('the panel is not hidden');
    const at = new Promise((resolve) => {
      const look = () => {
        // A frame's callbacks come before it is painted, a task after.
        if (isShown()) setTimeout(() => resolve(Date.now()));
        else window.requestAnimationFrame(look);
      };
      look();
    });
    return { at };
  });
  return () => watched.evaluate(({ at }) => at);
}

/** @param {Bench} bench */
async function comparing({ page, place, pictures }) {
  for (const name of comparedNames) renameSync(join(place.elsewhere, name), join(place.workspace, 'runs', name));
  // Cold: until the files of all eight are read, and then all curves drawn; what a person takes to choose is not in it.
  await command(page, 'SRFT: Refresh Runs');
  const start = now();
  await allRead(page, comparedNames);
  const readMs = (now() - start) * (comparedCount / comparedNames.length);
  /** @type {number[]} */
  const times = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    await closeEditors(page);
    await command(page, 'SRFT: Compare Runs');
    const input = page.locator('.quick-input-widget:visible input[type=text]');
    await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'compare-a' }).first().waitFor();
    await input.fill('compare-a');
    await page;
    // The box that chooses all that are left stands before the words.
    const words = await input.boundingBox();
    if (words !== null) await page.mouse.click(words.x - 14, words.y + words.height / 2);
    await page.locator('.quick-input-count:visible', { hasText: `${comparedCount} Selected` }).waitFor();
    await input.focus();
    const confirmed = now();
    await page.keyboard.press('Enter');
    times.push((await drawn(page, comparedCount * comparedSteps)).last - confirmed);
  }
  await screenshot(page, join(pictures, 'compare.png'));
  const charts = await webviewFrame(page).locator('.plot').count();
  await closeEditors(page);
  const cached = median(times);
  return {
    compare_10x10x10k_ms: cached,
    compare_10x10x10k_cold_ms: readMs + (times[0] ?? NaN),
    compared_charts: charts,
    compared_read_ms: readMs,
  };
}

/** @param {Page} page @param {readonly string[]} names */
async function allRead(page, names) {
  const isRead = async (/** @type {string} */ name) =>
    /finished/.test(
      (await rowOf(page, name)
        .innerText({ timeout: 100 })
        .catch(() => '')) ?? '',
    );
  const end = now() + patienceMs;
  for (const name of names) {
    while (!(await isRead(name))) {
      if (now() > end) throw new Error(`${name} was not read`);
      await sleep(10);
    }
  }
}

/** @param {Bench} bench */
async function appending({ page, place }) {
  await sleep(1000);
  const live = await centreOf(rowOf(page, 'live'));
  await page.mouse.click(live.x, live.y);
  await drawn(page, comparedSteps);
  const events = join(place.workspace, 'runs', 'live', 'events.jsonl');
  const written = comparedSteps + 50 + 1;
  /** @type {number[]} */
  const times = [];
  for (let turn = 0; turn < 2 * repeats; turn += 1) {
    await sleep(1000 + turn * 37);
    const step = comparedSteps + 1 + turn;
    const line = stepLine(step, written + turn, Date.now() / 1000);
    const start = now();
    appendFileSync(events, line);
    times.push((await drawn(page, step)).last - start);
  }
  await closeEditors(page);
  return { event_to_screen_ms: median(times), event_to_screen_worst_ms: Math.max(...times) };
}

/** @param {Bench} bench */
async function grouping({ page, place, pictures }) {
  await openFolder(page, join(place.elsewhere, 'group'));
  await drawn(page, 1);
  const figures = await measureGroup(page, groupSize.sequences, pictures);
  await closeEditors(page);
  return figures;
}

/** As VS Code itself tells it, in windows that have come to rest. @param {Bench} bench */
async function activating({ page, pictures }) {
  /** @type {number[]} */
  const times = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    await closeEditors(page);
    await command(page, 'View: Show Explorer');
    await Promise.all([page.waitForEvent('load'), command(page, 'Developer: Reload Window')]);
    await ready(page);
    await sleep(4000);
    await showOurView(page);
    await rowOf(page, 'small').waitFor();
    await command(page, 'Developer: Show Running Extensions');
    const row = page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'SRFT Studio' });
    await row.waitFor();
    await screenshot(page, join(pictures, 'activation.png'));
    times.push(Number(/([\d.]+) ?ms/.exec(await row.innerText())?.[1]));
  }
  return { activation_ms: median(times) };
}
