import type { VNode } from 'preact';
import type { RunHeader } from '../core/generated/panel';
import { formatCount, formatDuration } from '../core/format';
import { Charts } from './charts';
import { lookOfRun } from './panels';
import { differences, shortNames, variants } from './runVariants';
import { SavePicture } from './savePicture';
import { Summary } from './summary';
import { Swatch } from './swatch';
import { visibleText } from './visibleText';

/** Several runs over one another: their curves, what their recipes do not share, how they ended. */
export function ComparePage({ runs }: { readonly runs: readonly RunHeader[] }): VNode {
  const different = differences(runs);
  const groups = variants(runs);
  const names = shortNames(runs);
  return (
    <>
      <header class="header-bar">
        <div class="header-words">
          <h1>{runs.length} runs compared</h1>
          <span class="secondary">
            {different.length === 0
              ? 'their recipes are the same'
              : `their recipes differ in ${different
                  .map(({ key }) => key)
                  .slice(0, 3)
                  .join(', ')}${different.length > 3 ? ` and ${different.length - 3} more` : ''}`}
            {groups.length < runs.length ? '; runs that differ only in their seed share a colour' : ''}
          </span>
        </div>
        <div class="header-buttons">
          <SavePicture name="compared runs" />
        </div>
      </header>
      <main class="columns-of-page">
        <Charts />
        <div class="right-side">
          <section class="compared" aria-label="Runs">
            <table>
              <thead class="secondary">
                <tr>
                  <th>run</th>
                  <th>state</th>
                  <th class="number">step</th>
                  <th class="number">took</th>
                  <th>device</th>
                </tr>
              </thead>
              <tbody>
                {runs.map((run, place) => (
                  <tr key={run.runId}>
                    <td>
                      <Swatch curve={lookOfRun(groups, place)} shape="line" />
                      {visibleText(run.name)}
                    </td>
                    <td>{run.stateText}</td>
                    <td class="number">{formatCount(run.step)}</td>
                    <td class="number">{run.elapsedSeconds === null ? '–' : formatDuration(run.elapsedSeconds)}</td>
                    <td class="secondary">{visibleText(run.device)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <Summary runs={runs} />
          {different.length > 0 && (
            <section class="compared" aria-label="Differences of the recipes">
              <h2>Where the recipes differ</h2>
              <table>
                <thead class="secondary">
                  <tr>
                    <th>key</th>
                    {runs.map((run, place) => (
                      <th key={run.runId}>{names[place]}</th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {different.map(({ key, values }) => (
                    <tr key={key}>
                      <td>{key}</td>
                      {values.map((value, place) => (
                        <td key={runs[place]?.runId} class="recipe-value">
                          {visibleText(value)}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )}
        </div>
      </main>
    </>
  );
}
