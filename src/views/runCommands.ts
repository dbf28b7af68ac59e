import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, env, Uri, window, workspace } from 'vscode';
import { absentAsUndefined } from '../runs/tail';
import type { RunLibrary } from './library';
import { machineNeeds } from './machineNeeds';
import type { RunPicker } from './pick';
import type { RunPanels } from './runPanels';

/** Commands that look at runs: they need no trainer and no trust. */
export class RunCommands {
  constructor(
    private readonly library: RunLibrary,
    private readonly panels: RunPanels,
    private readonly pick: RunPicker,
  ) {}

  /** Open a run directory, asked for where none is named. */
  async openRun(target: unknown): Promise<void> {
    const directory = target instanceof Uri ? target.fsPath : await askForFolder();
    if (directory === undefined) return;
    const opened = await this.library.open(await runFolderOf(directory));
    if (opened.kind === 'read') this.panels.show([opened.value]);
    else void window.showErrorMessage(opened.reason);
  }

  /** The panel of a run. */
  async showRun(target: unknown): Promise<void> {
    if (target === undefined && this.library.runs.length === 0) {
      this.panels.showEmpty(machineNeeds);
      return;
    }
    const run = await this.pick.one(target, 'Which run?');
    if (run !== undefined) this.panels.show([run]);
  }

  /** Two to eight runs over each other. */
  async compareRuns(target: unknown, targets: unknown): Promise<void> {
    const runs = await this.pick.several(target, targets, 'Compare which runs? (two to eight)');
    if (runs !== undefined) this.panels.show(runs);
  }

  /** Another name on screen. */
  async renameRun(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Rename which run?');
    if (run === undefined) return;
    const name = await window.showInputBox({
      ignoreFocusOut: true,
      title: 'Name of the run on screen',
      prompt: `Its folder stays ${run.name}.`,
      value: this.library.header(run).name,
      validateInput: (value) => (value.trim() === '' ? 'A run needs a name.' : undefined),
    });
    if (name !== undefined) await this.library.rename(run, name.trim());
  }

  /** The folder in the explorer, or in the system's file manager. */
  async revealRun(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Reveal which run?');
    if (run === undefined) return;
    const uri = Uri.file(join(run.store.directory, 'run.json'));
    const isInWorkspace = workspace.getWorkspaceFolder(uri) !== undefined;
    await commands.executeCommand(isInWorkspace ? 'revealInExplorer' : 'revealFileInOS', uri);
  }

  /** trainer.log, as a document. */
  async showLog(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Show the log of which run?');
    if (run === undefined) return;
    const log = Uri.file(join(run.store.directory, 'trainer.log'));
    if ((await absentAsUndefined(stat(log.fsPath))) === undefined) {
      void window.showInformationMessage(`${run.name} has no trainer.log.`);
      return;
    }
    await window.showTextDocument(log, { preview: true });
  }

  /** The recipe as the trainer resolved it. */
  async showRecipe(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Show the recipe of which run?');
    if (run === undefined) return;
    const content = JSON.stringify(run.store.manifest.recipe, undefined, 2);
    await window.showTextDocument(await workspace.openTextDocument({ language: 'jsonc', content }), { preview: true });
  }

  /** Look for runs again. */
  async refresh(): Promise<void> {
    await this.library.refresh();
  }
}

/** Versions and the question, in a new issue; no path, no token and no user name. */
export async function reportIssue(version: string, editor: string): Promise<void> {
  const content = [
    '### What happened',
    '',
    '### What you expected',
    '',
    '### How to see it again',
    '',
    '### Versions',
    '',
    `- SRFT Studio ${version}`,
    `- editor ${editor}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
    `- remote: ${env.remoteName === undefined ? 'no' : 'yes'}`,
    '',
    'Add the table of *SRFT: Doctor* if the trainer is concerned.',
  ].join('\n');
  await window.showTextDocument(await workspace.openTextDocument({ language: 'markdown', content }));
}

async function askForFolder(): Promise<string | undefined> {
  const picked = await window.showOpenDialog({
    title: 'Open a run directory',
    openLabel: 'Open Run',
    canSelectFiles: false,
    canSelectFolders: true,
    canSelectMany: false,
  });
  return picked?.[0]?.fsPath;
}

/** A person may have picked a file of the run, or a folder in it. */
async function runFolderOf(path: string): Promise<string> {
  for (const candidate of [path, join(path, '..'), join(path, '..', '..')]) {
    if ((await absentAsUndefined(stat(join(candidate, 'run.json')))) !== undefined) return candidate;
  }
  return path;
}
