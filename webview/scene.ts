import type { MarkedFigure } from '../core/generated/panel';
import { colours } from './colours';
import { answerFor, axis, curves, shownUnits, timelines } from './curves';
import { runs, usualSmoothing } from './page';
import type { CurveSpec, PanelSpec } from './panels';
import { logScaleFor } from './scale';
import {
  bandOf,
  extremes,
  layersOf,
  linearRange,
  type Scene,
  type SceneLine,
  type SceneMark,
  type ScenePoint,
} from './sceneMaths';
import { middles, smoothed, unitAtStep, unitsOf, type Drawn } from './seriesData';
import { mark, view } from './viewState';
import { follow } from './follow';

/** How much lines are smoothed, 0 to 1. */
export function smoothingNow(): number {
  return view.value.smoothing ?? usualSmoothing.value;
}

/** What a panel shows now. Reads signals: a change of any of them makes another scene. */
export function sceneOf(spec: PanelSpec): Scene {
  follow(curves, colours);
  const x = shownUnits.value;
  const log = isLogarithmic(spec);
  // Heights of a logarithmic axis do not add up, so that there the parts of a stack are lines.
  const lines = [...(log ? spec.stack : []), ...spec.lines].flatMap((curve) => lineOf(curve, smoothingNow()));
  const layers = log ? [] : layersOf(spec.stack.map((part) => ({ spec: part, curve: drawnCurve(part) })));
  const heldOut = spec.heldOut.map(({ run, colour, dash }) => ({ colour, dash, points: heldOutPoints(run) }));
  const bands = spec.bands.flatMap(({ runs: members, colour }) =>
    bandOf(
      lines.filter((line) => members.includes(line.spec.run)),
      colour,
    ),
  );
  const marks = marksOf(spec);
  const scene = { x, lines, layers, bands, heldOut, marks, floor: spec.floor, asBars: spec.id === 'time' };
  return { ...scene, ...(log ? logScaleFor(...extremes(scene)) : linearRange(scene)) };
}

/** Did the person choose a logarithmic axis for a panel? */
export function isLogarithmic({ id }: Pick<PanelSpec, 'id'>): boolean {
  return view.value.logPanels.includes(id);
}

/** The numbers of a curve as they are now drawn. */
export function drawnCurve({ run, metric }: CurveSpec): Drawn | null {
  const answer = answerFor(run);
  const found = answer?.curves.find((curve) => curve.metric === metric);
  return answer === null || found === undefined
    ? null
    : { x: unitsOf(answer, axis.value), low: found.low, high: found.high };
}

/** Held-out evaluations of a run, in order. */
export function heldOutPoints(run: number): ScenePoint[] {
  const timeline = timelines.value[run];
  const evaluations = runs.value[run]?.evaluations ?? [];
  return evaluations
    .filter(({ name, checkpoint }) => name === 'evaluation' && checkpoint === 'current')
    .map((evaluation) => ({
      ...evaluation,
      x: timeline === undefined ? evaluation.step : unitAtStep(timeline, evaluation.step),
    }));
}

/** The marked trace's figure that belongs to a panel; a trace is of one run. */
export function markOf({ id }: Pick<PanelSpec, 'id'>): MarkedFigure | undefined {
  return runs.value.length === 1 ? mark.value?.figures.find(({ panel }) => panel === id) : undefined;
}

function marksOf(spec: PanelSpec): SceneMark[] {
  const figure = markOf(spec);
  const step = mark.value?.step;
  const timeline = timelines.value[0];
  return figure === undefined || step === undefined || timeline === undefined
    ? []
    : [{ x: axis.value === 'step' ? step : unitAtStep(timeline, step), value: figure.value }];
}

function lineOf(spec: CurveSpec, strength: number): SceneLine[] {
  const drawn = drawnCurve(spec);
  if (drawn === null) return [];
  return [{ ...drawn, spec, smooth: strength > 0 ? smoothed(middles(drawn), strength) : null }];
}
