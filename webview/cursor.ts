import { computed, signal } from '@preact/signals';
import { allSteps, shownSteps, stepAtShare } from './curves';
import { neighbour } from './forkSteps';
import { runs } from './page';
import { change, view, type StepRange } from './viewState';

/** The step under the pointer, or where the keys put it; null when there is none. */
export const cursorStep = signal<number | null>(null);

/** The step that legends tell of. */
export const toldStep = computed(() => cursorStep.value ?? allSteps.value.to);

/** Steps that a fork of the shown run can begin from; none where runs are compared. */
export const forkSteps = computed<readonly number[]>(() => {
  const [run, other] = runs.value;
  return other === undefined ? (run?.forkSteps ?? []) : [];
});

/** Put the cursor at a share of the plots' width. */
export function pointAt(share: number): void {
  cursorStep.value = clamped(Math.round(stepAtShare(share)));
}

/** Brush the steps between two places; they may come in any order. */
export function brushBetween(a: number, b: number): void {
  const from = clamped(Math.min(a, b));
  const to = clamped(Math.max(a, b));
  change({ brush: { from, to } });
}

/** Zoom about a share of the width; `factor` below 1 comes nearer. */
export function zoomAt(share: number, factor: number): void {
  const { from, to } = shownSteps.peek();
  const all = allSteps.peek();
  const width = Math.min(all.to - all.from, Math.max(leastSteps, (to - from) * factor));
  const middle = stepAtShare(share);
  const start = middle - (middle - from) * (width / (to - from));
  show({ from: start, to: start + width });
}

/** Move what is shown by a share of its width. */
export function moveBy(share: number): void {
  const { from, to } = shownSteps.peek();
  const distance = (to - from) * share;
  show({ from: from + distance, to: to + distance });
}

/** Show the whole run again. */
export function showAll(): void {
  change({ zoom: null });
}

/** Go along with the newest step, or stay. */
export function toggleFollow(): void {
  const follow = !view.peek().follow;
  change({ follow, zoom: follow ? followed() : (view.peek().zoom ?? shownSteps.peek()) });
}

const leastSteps = 4;

function followed(): StepRange | null {
  const { zoom } = view.peek();
  if (zoom === null) return null;
  const all = allSteps.peek();
  const isAll = zoom.to - zoom.from >= all.to - all.from - 1;
  return isAll ? null : { from: all.to - (zoom.to - zoom.from), to: all.to };
}

function show({ from, to }: StepRange): void {
  const all = allSteps.peek();
  const width = to - from;
  if (width >= all.to - all.from) {
    change({ zoom: null });
    return;
  }
  const start = Math.min(Math.max(from, all.from), all.to - width);
  change({ zoom: { from: start, to: start + width }, follow: start + width >= all.to });
}

function clamped(step: number): number {
  const { from, to } = allSteps.peek();
  return Math.max(from, Math.min(to, step));
}

/** A key over the charts; true when it meant something. */
export function pressKey({ key, shiftKey }: Pick<KeyboardEvent, 'key' | 'shiftKey'>): boolean {
  const at = cursorStep.peek() ?? allSteps.peek().to;
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowRight':
      stepTo(clamped(at + (key === 'ArrowLeft' ? -1 : 1)), shiftKey);
      return true;
    case 'Home':
    case 'End':
      stepTo(key === 'Home' ? allSteps.peek().from : allSteps.peek().to, shiftKey);
      return true;
    case 'Escape':
      change({ brush: null });
      cursorStep.value = null;
      return true;
    case 'Enter':
      brushBetween(at, at);
      return true;
    case 'c':
    case 'C':
      return chooseCheckpoint(at, shiftKey ? -1 : 1);
    case 'f':
    case 'F':
      toggleFollow();
      return true;
    default:
      return false;
  }
}

/** Brush the next checkpoint, and put the cursor on it. */
function chooseCheckpoint(from: number, way: 1 | -1): boolean {
  const step = neighbour(forkSteps.peek(), from, way);
  if (step === null) return false;
  cursorStep.value = step;
  brushBetween(step, step);
  return true;
}

/** With Shift the end of the brush that the cursor stands at goes along. */
function stepTo(step: number, extend: boolean): void {
  const from = cursorStep.peek() ?? allSteps.peek().to;
  cursorStep.value = step;
  if (!extend) return;
  const { brush } = view.peek();
  const anchor = brush === null ? from : brush.from === from ? brush.to : brush.from;
  brushBetween(anchor, step);
}
