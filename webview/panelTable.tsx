import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { formatNumber } from '../core/format';
import { axis, curves, shownSteps, timelines } from './curves';
import { newestValue } from './legend';
import type { CurveSpec, PanelSpec } from './panels';
import { drawnCurve } from './scene';
import { nearest, stepAtUnit, unitAtStep } from './seriesData';
import { follow } from './follow';

/** Grows every two seconds while there is something new: nobody listens faster. */
const beat = signal(0);
const beatMs = 2000;

/** Let the tables for screen readers follow the curves. */
export function keepTables(): void {
  let seen = curves.peek();
  setInterval(() => {
    if (document.hidden || seen === curves.peek()) return;
    seen = curves.peek();
    beat.value += 1;
  }, beatMs);
}

/** The panel in words and numbers, for who does not see it. */
export function PanelTable({ spec }: { readonly spec: PanelSpec }): VNode {
  follow(beat);
  const columns = [...spec.lines, ...spec.stack];
  const { from, to } = shownSteps.peek();
  const count = Math.min(mostRows, Math.max(1, Math.floor(to - from) + 1));
  const steps = Array.from({ length: count }, (_, place) =>
    Math.round(from + ((to - from) * place) / Math.max(1, count - 1)),
  );
  return (
    <div class="visually-hidden" role="group" aria-label={summary(spec, from, to)}>
      <table>
        <caption>{spec.title}</caption>
        <thead>
          <tr>
            <th>step</th>
            {columns.map(({ run, metric, label }) => (
              <th key={`${run} ${metric}`}>{label}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr key={step}>
              <th>{step}</th>
              {columns.map((curve) => (
                <td key={`${curve.run} ${curve.metric}`}>{formatNumber(valueAt(curve, step))}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const mostRows = 20;

function summary({ title, unit, lines, stack }: PanelSpec, from: number, to: number): string {
  const first = lines[0] ?? stack[0];
  if (first === undefined) return title;
  return `${title}: ${newestValue(first)} ${unit} at step ${Math.round(to)}, was ${formatNumber(valueAt(first, from))} at step ${Math.round(from)}`;
}

function valueAt(curve: CurveSpec, step: number): number | undefined {
  const drawn = drawnCurve(curve);
  const timeline = timelines.peek()[curve.run];
  if (drawn === null || timeline === undefined) return undefined;
  const unit = axis.peek() === 'step' ? step : unitAtStep(timeline, step);
  const place = nearest(drawn.x, unit);
  const isFar =
    Math.abs((axis.peek() === 'step' ? (drawn.x[place] ?? NaN) : stepAtUnit(timeline, drawn.x[place] ?? NaN)) - step) >
    Math.max(2, drawn.x.length / 4);
  return isFar ? undefined : drawn.high[place];
}
