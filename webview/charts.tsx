import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { formatNumber } from '../core/format';
import { AxisLane } from './axisLane';
import { ChartPanel } from './chartPanel';
import { Checkbox, Dropdown } from './controls';
import { plotWidth, shownSteps } from './curves';
import { forkSteps, pressKey, showAll, toggleFollow } from './cursor';
import { endFirstFrame, isFirstFrameOver } from './frames';
import { ForkLink } from './forkLink';
import { lastWithin } from './forkSteps';
import { MetricPicker } from './metricPicker';
import { Overlay } from './overlay';
import { runs } from './page';
import { axisWidth, rightPad } from './panelChart';
import { panels } from './panels';
import { smoothingNow } from './scene';
import { visibleText, visibleWords } from './visibleText';
import { brush, change, mark, view, type AxisKind } from './viewState';

/** All charts on one axis, with one cursor and one brush. */
export function Charts(): VNode {
  const column = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => (column.current === null ? undefined : followWidth(column.current)), []);
  useEffect(endFirstFrame, []);
  const shown = isFirstFrameOver.value ? panels.value : panels.value.slice(0, panelsAtOnce);
  const isEmpty = runs.value.every(({ rows }) => rows === 0);
  return (
    <div class="charts">
      {isFirstFrameOver.value ? <ChartTools /> : <div class="chart-tools" />}
      <div
        class="panels"
        ref={column}
        tabIndex={0}
        role="group"
        aria-label={`Charts. Arrow keys move the cursor, with Shift they brush steps, Enter brushes the cursor's step; ${
          forkSteps.value.length > 0 ? 'C brushes the next checkpoint, to fork from it; ' : ''
        }Escape clears, F follows the newest step.`}
        onKeyDown={(event) => {
          if (
            event.target === event.currentTarget &&
            !event.ctrlKey &&
            !event.metaKey &&
            !event.altKey &&
            pressKey(event)
          )
            event.preventDefault();
        }}
      >
        {shown.map((spec) => (
          <ChartPanel key={spec.id} spec={spec} />
        ))}
        <AxisLane />
        <Overlay />
        {isEmpty && <div class="no-curves secondary">curves appear after step 1</div>}
      </div>
      {isFirstFrameOver.value && <MetricPicker />}
    </div>
  );
}

/** As many as most windows have room for. */
const panelsAtOnce = 5;
const legendWidth = 214;
const narrowBelow = 560;

function followWidth(element: HTMLElement): () => void {
  const take = (width: number): void => {
    const isNarrow = width < narrowBelow;
    element.classList.toggle('narrow', isNarrow);
    plotWidth.value = Math.max(80, Math.floor(width - axisWidth - rightPad - (isNarrow ? 0 : legendWidth)));
  };
  take(element.clientWidth);
  const observer = new ResizeObserver(([entry]) => {
    take(entry?.contentRect.width ?? 0);
  });
  observer.observe(element);
  return () => {
    observer.disconnect();
  };
}

const axisKinds: readonly (readonly [AxisKind, string])[] = [
  ['step', 'by step'],
  ['tokens', 'by tokens'],
  ['time', 'by time'],
];

/** The marked trace, to let go of it. */
function MarkChip(): VNode | null {
  const trace = mark.value;
  if (trace === null || runs.value.length !== 1) return null;
  return (
    <>
      <button
        type="button"
        class="chip"
        title={`${visibleWords(trace.name)} of step ${trace.step} is marked on its curves; clear the mark (Esc)`}
        onClick={() => {
          change({ mark: null });
        }}
      >
        ◇ <span class="one-line">{visibleText(trace.name)}</span>{' '}
        <span class="codicon codicon-close" aria-hidden="true" />
      </button>
      <span class="visually-hidden" role="status">
        {`Marked: ${visibleWords(trace.name)} of step ${trace.step}. ${trace.figures
          .map(({ panel, value, rank }) => `${panel} ${formatNumber(value)}, ${rank}`)
          .join('; ')}.`}
      </span>
    </>
  );
}

function ChartTools(): VNode {
  const range = brush.value;
  const { zoom, follow } = view.value;
  const smoothing = smoothingNow();
  const forkStep = range === null ? null : lastWithin(forkSteps.value, range);
  return (
    <div class="chart-tools">
      {range !== null && (
        <button
          type="button"
          class="chip"
          title={`${range.to - range.from + 1} steps are brushed; clear the brush (Esc)`}
          onClick={() => {
            change({ brush: null });
          }}
        >
          {range.from === range.to ? `step ${range.from}` : `steps ${range.from}–${range.to}`}{' '}
          <span class="codicon codicon-close" aria-hidden="true" />
        </button>
      )}
      <MarkChip />
      {forkStep !== null && (
        <ForkLink step={forkStep} title="Begin another run at the last checkpoint of the brushed steps" />
      )}
      <span class="visually-hidden" role="status">
        {range === null ? '' : `Steps ${range.from} to ${range.to} are brushed.`}
        {forkStep === null ? '' : ` Step ${forkStep} has a checkpoint: Shift+Tab leads to Fork From Step ${forkStep}.`}
      </span>
      {zoom !== null && (
        <button type="button" class="link" onClick={showAll}>
          Whole run (showing {Math.round(shownSteps.value.from)}–{Math.round(shownSteps.value.to)})
        </button>
      )}
      <span class="spacer" />
      <label class="smoothing">
        <span class="secondary">smoothing</span>
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={smoothing}
          aria-label="Smoothing"
          onInput={({ currentTarget }) => {
            change({ smoothing: Number(currentTarget.value) });
          }}
        />
        <span class="smoothing-value">{smoothing.toFixed(2)}</span>
      </label>
      <Dropdown
        label="Axis"
        value={view.value.axis}
        options={axisKinds}
        onChange={(kind) => {
          change({ axis: kind });
        }}
      />
      <Checkbox checked={follow} onChange={toggleFollow}>
        Follow newest
      </Checkbox>
    </div>
  );
}
