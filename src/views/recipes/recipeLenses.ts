import { resolve } from 'node:path';
import {
  CodeLens,
  EventEmitter,
  Range,
  workspace,
  type CodeLensProvider,
  type Disposable,
  type TextDocument,
} from 'vscode';
import type { RunHeader } from '../../../core/generated/panel';
import type { RunWatch } from '../../runs/runWatch';
import type { RunLibrary } from '../library';
import { settings } from '../settings';

/** Train · Check · Last run, above a recipe. */
export class RecipeLenses implements CodeLensProvider, Disposable {
  private readonly changed = new EventEmitter<void>();
  private readonly subscriptions: Disposable[];
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(private readonly library: RunLibrary) {
    const refresh = (): void => {
      this.changed.fire();
    };
    this.subscriptions = [
      this.changed,
      library.onList(refresh),
      library.onNews(({ change }) => {
        if (change.presence || change.restarted) refresh();
      }),
      workspace.onDidGrantWorkspaceTrust(refresh),
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('srft.codeLens')) refresh();
      }),
    ];
  }

  provideCodeLenses({ uri }: TextDocument): CodeLens[] {
    if (!settings.codeLens()) return [];
    const top = new Range(0, 0, 0, 0);
    const lenses: CodeLens[] = [];
    if (workspace.isTrusted) {
      lenses.push(
        new CodeLens(top, { title: '$(play) Train', command: 'srft.train', arguments: [uri] }),
        new CodeLens(top, { title: '$(checklist) Check', command: 'srft.checkRecipe', arguments: [uri] }),
      );
    }
    const run = this.library.runs.find((known) => recipeFileOf(known) === uri.fsPath);
    if (run !== undefined) {
      const title = `Last run: ${lastRunText(this.library.header(run))}`;
      lenses.push(new CodeLens(top, { title, command: 'srft.showRun', arguments: [{ kind: 'run', run }] }));
    }
    return lenses;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function recipeFileOf({ store }: RunWatch): string | undefined {
  const file = store.manifest.recipe_file;
  return file === null ? undefined : resolve(store.directory, file);
}

function lastRunText({ stateText, figures }: RunHeader): string {
  const [heldOut] = figures;
  const state = stateText.toLowerCase();
  return heldOut?.value === null || heldOut === undefined ? state : `${state}, ${heldOut.text} % held-out`;
}
