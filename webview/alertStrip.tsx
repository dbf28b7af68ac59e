import { useState } from 'preact/hooks';
import type { VNode } from 'preact';
import type { Alert, RunHeader } from '../core/generated/panel';
import { brushBetween } from './cursor';
import { ForkLink } from './forkLink';
import { lastBefore } from './forkSteps';
import { wish } from './host';
import { Icon } from './icon';
import { visibleText, visibleWords } from './visibleText';

/** The newest thing that needs a look; older ones wait behind it. */
export function AlertStrip({ run }: { readonly run: RunHeader }): VNode {
  const [all, setAll] = useState(false);
  const newestFirst = [...run.alerts].sort((a, b) => b.toStep - a.toStep);
  const shown = all ? newestFirst : newestFirst.slice(0, 1);
  const more = newestFirst.length - shown.length;
  return (
    <div role="status" aria-live="polite" class="alerts">
      {shown.map((alert, place) => (
        <AlertLine key={alert.id} alert={alert} forkStep={lastBefore(run.forkSteps, alert.fromStep)}>
          {place === shown.length - 1 && newestFirst.length > 1 && (
            <button
              type="button"
              class="link"
              onClick={() => {
                setAll(!all);
              }}
            >
              {all ? 'newest only' : `${more} more`}
            </button>
          )}
        </AlertLine>
      ))}
    </div>
  );
}

/** Why the run ended before its time, and what to do. */
export function FailureStrip({ run }: { readonly run: RunHeader }): VNode | null {
  if (run.failure === null) return null;
  return (
    <div class="alert error failure" role="status">
      <Icon name="error" />
      <div class="alert-text">
        <div>{visibleText(run.failure.message)}</div>
        <div class="secondary">
          {run.failure.remedy} Curves and rollouts up to step {run.step} stay readable.
        </div>
      </div>
    </div>
  );
}

/** What is odd about the files, in one line. */
export function OddityLine({ run }: { readonly run: RunHeader }): VNode | null {
  const lines = [
    ...(run.newerMinor ? ['This run was written by a newer release; what it added is not shown.'] : []),
    ...run.oddities,
    ...(run.state === 'silent' || run.state === 'watching' ? [silence(run)] : []),
  ];
  if (lines.length === 0) return null;
  return (
    <div class="oddities secondary" role="status" title={lines.map(visibleWords).join('\n')}>
      <Icon name="info" />
      <span class="one-line">{visibleText(lines.join(' · '))}</span>
    </div>
  );
}

/** Why a run can be looked at here and nothing can be started. */
export function RestrictedLine(): VNode {
  return (
    <div class="oddities secondary" role="status">
      <Icon name="info" />
      <span class="one-line">This workspace is in Restricted Mode: runs can be looked at, not started or stopped.</span>
    </div>
  );
}

function silence({ stillSeconds }: RunHeader): string {
  return stillSeconds === null
    ? 'Nothing has come yet; looking on.'
    : `No data for ${Math.round(stillSeconds)} s; looking on. The last values stay.`;
}

function AlertLine(props: {
  readonly alert: Alert;
  /** The last checkpoint before it. */
  readonly forkStep: number | null;
  readonly children: VNode | false;
}): VNode {
  const { alert, forkStep, children } = props;
  return (
    <div class={`alert ${alert.severity}`}>
      <Icon name={alert.severity === 'error' ? 'error' : 'warning'} />
      <div class="alert-text">
        {alert.fact} <span class="secondary">{alert.consequence}</span>
      </div>
      {children}
      <button
        type="button"
        class="link"
        onClick={() => {
          brushBetween(alert.fromStep, alert.toStep);
        }}
      >
        Select steps
      </button>
      {forkStep !== null && <ForkLink step={forkStep} title="Begin another run at the last checkpoint before this" />}
      <button
        type="button"
        class="icon-button"
        aria-label="Dismiss"
        title="Dismiss"
        onClick={() => {
          wish('dismissAlert', 0, { id: alert.id });
        }}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
