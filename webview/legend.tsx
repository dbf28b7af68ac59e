import type { VNode } from 'preact';
import { formatNumber } from '../core/format';
import { brush, change, mark, view, type StepRange } from './viewState';
import { answerFor, axis, curves, timelines } from './curves';
import { cursorStep } from './cursor';
import { post } from './host';
import { Icon } from './icon';
import { pins, runs } from './page';
import type { CurveSpec, PanelSpec } from './panels';
import { drawnCurve, heldOutPoints, isLogarithmic, markOf, sceneOf } from './scene';
import { meanBetween, nearest, unitAtStep } from './seriesData';
import { Swatch } from './swatch';
import { follow } from './follow';
import { visibleWords } from './visibleText';

/** What is drawn, what it is worth at the cursor, and what it is worth now. */
export function Legend({ spec }: { readonly spec: PanelSpec }): VNode {
  follow(axis);
  const isLog = isLogarithmic(spec);
  const rows = [...spec.lines, ...[...spec.stack].reverse()];
  return (
    <div class="legend">
      <div class="legend-head">
        <span class="legend-title" title={spec.title}>
          {spec.title}
        </span>{' '}
        <span class="secondary">{spec.unit}</span>
        <span class="legend-tools">
          <button
            type="button"
            class={isLog ? 'tool chosen' : 'tool'}
            aria-pressed={isLog}
            aria-label={`log: ${spec.title}`}
            title={
              spec.stack.length === 0
                ? 'Logarithmic axis'
                : 'Logarithmic axis, on which a stack does not add up: its parts are drawn as lines'
            }
            onClick={() => {
              const others = view.peek().logPanels.filter((id) => id !== spec.id);
              change({ logPanels: isLog ? others : [...others, spec.id] });
            }}
          >
            log
          </button>
          {spec.pinned && (
            <button
              type="button"
              class="tool"
              aria-label={`Remove ${spec.title}`}
              title="Remove this panel"
              onClick={() => {
                unpin(spec.title);
              }}
            >
              <Icon name="close" />
            </button>
          )}
        </span>
      </div>
      <table class={cursorStep.value === null && brush.value === null ? 'at-rest' : ''}>
        <tbody>
          {rows.map((curve) => (
            <tr key={`${curve.run} ${curve.metric}`}>
              <td class="legend-name" title={curve.metric}>
                <Swatch curve={curve} shape={!isLog && spec.stack.includes(curve) ? 'layer' : 'line'} />
                {curve.label}
              </td>
              <td class="number secondary">
                {cursorStep.value !== null
                  ? valueAtCursor(curve, cursorStep.value)
                  : brush.value !== null
                    ? meanOfBrush(curve, brush.value)
                    : ''}
              </td>
              <td class="number">{newestValue(curve)}</td>
            </tr>
          ))}
          {spec.heldOut.map(({ run, label, colour, dash }) => {
            const points = heldOutPoints(run);
            const before = points.filter(({ step }) => cursorStep.value !== null && step <= cursorStep.value).at(-1);
            return (
              <tr key={`held-out ${run}`}>
                <td class="legend-name">
                  <Swatch curve={{ colour, dash, pattern: 'solid' }} shape="points" />
                  {label}
                </td>
                <td class="number secondary">{before === undefined ? '' : formatNumber(before.value)}</td>
                <td class="number">{formatNumber(points.at(-1)?.value)}</td>
              </tr>
            );
          })}
          <MarkRow spec={spec} />
        </tbody>
      </table>
      <Notes spec={spec} />
    </div>
  );
}

/** The marked trace among all of its step. */
function MarkRow({ spec }: { readonly spec: PanelSpec }): VNode | null {
  const figure = markOf(spec);
  const trace = mark.value;
  if (figure === undefined || trace === null) return null;
  return (
    <tr title={`${visibleWords(trace.name)}, step ${trace.step}: ${figure.rank}`}>
      <td class="legend-name" colSpan={2}>
        <Swatch curve={{ colour: 'text', dash: [], pattern: 'solid' }} shape="mark" />
        <span class="visually-hidden">the marked trace, </span>
        {figure.rank}
      </td>
      <td class="number">{formatNumber(figure.value)}</td>
    </tr>
  );
}

function Notes({ spec }: { readonly spec: PanelSpec }): VNode {
  const isLog = isLogarithmic(spec);
  const scale = isLog ? sceneOf(spec).scale : null;
  const count = spec.heldOut.length === 1 ? heldOutPoints(0).at(-1)?.count : undefined;
  const answer = answerFor(spec.lines[0]?.run ?? spec.stack[0]?.run ?? 0);
  const rows = answer === null ? 0 : answer.to - answer.from;
  return (
    <div class="notes secondary">
      {isLog && spec.stack.length > 0 && <div>log: parts as lines, not stacked</div>}
      {scale?.kind === 'symlog' && (
        <div title="Logarithmic above and below zero, and linear about it.">linear within ±{scale.linear}</div>
      )}
      {spec.bands.map(({ label, colour }) => (
        <div key={colour} class="one-line" title="The band goes from the least to the greatest of them.">
          {label}
        </div>
      ))}
      {count !== undefined && <div>held-out: n {count}, bars 95 %</div>}
      {answer !== null && answer.step.length < rows && (
        <div title="Every range of rows is drawn from its least to its greatest value.">
          {answer.step.length.toLocaleString('en-US')} of {rows.toLocaleString('en-US')} drawn
        </div>
      )}
    </div>
  );
}

function valueAtCursor(curve: CurveSpec, step: number): string {
  const drawn = drawnCurve(curve);
  const timeline = timelines.value[curve.run];
  if (drawn === null || timeline === undefined) return '';
  const place = nearest(drawn.x, axis.value === 'step' ? step : unitAtStep(timeline, step));
  const low = drawn.low[place];
  const high = drawn.high[place];
  const lowText = signed(low);
  const highText = signed(high);
  return lowText === highText ? lowText : `${lowText}…${highText}`;
}

/** Nothing where only extremes of the steps are here: their mean is not that of the steps. */
function meanOfBrush(curve: CurveSpec, { from, to }: StepRange): string {
  const drawn = drawnCurve(curve);
  const timeline = timelines.value[curve.run];
  const answer = answerFor(curve.run);
  if (drawn === null || timeline === undefined || answer === null) return '';
  if (answer.step.length < answer.to - answer.from) return '';
  const at = (step: number): number => (axis.value === 'step' ? step : unitAtStep(timeline, step));
  const mean = meanBetween(drawn, at(from), at(to));
  return mean === null ? '' : signed(mean);
}

/** The newest value as it is recorded. */
export function newestValue({ run, metric }: Pick<CurveSpec, 'run' | 'metric'>): string {
  const newest = curves.value[run]?.newest;
  const curve = newest?.curves.find((one) => one.metric === metric);
  return runs.value[run] === undefined ? '' : signed(curve?.high[0]);
}

function signed(value: number | undefined): string {
  const size = Math.abs(value ?? NaN);
  const text = size > 0 && size < 0.001 ? (value ?? NaN).toExponential(0) : formatNumber(value);
  return text.replaceAll('-', '−');
}

function unpin(metric: string): void {
  post({ kind: 'pins', metrics: pins.peek().filter((name) => name !== metric) });
}
