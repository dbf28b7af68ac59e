import { effect } from '@preact/signals';
import type { VNode } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { colours } from './colours';
import { drawnRows, plotWidth } from './curves';
import { isFirstFrameOver, onFrame } from './frames';
import { Legend } from './legend';
import { PanelChart, axisWidth, rightPad } from './panelChart';
import { PanelTable } from './panelTable';
import type { PanelSpec } from './panels';
import { isLogarithmic, sceneOf } from './scene';

/** One panel: its chart, and beside it what the curves are worth. */
export function ChartPanel({ spec }: { readonly spec: PanelSpec }): VNode {
  const target = useRef<HTMLDivElement>(null);
  const isLog = isLogarithmic(spec);
  // The header comes anew ten times a second; the chart is made again only for another panel.
  const key = useMemo(() => JSON.stringify(spec), [spec]);
  useLayoutEffect(() => {
    const element = target.current;
    return element === null ? undefined : keepDrawn(element, spec);
  }, [key, isLog]);
  return (
    <section class="panel">
      <div class="plot" ref={target} />
      <Legend spec={spec} />
      {isFirstFrameOver.value && <PanelTable spec={spec} />}
    </section>
  );
}

/** Draw the panel whenever what it shows changes, at most once a frame. */
function keepDrawn(element: HTMLElement, spec: PanelSpec): () => void {
  // Made in the frame that shows the page first: by then the width is known, and nothing is drawn twice.
  let chart: PanelChart | undefined;
  const size = (): [number, number] => [plotWidth.value + axisWidth + rightPad, spec.height];
  const frame = onFrame(() => {
    const [width, height] = size();
    if (chart === undefined) chart = new PanelChart(element, { width, height }, sceneOf(spec), colours.peek());
    else {
      chart.resize(width, height);
      chart.draw(sceneOf(spec), colours.peek());
    }
    markDrawn();
  });
  const stop = effect(() => {
    size();
    sceneOf(spec);
    frame.request();
  });
  return () => {
    stop();
    frame.cancel();
    chart?.dispose();
  };
}

let rowsMarked = 0;

/** For who measures (scripts/benchUi.mjs): when so many rows were first on the screen. */
function markDrawn(): void {
  const rows = drawnRows();
  if (rows === rowsMarked) return;
  rowsMarked = rows;
  // After this frame is painted, which is after all that waits for it.
  setTimeout(() => {
    performance.clearMarks(lastMark);
    for (const name of [lastMark, ...(hasMarkedFirst ? [] : [firstMark])]) performance.mark(name, { detail: rows });
    hasMarkedFirst = true;
  });
}

const firstMark = 'srft:first';
const lastMark = 'srft:drawn';
let hasMarkedFirst = false;
