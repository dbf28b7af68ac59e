import { computed, signal } from '@preact/signals';
import type { RangeCurves, RunHeader } from '../core/generated/panel';
import { runs } from './page';
import { stepAtUnit, unitAtStep, unitsOf, type Timeline } from './seriesData';
import { brush, view, type AxisKind, type StepRange } from './viewState';

/** What is known of one run's curves. */
export interface RunCurves {
  readonly restarts: number;
  /** The whole run, coarse. */
  readonly whole: RangeCurves | null;
  /** The visible part with a margin, fine. */
  readonly part: RangeCurves | null;
  /** The newest row. */
  readonly newest: RangeCurves | null;
}

export const noCurves: RunCurves = { restarts: -1, whole: null, part: null, newest: null };

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
export function answerFor(run: number): RangeCurves | null {
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

/** Rows of a run that the axis shows. Steps follow one another, so a row is a step's distance from the first. */
export function rowsShown(run: number): { from: number; to: number } {
  const header = runs.peek()[run];
  const timeline = timelines.peek()[run];
  if (header === undefined || timeline === undefined) return { from: 0, to: 0 };
  const [low, high] = shownUnits.peek();
  const first = header.step - header.rows + 1;
  const from = Math.floor(stepAtUnit(timeline, low)) - first;
  const to = Math.ceil(stepAtUnit(timeline, high)) - first + 1;
  return { from: Math.max(0, Math.min(from, header.rows)), to: Math.max(0, Math.min(to, header.rows)) };
}

function timelineOf(whole: RangeCurves | null, kind: AxisKind): Timeline {
  if (whole === null || kind === 'step') return { steps: new Float64Array(0), units: new Float64Array(0) };
  return { steps: whole.step, units: unitsOf(whole, kind) };
}

/** The evaluation before the first step counts. */
function firstStep(run: RunHeader): number {
  const first = run.rows === 0 ? 1 : run.step - run.rows + 1;
  return Math.min(first, ...run.evaluations.map(({ step }) => step));
}

/** The brushed steps, or the newest ones: what the list of rollouts is about. */
export const listedSteps = computed<StepRange>(() => {
  const last = Math.max(1, runs.value[0]?.step ?? 1);
  return brush.value ?? { from: Math.max(0, last - newestSteps + 1), to: last };
});

const newestSteps = 10;
