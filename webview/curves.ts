import { computed, effect, signal } from '@preact/signals';
import type { RunHeader, SeriesAnswer } from '../core/generated/panel';
import { ask, type Asked } from './host';
import { page, runs } from './page';
import { panels } from './panels';
import { stepAtUnit, unitAtStep, unitsOf, type Timeline } from './seriesData';
import { brush, view, type AxisKind, type StepRange } from './viewState';
import { follow } from './follow';

/** What is known of one run's curves. */
export interface RunCurves {
  readonly restarts: number;
  /** The whole run, coarse. */
  readonly whole: SeriesAnswer | null;
  /** The visible part with a margin, fine. */
  readonly part: SeriesAnswer | null;
  /** The newest row. */
  readonly newest: SeriesAnswer | null;
}

const nothing: RunCurves = { restarts: -1, whole: null, part: null, newest: null };

/** Curves of every run shown. */
export const curves = signal<readonly RunCurves[]>([]);

/** Width of the plots, in pixels. */
export const plotWidth = signal(400);

/** The axis' unit. */
export const axis = computed(() => view.value.axis);

/** How steps and units belong together, run by run. */
export const timelines = computed<readonly Timeline[]>(() =>
  runs.value.map((_, run) => timelineOf(curves.value[run]?.whole ?? null, axis.value)),
);

/** All steps of the runs shown. */
export const allSteps = computed<StepRange>(() => {
  const first = Math.min(...runs.value.map(firstStep));
  const last = Math.max(...runs.value.map((run) => (run.rows === 0 ? (run.steps ?? 1) : run.step)));
  return Number.isFinite(first) ? { from: first, to: Math.max(last, first + 1) } : { from: 0, to: 1 };
});

/** The steps that are drawn. */
export const shownSteps = computed<StepRange>(() => {
  const { zoom, follow } = view.value;
  if (zoom === null) return allSteps.value;
  const past = allSteps.value.to - zoom.to;
  return follow && past > 0 ? { from: zoom.from + past, to: zoom.to + past } : zoom;
});

/** The drawn part of the axis, in its unit. */
export const shownUnits = computed<readonly [number, number]>(() => {
  const { from, to } = shownSteps.value;
  const whole = view.value.zoom === null;
  const ends = timelines.value.map((timeline): [number, number] => [
    unitAtStep(timeline, from),
    unitAtStep(timeline, to),
  ]);
  const used = whole ? ends : ends.slice(0, 1);
  const low = Math.min(...used.map(([start]) => start));
  const high = Math.max(...used.map(([, end]) => end));
  return Number.isFinite(low) && high > low ? [low, high] : [0, 1];
});

/** The step at a share of the plots' width. */
export function stepAtShare(share: number): number {
  const [low, high] = shownUnits.peek();
  const timeline = timelines.peek()[0];
  return timeline === undefined ? 0 : stepAtUnit(timeline, low + share * (high - low));
}

/** Where a step stands, as a share of the plots' width. */
export function shareOfStep(step: number): number {
  const [low, high] = shownUnits.value;
  const timeline = timelines.value[0];
  return timeline === undefined ? 0 : (unitAtStep(timeline, step) - low) / (high - low);
}

/** The finest answer that covers what is shown of a run. */
export function answerFor(run: number): SeriesAnswer | null {
  const known = curves.value[run];
  if (known === undefined) return null;
  const wanted = rowsShown(run);
  const { part, whole } = known;
  return part !== null && part.from <= wanted.from && part.to >= Math.min(wanted.to, whole?.to ?? Infinity)
    ? part
    : (whole ?? part);
}

/** Rows that the drawn curves stand for, over all runs. */
export function drawnRows(): number {
  return runs.peek().reduce((sum, _, run) => sum + (answerFor(run)?.to ?? 0), 0);
}

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

const mostMetrics = 64;
const pauseMs = 100;
const wholePauseMs = 1000;
const wholeBuckets = 512;

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
    void Promise.all([askWhatIsMissing(), waited(pauseMs)]).then(() => {
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

async function askWhatIsMissing(): Promise<void> {
  const headers = runs.peek();
  if (curves.peek().length > headers.length) curves.value = curves.peek().slice(0, headers.length);
  await Promise.all(headers.map((header, run) => askAbout(run, header)));
}

async function askAbout(run: number, header: RunHeader): Promise<void> {
  const metrics = wantedMetrics.peek()[run] ?? [];
  if (header.rows === 0 || metrics.length === 0) {
    if (known(run).whole !== null) store(run, nothing);
    return;
  }
  if (known(run).restarts !== header.restarts) store(run, { ...nothing, restarts: header.restarts });
  const whole = askWhole(run, header, metrics);
  // On another axis than that of steps, only the whole tells which rows are shown.
  if (axis.peek() !== 'step') await whole;
  await Promise.all([whole, askNewest(run, header, metrics), askPart(run, header, metrics)]);
}

async function askWhole(run: number, header: RunHeader, metrics: readonly string[]): Promise<void> {
  if (!isStale(known(run).whole, header, metrics)) return;
  const range = { from: 0, to: header.rows, buckets: wholeBuckets };
  const whole = await asked(ask({ kind: 'series', run, metrics: [...metrics], ...range }));
  if (whole === null) return;
  wholeAsked.set(run, performance.now());
  store(run, { ...known(run), whole });
}

async function askNewest(run: number, header: RunHeader, metrics: readonly string[]): Promise<void> {
  const { newest } = known(run);
  if (newest?.to === header.rows && !lacks(newest, metrics)) return;
  const range = { from: header.rows - 1, to: header.rows, buckets: 1 };
  const answer = await asked(ask({ kind: 'series', run, metrics: [...metrics], ...range }));
  if (answer !== null) store(run, { ...known(run), newest: answer });
}

async function askPart(run: number, header: RunHeader, metrics: readonly string[]): Promise<void> {
  const wanted = partWanted(run, header);
  if (!isUnfit(known(run).part, wanted, metrics)) return;
  const part = await asked(ask({ kind: 'series', run, metrics: [...metrics], ...wanted }));
  if (part !== null) store(run, { ...known(run), part });
}

const wholeAsked = new Map<number, number>();

function isStale(whole: SeriesAnswer | null, { rows }: RunHeader, metrics: readonly string[]): whole is null {
  return (
    whole === null ||
    lacks(whole, metrics) ||
    (whole.to < rows && performance.now() - (wholeAsked.get(whole.run) ?? 0) > wholePauseMs)
  );
}

function known(run: number): RunCurves {
  return curves.peek()[run] ?? nothing;
}

function store(run: number, value: RunCurves): void {
  const all = [...curves.peek()];
  while (all.length < run) all.push(nothing);
  all[run] = value;
  curves.value = all;
}

async function asked(question: Asked<SeriesAnswer>): Promise<SeriesAnswer | null> {
  const answer = await question.answer;
  return answer.kind === 'read' ? answer.value : null;
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

function isUnfit(part: SeriesAnswer | null, wanted: Part, metrics: readonly string[]): boolean {
  if (part === null || lacks(part, metrics)) return true;
  const margin = (wanted.to - wanted.from) / 8;
  const covers = part.from <= wanted.from + margin && part.to >= wanted.to - (wanted.to - part.to > margin ? 0 : 0.5);
  const density = part.step.length / Math.max(1, part.to - part.from);
  const asked = Math.min(1, wanted.buckets / Math.max(1, wanted.to - wanted.from));
  return !covers || density < asked * 0.6 || density > asked * 2.5;
}

function lacks(answer: SeriesAnswer | null, metrics: readonly string[]): boolean {
  const there = new Set(answer?.curves.map(({ metric }) => metric));
  return metrics.some((metric) => !there.has(metric));
}

/** Rows of a run that the axis shows. Steps follow one another, so a row is a step's distance from the first. */
function rowsShown(run: number): { from: number; to: number } {
  const header = runs.peek()[run];
  const timeline = timelines.peek()[run];
  if (header === undefined || timeline === undefined) return { from: 0, to: 0 };
  const [low, high] = shownUnits.peek();
  const first = header.step - header.rows + 1;
  const from = Math.floor(stepAtUnit(timeline, low)) - first;
  const to = Math.ceil(stepAtUnit(timeline, high)) - first + 1;
  return { from: Math.max(0, Math.min(from, header.rows)), to: Math.max(0, Math.min(to, header.rows)) };
}

function timelineOf(whole: SeriesAnswer | null, kind: AxisKind): Timeline {
  if (whole === null || kind === 'step') return { steps: new Float64Array(0), units: new Float64Array(0) };
  return { steps: whole.step, units: unitsOf(whole, kind) };
}

/** The evaluation before the first step counts. */
function firstStep(run: RunHeader): number {
  const first = run.rows === 0 ? 1 : run.step - run.rows + 1;
  return Math.min(first, ...run.evaluations.map(({ step }) => step));
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The brushed steps, or the newest ones: what the list of rollouts is about. */
export const listedSteps = computed<StepRange>(() => {
  const last = Math.max(1, runs.value[0]?.step ?? 1);
  return brush.value ?? { from: Math.max(0, last - newestSteps + 1), to: last };
});

const newestSteps = 10;
