import { rangeCount, report } from './reportHost';
import '@vscode/codicons/dist/codicon.css';
import 'uplot/dist/uPlot.min.css';
import './panel.css';
import './report.css';
import { render, type VNode } from 'preact';
import { formatCount, formatDuration } from '../core/format';
import type { LaneItem, RunHeader } from '../core/generated/panel';
import type { ReportRollout } from '../core/report';
import { FailureStrip, OddityLine } from './alertStrip';
import { Charts } from './charts';
import { followTheme } from './colours';
import { registerControls } from './controls';
import { keepCurves } from './keepCurves';
import { Figures } from './figures';
import { Verdict } from './icon';
import { connect, runs } from './page';
import { keepTables } from './panelTable';
import { Whole } from './preview';
import { Summary } from './summary';
import { visibleText } from './visibleText';

registerControls();
followSystemTheme();
followTheme();
const root = document.createElement('div');
document.body.append(root);
render(<Page />, root);
keepCurves();
keepTables();
connect();

/** The classes VS Code gives a page by its theme; a change of them lets the charts read their colours again. */
function followSystemTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const update = (): void => {
    document.body.className = dark.matches ? 'vscode-dark' : 'vscode-light';
  };
  dark.addEventListener('change', update);
  update();
}

function Page(): VNode {
  const [run] = runs.value;
  if (run === undefined) return <main class="full-page secondary">Reading the report…</main>;
  return (
    <>
      <Head run={run} />
      <OddityLine run={run} />
      <FailureStrip run={run} />
      <Figures run={run} />
      <main>
        <Charts />
        <p class="note-line secondary">
          {rangeCount < report.curves.rows
            ? `${formatCount(rangeCount)} ranges stand for ${formatCount(report.curves.rows)} steps, each with its least and its greatest value.`
            : `All ${formatCount(report.curves.rows)} steps are drawn.`}{' '}
          Drag brushes, the wheel zooms, with Shift it moves, a double click shows the whole run.
        </p>
        {run.summary.length > 0 && (
          <section class="part" aria-label="Before and after">
            <h2>Before and after</h2>
            <Summary runs={[run]} />
          </section>
        )}
        <Evaluations run={run} />
        <Events lane={run.lane} />
        <Rollouts />
        <section class="part" aria-label="Recipe">
          <h2>Recipe</h2>
          <Facts lines={run.recipe.map(({ key, value }) => [key, value])} />
        </section>
        <section class="part" aria-label="Made with">
          <h2>Made with</h2>
          <Facts lines={[...report.device, ...Object.entries(report.versions)]} />
        </section>
      </main>
    </>
  );
}

function Head({ run }: { readonly run: RunHeader }): VNode {
  return (
    <header class="header-bar">
      <div class="header-words">
        <h1>{visibleText(run.name)}</h1>
        <span class={`state state-${run.state}`}>{run.stateText}</span>
        <span>
          <span class="secondary">step</span> {formatCount(run.step)}
          {run.steps === null ? '' : ` / ${formatCount(run.steps)}`}
        </span>
        {run.elapsedSeconds !== null && (
          <span>
            <span class="secondary">took</span> {formatDuration(run.elapsedSeconds)}
          </span>
        )}
        <span>
          <span class="secondary">on</span> {run.device}
        </span>
        <span class="secondary">
          report of {report.written.slice(0, 16).replace('T', ' ')} UTC, SRFT Studio {report.release}
        </span>
      </div>
    </header>
  );
}

function Evaluations({ run }: { readonly run: RunHeader }): VNode | null {
  if (run.evaluations.length === 0) return null;
  return (
    <section class="part" aria-label="Evaluations">
      <h2>Evaluations</h2>
      <table>
        <thead class="secondary">
          <tr>
            <th class="number">step</th>
            <th>set</th>
            <th>checkpoint</th>
            <th class="number">accuracy</th>
            <th class="number">95 %</th>
            <th class="number">problems</th>
          </tr>
        </thead>
        <tbody>
          {run.evaluations.map(({ step, name, checkpoint, value, low, high, count }) => (
            <tr key={`${step} ${name} ${checkpoint}`}>
              <td class="number">{step}</td>
              <td>{name === 'evaluation' ? 'held-out' : 'final'}</td>
              <td>{checkpoint}</td>
              <td class="number">{percent(value)}</td>
              <td class="number">
                {percent(low)}–{percent(high)}
              </td>
              <td class="number">{formatCount(count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** A report is read by people: more events than these are counted. */
const mostEvents = 500;

function Events({ lane }: { readonly lane: readonly LaneItem[] }): VNode | null {
  if (lane.length === 0) return null;
  const shown = lane.slice(-mostEvents);
  return (
    <section class="part" aria-label="Events">
      <h2>Events{shown.length < lane.length ? `, the newest ${shown.length} of ${formatCount(lane.length)}` : ''}</h2>
      <table>
        <tbody>
          {shown.map(({ step, mark, text }, place) => (
            <tr key={place}>
              <td class="number">{step}</td>
              <td class="secondary">{mark}</td>
              <td class="wide">{visibleText(text)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Rollouts(): VNode | null {
  const { rollouts, rolloutCount } = report;
  if (rollouts.length === 0) return null;
  return (
    <section class="part" aria-label="Rollouts">
      <h2>
        Rollouts: {rollouts.length} of {formatCount(rolloutCount)}, of the newest steps
      </h2>
      {rollouts.map((rollout) => (
        <Sample key={rollout.row} rollout={rollout} />
      ))}
    </section>
  );
}

function Sample({ rollout }: { readonly rollout: ReportRollout }): VNode {
  const entropy = Float32Array.from(rollout.entropy, (nats) => nats ?? NaN);
  const answer = {
    ...rollout,
    kind: 'preview',
    request: 0,
    run: 0,
    pieces: Int32Array.from(rollout.pieces),
    entropy,
  } as const;
  return (
    <details class="sample">
      <summary>
        <Verdict correct={rollout.correct} /> step {rollout.step}{' '}
        <span class="one-line secondary">{visibleText(rollout.text.slice(0, 160).replaceAll(/\s+/g, ' '))}</span>
      </summary>
      <Whole answer={answer} />
    </details>
  );
}

function Facts({ lines }: { readonly lines: readonly (readonly [string, string])[] }): VNode {
  return (
    <table class="facts">
      <tbody>
        {lines.map(([key, value]) => (
          <tr key={key}>
            <td class="secondary">{visibleText(key)}</td>
            <td class="wide">{visibleText(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
