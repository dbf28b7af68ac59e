import type { VNode } from 'preact';
import { formatNumber } from '../core/format';
import { change, view } from './viewState';
import { cssColour } from './colours';
import { answerFor, axis, curves, timelines } from './curves';
import { cursorStep } from './cursor';
import { post } from './host';
import { Icon } from './icon';
import { pins, runs } from './page';
import type { CurveSpec, PanelSpec } from './panels';
import { drawnCurve, heldOutPoints } from './scene';
import { nearest, unitAtStep } from './seriesData';
import { follow } from './follow';

/** What is drawn, what it is worth at the cursor, and what it is worth now. */
export function Legend({ spec }: { readonly spec: PanelSpec }): VNode {
  follow(axis);
  const isLog = view.value.logPanels.includes(spec.id);
  const rows = [...spec.lines, ...[...spec.stack].reverse()];
  return (
    <div class="legend">
      <div class="legend-head">
        <span class="legend-title" title={spec.title}>
          {spec.title}
        </span>{' '}
        <span class="secondary">{spec.unit}</span>
        <span class="legend-tools">
          {spec.stack.length === 0 && (
            <button
              type="button"
              class={isLog ? 'tool chosen' : 'tool'}
              aria-pressed={isLog}
              title="Logarithmic axis"
              onClick={() => {
                const others = view.peek().logPanels.filter((id) => id !== spec.id);
                change({ logPanels: isLog ? others : [...others, spec.id] });
              }}
            >
              log
            </button>
          )}
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
      <table>
        <tbody>
          {rows.map((curve) => (
            <tr key={`${curve.run} ${curve.metric}`}>
              <td class="legend-name" title={curve.metric}>
                <Swatch curve={curve} stacked={spec.stack.includes(curve)} />
                {curve.label}
              </td>
              <td class="number secondary">
                {cursorStep.value === null ? '' : valueAtCursor(curve, cursorStep.value)}
              </td>
              <td class="number">{newestValue(curve)}</td>
            </tr>
          ))}
          {spec.heldOut.map(({ run, label, colour }) => {
            const points = heldOutPoints(run);
            const before = points.filter(({ step }) => cursorStep.value !== null && step <= cursorStep.value).at(-1);
            return (
              <tr key={`held-out ${run}`}>
                <td class="legend-name">
                  <svg class="swatch" width="14" height="10" aria-hidden="true">
                    <line x1="0" y1="5" x2="14" y2="5" style={{ stroke: cssColour(colour) }} />
                    <circle cx="7" cy="5" r="3" style={{ fill: cssColour(colour) }} />
                  </svg>
                  {label}
                </td>
                <td class="number secondary">{before === undefined ? '' : formatNumber(before.value)}</td>
                <td class="number">{formatNumber(points.at(-1)?.value)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <Notes spec={spec} />
    </div>
  );
}

function Notes({ spec }: { readonly spec: PanelSpec }): VNode {
  const count = spec.heldOut.length === 1 ? heldOutPoints(0).at(-1)?.count : undefined;
  const answer = answerFor(spec.lines[0]?.run ?? spec.stack[0]?.run ?? 0);
  const rows = answer === null ? 0 : answer.to - answer.from;
  return (
    <div class="notes secondary">
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

/** Line or fill, as in the chart. */
function Swatch({ curve, stacked }: { readonly curve: CurveSpec; readonly stacked: boolean }): VNode {
  const colour = cssColour(curve.colour);
  if (stacked) return <span class={`swatch fill ${curve.pattern}`} style={{ color: colour }} />;
  return (
    <svg class="swatch" width="14" height="10" aria-hidden="true">
      <line x1="0" y1="5" x2="14" y2="5" style={{ stroke: colour, strokeDasharray: curve.dash.join(' ') }} />
    </svg>
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
