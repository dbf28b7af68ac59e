import { computed, signal } from '@preact/signals';
import { allSteps, shownSteps, stepAtShare } from './curves';
import { neighbour } from './forkSteps';
import { runs } from './page';
import { anchorOf, clampedStep, moved, newest, rangeBetween, zoomed, type Shown } from './ranges';
import { change, view } from './viewState';

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
  cursorStep.value = clampedStep(allSteps.peek(), Math.round(stepAtShare(share)));
}

/** Brush the steps between two places; they may come in any order. */
export function brushBetween(a: number, b: number): void {
  change({ brush: rangeBetween(allSteps.peek(), a, b) });
}

/** Zoom about a share of the width; `factor` below 1 comes nearer. */
export function zoomAt(share: number, factor: number): void {
  show(zoomed(shownSteps.peek(), allSteps.peek(), stepAtShare(share), factor));
}

/** Move what is shown by a share of its width. */
export function moveBy(share: number): void {
  show(moved(shownSteps.peek(), allSteps.peek(), share));
}

/** Show the whole run again. */
export function showAll(): void {
  change({ zoom: null });
}

/** Go along with the newest step, or stay. */
export function toggleFollow(): void {
  const follow = !view.peek().follow;
  change({
    follow,
    zoom: follow ? newest(view.peek().zoom, allSteps.peek()) : (view.peek().zoom ?? shownSteps.peek()),
  });
}

/** The whole run is shown whether or not it goes on. */
function show({ zoom, follow }: Shown): void {
  change(zoom === null ? { zoom } : { zoom, follow });
}

/** A key over the charts; true when it meant something. */
export function pressKey({ key, shiftKey }: Pick<KeyboardEvent, 'key' | 'shiftKey'>): boolean {
  const at = cursorStep.peek() ?? allSteps.peek().to;
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowRight':
      stepTo(clampedStep(allSteps.peek(), at + (key === 'ArrowLeft' ? -1 : 1)), shiftKey);
      return true;
    case 'Home':
    case 'End':
      stepTo(key === 'Home' ? allSteps.peek().from : allSteps.peek().to, shiftKey);
      return true;
    case 'Escape':
      change({ brush: null, mark: null });
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
  brushBetween(anchorOf(view.peek().brush, from), step);
}
