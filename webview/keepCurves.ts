import { computed, effect, signal } from '@preact/signals';
import type { RangeCurves, RunHeader, SeriesRange } from '../core/generated/panel';
import { axis, curves, noCurves, plotWidth, rowsShown, shownSteps, type RunCurves } from './curves';
import { follow } from './follow';
import { ask } from './host';
import { page, runs } from './page';
import { panels } from './panels';

/** Metrics that are drawn, run by run; figures need theirs for the small curves. */
const wantedMetrics = computed<readonly (readonly string[])[]>(() =>
  runs.value.map((run, place) => {
    const drawn = panels.value
      .flatMap(({ lines, stack }) => [...lines, ...stack])
      .filter((curve) => curve.run === place);
    const figures = run.figures.flatMap(({ metric }) => metric ?? []);
    return [...new Set([...drawn.map(({ metric }) => metric), ...figures])]
      .filter((name) => run.metrics.includes(name))
      .slice(0, mostMetrics);
  }),
);

/** The first curves came, or there are none, or they take long. */
export const isFirstAnswered = signal(false);

const patienceMs = 250;
const mostMetrics = 64;
const pauseMs = 100;
const wholePauseMs = 1000;
/** Enough for most widths, so that a whole run needs one question. */
const wholeBuckets = 768;

/** Keep the curves up to date while the panel is visible: at most ten rounds a second, one question at a time. */
export function keepCurves(): void {
  let asking = false;
  let again = false;
  const round = (): void => {
    if (asking) {
      again = true;
      return;
    }
    if (document.hidden || page.peek().kind !== 'runs') return;
    asking = true;
    again = false;
    const answered = askWhatIsMissing();
    if (!isFirstAnswered.peek())
      void Promise.race([answered, waited(patienceMs)]).then(() => {
        isFirstAnswered.value = true;
      });
    void Promise.all([answered, waited(pauseMs)]).then(() => {
      asking = false;
      if (again) round();
      else if (runs.peek().some(({ rows }, run) => (known(run).whole?.to ?? 0) < rows)) setTimeout(round, wholePauseMs);
    });
  };
  effect(() => {
    // What a round depends on, so that a change of any of it starts one.
    follow(runs, wantedMetrics, shownSteps, plotWidth, axis);
    round();
  });
  document.addEventListener('visibilitychange', round);
}

/** A range of a run's rows, and what its curves are for. */
interface Missing {
  readonly place: 'whole' | 'part' | 'newest';
  readonly range: SeriesRange;
}

async function askWhatIsMissing(): Promise<void> {
  const headers = runs.peek();
  if (curves.peek().length > headers.length) curves.value = curves.peek().slice(0, headers.length);
  headers.forEach(forgetOld);
  // On another axis than that of steps, only the whole tells which rows are shown.
  if (axis.peek() !== 'step') await askFor(headers.flatMap(missingWhole));
  await askFor(headers.flatMap((header, run) => missing(header, run)));
}

/** All in one message, and all that comes is drawn at once. */
async function askFor(wanted: readonly Missing[]): Promise<void> {
  if (wanted.length === 0) return;
  const askedAt = performance.now();
  const answer = await ask({ kind: 'series', ranges: wanted.map(({ range }) => range) }).answer;
  if (answer.kind === 'broken') return;
  const all = runs.peek().map((_, run) => known(run));
  answer.value.ranges.forEach((range, order) => {
    const { place } = wanted[order] ?? {};
    if (place === undefined) return;
    all[range.run] = { ...(all[range.run] ?? noCurves), [place]: range };
    if (place === 'whole') wholeAsked.set(range.run, askedAt);
  });
  curves.value = all;
}

/** Curves of rows that lost their meaning are none. */
function forgetOld({ rows, restarts }: RunHeader, run: number): void {
  const hasCurves = known(run).whole !== null;
  if ((rows === 0 && hasCurves) || (rows > 0 && known(run).restarts !== restarts)) {
    const all = runs.peek().map((_, place) => known(place));
    all[run] = { ...noCurves, restarts };
    curves.value = all;
  }
}

function missing(header: RunHeader, run: number): Missing[] {
  const metrics = wantedOf(header, run);
  const whole = missingWhole(header, run);
  const { newest, part } = known(run);
  const isNew = metrics.length > 0 && (newest?.to !== header.rows || lacks(newest, metrics));
  const wanted = partWanted(run, header);
  const coarse = whole.length > 0 ? { from: 0, to: header.rows, count: wholeBuckets } : extentOf(known(run).whole);
  const isEnough =
    metrics.length === 0 || isFit(coarse, wanted) || (isFit(extentOf(part), wanted) && !lacks(part, metrics));
  return [
    ...whole,
    ...(isNew ? [{ place: 'newest', range: { run, metrics, ...newestRow(header) } } as const] : []),
    ...(isEnough ? [] : [{ place: 'part', range: { run, metrics, ...wanted } } as const]),
  ];
}

function missingWhole(header: RunHeader, run: number): Missing[] {
  const metrics = wantedOf(header, run);
  if (metrics.length === 0 || !isStale(known(run).whole, header, metrics)) return [];
  return [{ place: 'whole', range: { run, metrics, from: 0, to: header.rows, buckets: wholeBuckets } }];
}

function wantedOf({ rows }: RunHeader, run: number): string[] {
  return rows === 0 ? [] : [...(wantedMetrics.peek()[run] ?? [])];
}

function newestRow({ rows }: RunHeader): Part {
  return { from: rows - 1, to: rows, buckets: 1 };
}

const wholeAsked = new Map<number, number>();

function isStale(whole: RangeCurves | null, { rows }: RunHeader, metrics: readonly string[]): boolean {
  return (
    whole === null ||
    lacks(whole, metrics) ||
    (whole.to < rows && performance.now() - (wholeAsked.get(whole.run) ?? 0) > wholePauseMs)
  );
}

function known(run: number): RunCurves {
  return curves.peek()[run] ?? noCurves;
}

interface Part {
  readonly from: number;
  readonly to: number;
  readonly buckets: number;
}

/** The shown rows and half as many on either side, so that a small move needs no question. */
function partWanted(run: number, { rows }: RunHeader): Part {
  const shown = rowsShown(run);
  const width = shown.to - shown.from;
  const from = Math.max(0, Math.floor(shown.from - width / 2));
  const to = Math.min(rows, Math.ceil(shown.to + width / 2));
  const buckets = Math.max(
    1,
    Math.min(8192, Math.round((plotWidth.peek() * Math.max(1, to - from)) / Math.max(1, width))),
  );
  return { from: Math.min(from, to), to, buckets };
}

interface Extent {
  readonly from: number;
  readonly to: number;
  /** Ranges of rows. */
  readonly count: number;
}

function extentOf(curve: RangeCurves | null): Extent {
  return curve === null ? { from: 0, to: 0, count: 0 } : { from: curve.from, to: curve.to, count: curve.step.length };
}

/** Does it reach over what is wanted, neither too coarse nor much too fine? */
function isFit({ from, to, count }: Extent, wanted: Part): boolean {
  const margin = (wanted.to - wanted.from) / 8;
  if (from > wanted.from + margin || to < wanted.to) return false;
  const density = Math.min(1, count / Math.max(1, to - from));
  const asked = Math.min(1, wanted.buckets / Math.max(1, wanted.to - wanted.from));
  return density >= asked * 0.6 && density <= asked * 2.5;
}

function lacks(answer: RangeCurves | null, metrics: readonly string[]): boolean {
  const there = new Set(answer?.curves.map(({ metric }) => metric));
  return metrics.some((metric) => !there.has(metric));
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
