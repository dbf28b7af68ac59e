import { dirname, join } from 'node:path';
import { commands, env, ProgressLocation, Uri, window, workspace, type ExtensionContext } from 'vscode';
import { cleanUp, deleteRun, type CleanUp } from '../runs/cleanUp';
import { runSize } from '../runs/catalogue';
import { exportCurves, type Exported, type ExportOptions } from '../runs/exportCurves';
import { exportReport, type ReportPage } from '../runs/exportReport';
import { exportRollouts } from '../runs/exportRollouts';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';
import type { RunPicker } from './pick';
import { pinnedMetrics } from './pins';
import { settings } from './settings';

/** Commands that write files of a run elsewhere, or free its disk space. */
export class ManageCommands {
  constructor(
    private readonly context: ExtensionContext,
    private readonly library: RunLibrary,
    private readonly pick: RunPicker,
  ) {}

  /** Every step and metric, with all digits. */
  exportCsv(target: unknown): Promise<void> {
    return this.exportRows(target, 'Export the curves of which run?', 'csv', (run, file, options) =>
      exportCurves(run.store.model, file, options),
    );
  }

  /** Every rollout with its text. */
  exportParquet(target: unknown): Promise<void> {
    return this.exportRows(target, 'Export the rollouts of which run?', 'parquet', (run, file, options) =>
      exportRollouts(run.store, file, options),
    );
  }

  /** One HTML file with everything a reader elsewhere needs: curves that zoom, evaluations, recipe, sample rollouts. */
  async exportReport(target: unknown): Promise<void> {
    const written = await this.export(target, 'Export a report of which run?', 'html', async (run, path, options) => {
      const choices = {
        header: this.library.header(run),
        pins: pinnedMetrics(this.context),
        smoothing: settings.smoothing(),
        release: (this.context.extension.packageJSON as { version: string }).version,
      };
      return exportReport(run.store, choices, await this.reportPage(), path, options);
    });
    if (written === undefined) return;
    const { file, bytes } = written;
    const answer = await window.showInformationMessage(
      `The report is written, ${bytesText(bytes)}: ${file.fsPath}`,
      'Open',
      'Reveal',
    );
    if (answer === 'Open') await env.openExternal(file);
    if (answer === 'Reveal') await commands.executeCommand('revealFileInOS', file);
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

  private async exportRows(target: unknown, question: string, ending: string, work: ExportWork): Promise<void> {
    const written = await this.export(target, question, ending, work);
    if (written === undefined) return;
    void window.showInformationMessage(`${written.rows} rows written, ${bytesText(written.bytes)}.`);
  }

  private async reportPage(): Promise<ReportPage> {
    const folder = Uri.joinPath(this.context.extensionUri, 'dist', 'webview');
    const text = async (name: string): Promise<string> =>
      new TextDecoder().decode(await workspace.fs.readFile(Uri.joinPath(folder, name)));
    return { script: await text('report.js'), style: await text('report.css') };
  }

  private async export(
    target: unknown,
    question: string,
    ending: string,
    work: ExportWork,
  ): Promise<WrittenFile | undefined> {
    const run = await this.pick.one(target, question);
    if (run === undefined) return undefined;
    const { name } = this.library.header(run);
    const file = await window.showSaveDialog({
      defaultUri: Uri.file(join(dirname(run.store.directory), `${name}.${ending}`)),
      filters: { [ending.toUpperCase()]: [ending] },
    });
    if (file === undefined) return undefined;
    const exported = await window.withProgress(
      { location: ProgressLocation.Notification, title: `SRFT: exporting ${name}`, cancellable: true },
      async (progress, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => {
          stop.abort();
        });
        await run.store.readAll();
        return work(run, file.fsPath, {
          signal: stop.signal,
          onProgress: (rows, of) => {
            progress.report({ message: `${rows} of ${of}` });
          },
        });
      },
    );
    return exported.kind === 'written' ? { ...exported, file } : undefined;
  }
}

type ExportWork = (run: RunWatch, file: string, options: ExportOptions) => Promise<Exported>;

interface WrittenFile {
  readonly file: Uri;
  readonly rows: number;
  readonly bytes: number;
}

/** `1.2 GB`. */
export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
