import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { plotWidth, shareOfStep, stepAtShare } from './curves';
import { brushBetween, cursorStep, moveBy, pointAt, showAll, zoomAt } from './cursor';
import { axisWidth } from './panelChart';
import { brush, change } from './viewState';

/** Lies over all plots: the cursor, the brush, and what the pointer does to them. */
export function Overlay(): VNode {
  const area = useRef<HTMLDivElement>(null);
  useEffect(() => (area.current === null ? undefined : followPointer(area.current)), []);
  const width = plotWidth.value;
  const cursor = cursorStep.value;
  const range = brush.value;
  // A brushed step is as wide as a step.
  const left = range === null ? 0 : clamp(shareOfStep(range.from - 0.5)) * width;
  const right = range === null ? 0 : clamp(shareOfStep(range.to + 0.5)) * width;
  const at = cursor === null ? -1 : shareOfStep(cursor);
  return (
    <div class="overlay" ref={area} style={{ left: `${axisWidth}px`, width: `${width}px` }}>
      {range !== null && (
        <div class="brush" style={{ transform: `translateX(${left}px)`, width: `${Math.max(2, right - left)}px` }}>
          <div class="brush-handle" />
          <div class="brush-handle end" />
        </div>
      )}
      {at >= 0 && at <= 1 && (
        <div class="cursor-line" style={{ transform: `translateX(${Math.round(at * width)}px)` }} />
      )}
    </div>
  );
}

const edgePixels = 6;
const zoomPerPixel = 1.0015;
const leastDragPixels = 3;

/** Drag brushes or moves an edge, the wheel zooms, two fingers sideways move along. */
function followPointer(area: HTMLElement): () => void {
  const controller = new AbortController();
  const options = { signal: controller.signal };
  let anchor: number | null = null;
  let startedAt = 0;
  const share = (event: MouseEvent): number => {
    const { left, width } = area.getBoundingClientRect();
    return (event.clientX - left) / width;
  };
  const otherEnd = (at: number): number | null => {
    const range = brush.peek();
    if (range === null) return null;
    const near = (step: number): boolean => Math.abs(at - shareOfStep(step)) * area.clientWidth < edgePixels;
    if (near(range.from - 0.5)) return range.to;
    return near(range.to + 0.5) ? range.from : null;
  };
  area.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      startedAt = event.clientX;
      anchor = otherEnd(share(event)) ?? Math.round(stepAtShare(share(event)));
      area.setPointerCapture(event.pointerId);
    },
    options,
  );
  area.addEventListener(
    'pointermove',
    (event) => {
      const at = share(event);
      pointAt(at);
      if (anchor !== null && Math.abs(event.clientX - startedAt) >= leastDragPixels)
        brushBetween(anchor, Math.round(stepAtShare(at)));
      area.classList.toggle('at-edge', anchor === null && otherEnd(at) !== null);
    },
    options,
  );
  const release = (): void => {
    anchor = null;
  };
  area.addEventListener('pointerup', release, options);
  area.addEventListener('pointercancel', release, options);
  area.addEventListener(
    'pointerleave',
    () => {
      cursorStep.value = null;
    },
    options,
  );
  area.addEventListener(
    'dblclick',
    () => {
      if (brush.peek() === null) showAll();
      else change({ brush: null });
    },
    options,
  );
  area.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey)
        moveBy((event.deltaX || event.deltaY) / area.clientWidth);
      else zoomAt(share(event), zoomPerPixel ** event.deltaY);
    },
    { ...options, passive: false },
  );
  return () => {
    controller.abort();
  };
}

function clamp(share: number): number {
  return Math.max(0, Math.min(1, share));
}
