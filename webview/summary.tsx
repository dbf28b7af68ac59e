import type { VNode } from 'preact';
import type { RunHeader, SummaryRow } from '../core/generated/panel';
import { shortNames } from './runVariants';

/** Before and after, as far as held-out evaluations tell. */
export function Summary({ runs }: { readonly runs: readonly RunHeader[] }): VNode | null {
  const names = shortNames(runs);
  if (runs.every(({ summary }) => summary.length === 0)) return null;
  return (
    <section class="summary" aria-label="Before and after">
      <table>
        <thead class="secondary">
          <tr>
            <th>held-out</th>
            <th class="number">accuracy (95 %)</th>
            <th class="number">entropy</th>
            <th class="number">length</th>
            <th class="number">truncated</th>
          </tr>
        </thead>
        <tbody>
          {runs.flatMap((run, place) =>
            run.summary.map((row) => (
              <Line
                key={`${run.runId} ${row.label}`}
                row={row}
                name={runs.length > 1 ? `${names[place] ?? ''}: ` : ''}
              />
            )),
          )}
        </tbody>
      </table>
    </section>
  );
}

function Line({ row, name }: { readonly row: SummaryRow; readonly name: string }): VNode {
  return (
    <tr class={row.best ? 'best' : ''}>
      <td>
        {name}
        {row.label}
        {row.best ? ', best' : ''}
      </td>
      <td class="number">{row.accuracy}</td>
      <td class="number">{row.entropy}</td>
      <td class="number">{row.length}</td>
      <td class="number">{row.truncated}</td>
    </tr>
  );
}
