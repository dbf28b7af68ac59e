import { setTimeout as sleep } from 'node:timers/promises';

/** Events of a trace under which scripts run; their sum is an upper bound, for a script may wait for the layout in them. */
const scripts = new Set([
  'FunctionCall',
  'EvaluateScript',
  'RunMicrotasks',
  'FireAnimationFrame',
  'TimerFire',
  'EventDispatch',
]);

/**
 * Microseconds by the clock, and by the thread's own, which stands still while another process has the core.
 * @typedef {{ at: number, until: number, start: number, end: number, isFrame: boolean }} Slice
 */

/**
 * How long scripts ran in each frame while `work` went on: those of the busiest page's main thread, the workbench's own
 * included where it shares the thread. Frames without any script are left out.
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').Page} page
 * @param {() => Promise<void>} work
 * @returns {Promise<{ all: number[] }>} milliseconds
 */
export async function frameTimes(browser, page, work) {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] });
  await work();
  await sleep(200);
  const trace = JSON.parse((await browser.stopTracing()).toString());
  /** @type {Map<string, Slice[]>} */
  const threads = new Map();
  for (const { ph, name, ts, dur, tts, tdur, pid, tid } of trace.traceEvents) {
    if (ph !== 'X' || !scripts.has(name)) continue;
    const key = `${pid} ${tid}`;
    const events = threads.get(key) ?? [];
    events.push({
      at: ts,
      until: ts + (dur ?? 0),
      start: tts,
      end: tts + (tdur ?? 0),
      isFrame: name === 'FireAnimationFrame',
    });
    threads.set(key, events);
  }
  const byFrames = [...threads.values()].sort((a, b) => framesIn(b) - framesIn(a));
  return { all: framesOf(byFrames[0] ?? []) };
}

/** @param {{ isFrame: boolean }[]} events */
function framesIn(events) {
  return events.filter(({ isFrame }) => isFrame).length;
}

/** Callbacks of one frame follow each other at once. */
const sameFrameMicroseconds = 4000;

/** @param {Slice[]} events */
function framesOf(events) {
  events.sort((a, b) => a.at - b.at || b.until - a.until);
  const sums = [];
  let sum = 0;
  let covered = -Infinity;
  let frameEnd = -Infinity;
  for (const { at, until, start, end, isFrame } of events) {
    // A frame begins with its callbacks; what runs until the next one's counts for it.
    if (isFrame && at - frameEnd > sameFrameMicroseconds) {
      sums.push(sum);
      sum = 0;
    }
    if (isFrame) frameEnd = Math.max(frameEnd, until);
    sum += Math.max(0, end - Math.max(start, covered));
    covered = Math.max(covered, end);
  }
  sums.push(sum);
  return sums.slice(1).map((microseconds) => microseconds / 1000);
}
