import type { VNode } from 'preact';
import type { Figure, RunHeader } from '../core/generated/panel';
import { curves } from './curves';
import { Icon } from './icon';
import { Sparkline } from './sparkline';

/** The six headline figures: is anything off, at a glance? */
export function Figures({ run }: { readonly run: RunHeader }): VNode {
  return (
    <section class={`figures${run.state === 'silent' ? ' dimmed' : ''}`} aria-label="Figures">
      {run.figures.map((figure) => (
        <FigureCell key={figure.key} figure={figure} run={run} />
      ))}
    </section>
  );
}

function FigureCell({ figure, run }: { readonly figure: Figure; readonly run: RunHeader }): VNode {
  return (
    <div class="figure">
      <div class="figure-words">
        <div class="figure-label secondary">
          {figure.label} {figure.warning && <Icon name="warning" />}
        </div>
        <div class="figure-value">
          <span class="large">{figure.text}</span> <span>{figure.unit}</span>
        </div>
        <div class="figure-detail secondary">{figure.detail}</div>
      </div>
      <Sparkline values={sparkValues(figure, run)} heldOut={figure.metric === null} />
    </div>
  );
}

function sparkValues({ metric }: Figure, { evaluations }: RunHeader): readonly number[] {
  if (metric === null) {
    return evaluations
      .filter(({ name, checkpoint }) => name === 'evaluation' && checkpoint === 'current')
      .map(({ value }) => value);
  }
  const curve = curves.value[0]?.whole?.curves.find((one) => one.metric === metric);
  return curve === undefined ? [] : Array.from(curve.high);
}
