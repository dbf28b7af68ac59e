import { dirname, join } from 'node:path';
import { ProgressLocation, Uri, window } from 'vscode';
import { cleanUp, deleteRun, type CleanUp } from '../runs/cleanUp';
import { runSize } from '../runs/catalogue';
import { exportCurves, type Exported, type ExportOptions } from '../runs/exportCurves';
import { exportRollouts } from '../runs/exportRollouts';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';
import type { RunPicker } from './pick';

/** Commands that write files of a run elsewhere, or free its disk space. */
export class ManageCommands {
  constructor(
    private readonly library: RunLibrary,
    private readonly pick: RunPicker,
  ) {}

  /** Every step and metric, with all digits. */
  exportCsv(target: unknown): Promise<void> {
    return this.export(target, 'Export the curves of which run?', 'csv', (run, file, options) =>
      exportCurves(run.store.model, file, options),
    );
  }

  /** Every rollout with its text. */
  exportParquet(target: unknown): Promise<void> {
    return this.export(target, 'Export the rollouts of which run?', 'parquet', (run, file, options) =>
      exportRollouts(run.store, file, options),
    );
  }

  /** Delete checkpoints that are neither newest nor best, or what only an exact resume needs. */
  async cleanUpRun(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Clean up which run?', (header) => !header.canControl);
    if (run === undefined) return;
    const { directory } = run.store;
    const size = await runSize(directory);
    const choices: { label: string; detail: string; what: CleanUp }[] = [
      {
        label: 'Delete older checkpoints',
        detail: `Keeps the newest and the best; all checkpoints take ${bytesText(size.checkpoints)}.`,
        what: 'checkpoints',
      },
      {
        label: 'Delete what only an exact resume needs',
        detail: `${bytesText(size.trainerState)} of optimiser and random state; weights stay, and a fork can begin from them.`,
        what: 'trainer_state',
      },
    ];
    const title = `${this.library.header(run).name} takes ${bytesText(size.total)}`;
    const chosen = await window.showQuickPick(choices, { title });
    if (chosen === undefined) return;
    const result = await cleanUp(directory, chosen.what);
    if (result.kind === 'freed') void window.showInformationMessage(`${bytesText(result.bytes)} freed.`);
    else void window.showErrorMessage(result.reason);
  }

  /** Delete a run's folder, after asking. */
  async deleteRun(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Delete which run?', (header) => !header.canControl);
    if (run === undefined) return;
    const { directory } = run.store;
    const { total } = await runSize(directory);
    const answer = await window.showWarningMessage(
      `Delete ${this.library.header(run).name} for good?`,
      { modal: true, detail: `${directory}\n${bytesText(total)}: curves, rollouts and checkpoints.` },
      'Delete',
    );
    if (answer === undefined) return;
    const result = await deleteRun(directory);
    if (result.kind === 'freed') await this.library.forget(directory);
    else void window.showErrorMessage(result.reason);
  }

  private async export(
    target: unknown,
    question: string,
    ending: string,
    work: (run: RunWatch, file: string, options: ExportOptions) => Promise<Exported>,
  ): Promise<void> {
    const run = await this.pick.one(target, question);
    if (run === undefined) return;
    const { name } = this.library.header(run);
    const file = await window.showSaveDialog({
      defaultUri: Uri.file(join(dirname(run.store.directory), `${name}.${ending}`)),
      filters: { [ending.toUpperCase()]: [ending] },
    });
    if (file === undefined) return;
    const exported = await window.withProgress(
      { location: ProgressLocation.Notification, title: `SRFT: exporting ${name}`, cancellable: true },
      (progress, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => {
          stop.abort();
        });
        return work(run, file.fsPath, {
          signal: stop.signal,
          onProgress: (rows, of) => {
            progress.report({ message: `${rows} of ${of}` });
          },
        });
      },
    );
    if (exported.kind === 'written') {
      void window.showInformationMessage(`${exported.rows} rows written, ${bytesText(exported.bytes)}.`);
    }
  }
}

/** `1.2 GB`. */
export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
