import { window, workspace, type ExtensionContext } from 'vscode';
import { followContext } from './runContext';
import { RunLibrary } from './views/library';
import { RunsTree } from './views/runsTree';
import { RunStatusBar } from './views/statusBar';

/** Shows the runs at once; what a person asks for is loaded right after. */
export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel('SRFT Studio', { log: true });
  const library = new RunLibrary(context, log);
  const tree = new RunsTree(library);
  const treeView = window.createTreeView('srft.runs', {
    treeDataProvider: tree,
    canSelectMany: true,
    showCollapseAll: true,
  });
  context.subscriptions.push(
    log,
    library,
    tree,
    treeView,
    new RunStatusBar(library),
    followContext(library),
    workspace.onDidGrantWorkspaceTrust(() => {
      library.trustChanged();
    }),
  );
  void library.refresh();
  const { registerFeatures } = await import('./features');
  context.subscriptions.push(...registerFeatures(context, { library, tree, treeView, log }));
}
