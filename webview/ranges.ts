import type { StepRange } from './viewState';

/** What is shown of a run: null is all of it; `follow` goes along with the newest step. */
export interface Shown {
  readonly zoom: StepRange | null;
  readonly follow: boolean;
}

const leastSteps = 4;

/** The step of a run that is nearest to another. */
export function clampedStep({ from, to }: StepRange, step: number): number {
  return Math.max(from, Math.min(to, step));
}

/** The steps between two that may come in any order, as far as a run has them. */
export function rangeBetween(all: StepRange, a: number, b: number): StepRange {
  return { from: clampedStep(all, Math.min(a, b)), to: clampedStep(all, Math.max(a, b)) };
}

/** Zoom about a step that stays where it is; `factor` below 1 comes nearer. */
export function zoomed(shown: StepRange, all: StepRange, about: number, factor: number): Shown {
  const before = shown.to - shown.from;
  const width = Math.min(all.to - all.from, Math.max(leastSteps, before * factor));
  const from = about - (about - shown.from) * (width / before);
  return shownWithin(all, { from, to: from + width });
}

/** Move what is shown by a share of its width. */
export function moved(shown: StepRange, all: StepRange, share: number): Shown {
  const distance = (shown.to - shown.from) * share;
  return shownWithin(all, { from: shown.from + distance, to: shown.to + distance });
}

/** The newest steps, as many as were shown; all of them when nearly all were. */
export function newest(zoom: StepRange | null, all: StepRange): StepRange | null {
  if (zoom === null) return null;
  const isAll = zoom.to - zoom.from >= all.to - all.from - 1;
  return isAll ? null : { from: all.to - (zoom.to - zoom.from), to: all.to };
}

/** The other end of a brush whose end at `at` is moved; without a brush one begins there. */
export function anchorOf(brush: StepRange | null, at: number): number {
  if (brush === null) return at;
  return brush.from === at ? brush.to : brush.from;
}

function shownWithin(all: StepRange, { from, to }: StepRange): Shown {
  const width = to - from;
  if (width >= all.to - all.from) return { zoom: null, follow: true };
  const start = Math.min(Math.max(from, all.from), all.to - width);
  return { zoom: { from: start, to: start + width }, follow: start + width >= all.to };
}
