import { commands, window } from 'vscode';
import { pullSize, steepestStep, trainedRows } from '../../core/extremes';
import { formatCount, formatNumber } from '../../core/format';
import type { RunWatch } from '../runs/runWatch';

/**
 * From the highest gradient norm of some steps to the trace that pulled hardest in that step, and say what it is: the
 * gradient of a single trace is not recorded.
 */
export async function openSteepest({ store }: RunWatch, from: number, to: number): Promise<void> {
  const { index, model, manifest } = store;
  const peak = steepestStep(model.steps, from, to);
  if (peak === undefined) {
    void window.showInformationMessage(`No gradient norm of steps ${from}–${to} is recorded.`);
    return;
  }
  const at = `Step ${peak.step} has the highest gradient norm of steps ${from}–${to}, ${formatNumber(peak.norm)}.`;
  let best: { readonly row: number; readonly size: number } | undefined;
  let [count, sum] = [0, 0];
  for (const row of trainedRows(index, model.attempts, peak.step)) {
    const record = await store.readRollout(row);
    const size = record.kind === 'read' ? pullSize({ record: record.value }) : undefined;
    if (size === undefined) continue;
    count += 1;
    sum += size;
    if (size > (best?.size ?? -1)) best = { row, size };
  }
  const id = best === undefined ? undefined : index.ids[best.row];
  if (best === undefined || id === undefined) {
    void window.showInformationMessage(`${at} The pulls of its traces were not kept, so that none can be named.`);
    return;
  }
  await commands.executeCommand('srft.openTrace', { runId: manifest.run_id, id });
  void window.showInformationMessage(
    `${at} Of its ${formatCount(count)} traces this one pulls hardest: Σ |pull| ${formatNumber(best.size)} of ${formatNumber(sum)}. Gradients of single traces are not recorded.`,
  );
}
