import { commands, Uri, window, workspace, type QuickPickItem } from 'vscode';
import type { RunHeader } from '../../core/generated/panel';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';
import { runDescription, type RunNode } from './runsTree';

/** Which run a command is about. */
export class RunPicker {
  constructor(
    private readonly library: RunLibrary,
    private readonly inFront: () => RunWatch | undefined,
    private readonly selected: () => RunNode | undefined,
  ) {}

  /**
   * The run a command was called on; else that of the panel in front; else the only one that fits; else what a person
   * picks. Undefined when nothing fits, which is said, or nothing was picked.
   */
  async one(
    target: unknown,
    question: string,
    fits: (header: RunHeader) => boolean = () => true,
  ): Promise<RunWatch | undefined> {
    const named = runOf(target);
    if (named !== undefined) return named;
    const fitting = this.library.runs.filter((run) => fits(this.library.header(run)));
    const nearest = [this.inFront(), runOf(this.selected())].find((run) => run !== undefined && fitting.includes(run));
    if (nearest !== undefined) return nearest;
    if (fitting.length <= 1) {
      if (fitting.length === 0) void window.showInformationMessage('No run fits this command now.');
      return fitting[0];
    }
    const picked = await window.showQuickPick(this.items(fitting), { title: question, matchOnDescription: true });
    return picked?.run;
  }

  /** Two to eight runs. */
  async several(target: unknown, targets: unknown, question: string): Promise<readonly RunWatch[] | undefined> {
    const chosen = (Array.isArray(targets) ? targets : []).flatMap((node) => runOf(node) ?? []);
    if (chosen.length >= 2) return chosen.slice(0, 8);
    const named = runOf(target) ?? this.inFront();
    const picked = await window.showQuickPick(
      this.items(this.library.runs).map((item) => ({ ...item, picked: item.run === named })),
      { title: question, canPickMany: true, matchOnDescription: true },
    );
    if (picked === undefined) return undefined;
    if (picked.length < 2 || picked.length > 8) {
      void window.showInformationMessage('Choose two to eight runs to compare.');
      return undefined;
    }
    return picked.map(({ run }) => run);
  }

  /** A run beside another. */
  async another(than: RunWatch, question: string): Promise<RunWatch | undefined> {
    const others = this.library.runs.filter((run) => run !== than);
    if (others.length === 0) {
      void window.showInformationMessage('There is no other run in this window.');
      return undefined;
    }
    const picked = await window.showQuickPick(this.items(others), { title: question, matchOnDescription: true });
    return picked?.run;
  }

  private items(runs: readonly RunWatch[]): (QuickPickItem & { run: RunWatch })[] {
    return runs.map((run) => {
      const header = this.library.header(run);
      return { label: header.name, description: runDescription(header), detail: shownPath(run.store.directory), run };
    });
  }
}

/** A recipe: the one a command was called on, the one in front, or one of the workspace. */
export async function pickRecipe(target: unknown): Promise<string | undefined> {
  if (target instanceof Uri) return target.fsPath;
  const active = window.activeTextEditor?.document.uri;
  if (active?.path.endsWith('.srft.json') === true) return active.fsPath;
  const found = await workspace.findFiles('**/*.srft.json', '**/{node_modules,runs,.venv}/**', 200);
  if (found.length === 0) {
    const answer = await window.showInformationMessage(
      'There is no *.srft.json in this workspace yet.',
      'New Recipe',
      'Train the Demo',
    );
    if (answer === 'New Recipe') await commands.executeCommand('srft.newRecipe');
    if (answer === 'Train the Demo') await commands.executeCommand('srft.trainDemo');
    return undefined;
  }
  if (found.length === 1) return found[0]?.fsPath;
  const items = found.map((uri) => ({ label: workspace.asRelativePath(uri), path: uri.fsPath }));
  return (await window.showQuickPick(items, { title: 'Which recipe?' }))?.path;
}

/** A path as people write it, relative to the workspace where it lies in one. */
export function shownPath(path: string): string {
  return workspace.asRelativePath(path);
}

function runOf(target: unknown): RunWatch | undefined {
  if (typeof target !== 'object' || target === null || !('run' in target)) return undefined;
  return (target as Exclude<RunNode, { kind: 'refused' }>).run;
}
