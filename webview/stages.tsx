import type { VNode } from 'preact';
import type { RunHeader } from '../core/generated/panel';
import { Icon } from './icon';
import { visibleText } from './visibleText';

/** What the trainer does before the first step. */
export function Stages({ run }: { readonly run: RunHeader }): VNode {
  return (
    <section class="stages" aria-label="Starting" role="status">
      {run.stages.map(({ name, seconds, done }) => (
        <div class="stage" key={name}>
          <Icon name={done ? 'check' : 'sync'} spin={!done} />
          <span class="stage-name">{visibleText(name)}</span>
          <span class="number secondary">{seconds.toFixed(seconds < 10 ? 1 : 0)} s</span>
        </div>
      ))}
      {run.stages.length === 0 && <div class="secondary">The trainer has not said anything yet.</div>}
    </section>
  );
}
