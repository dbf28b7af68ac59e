import { commands, version, window, workspace, type ExtensionContext } from 'vscode';
import { commandTable, followContext } from './commands';
import { withTrust } from './trust';
import { registerLanguageTools } from './views/languageTools';
import { RunLibrary } from './views/library';
import { registerDemonstrations } from './views/demonstrations/index';
import { ManageCommands } from './views/manageCommands';
import { RunNotifications } from './views/notifications';
import { panelActions } from './views/panelActions';
import { RunPicker } from './views/pick';
import { registerRecipes } from './views/recipes/index';
import { RunControl } from './views/runControl';
import { RunCommands } from './views/runCommands';
import { RunPanels } from './views/runPanels';
import { RunsTree } from './views/runsTree';
import { RolloutSearch } from './views/search/index';
import { RunStatusBar } from './views/statusBar';
import { TrainerEnvironment } from './views/trainerEnvironment';
import { registerTraces } from './views/traces/index';
import { Training } from './views/training';

/** Makes the parts of the extension and hands them to each other. */
export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel('SRFT Studio', { log: true });
  const library = new RunLibrary(context, log);
  const panels = new RunPanels(context, library, panelActions(library), log);
  const tree = new RunsTree(library);
  const treeView = window.createTreeView('srft.runs', {
    treeDataProvider: tree,
    canSelectMany: true,
    showCollapseAll: true,
  });
  const pick = new RunPicker(
    library,
    () => panels.active,
    () => treeView.selection[0],
  );
  const environment = new TrainerEnvironment(context, log);
  const runs = new RunCommands(library, panels, pick);
  const recipes = registerRecipes(context, { environment, library, log });
  const demonstrations = registerDemonstrations(context, { environment, log });
  const traces = registerTraces(context, { library, curves: panels, environment, log });
  const followTree = traces.front.onDidChange(({ run }) => {
    // What several are selected for is not taken from them, and a view that is closed stays closed.
    const [selected, another] = treeView.selection;
    const isThere = selected !== undefined && 'run' in selected && selected.run === run;
    if (treeView.visible && another === undefined && !isThere)
      void treeView.reveal(tree.nodeOf(run), { select: true, focus: false });
  });
  const search = new RolloutSearch(context, { library, pick, log, brushedSteps: (run) => panels.brushedSteps(run) });
  const table = commandTable({
    runs,
    manage: new ManageCommands(context, library, pick),
    training: new Training(context, library, panels, pick, environment, log),
    control: new RunControl(library, pick),
    environment,
    recipes,
    demonstrations,
    traces,
    search,
    library,
    log,
    versions: { extension: (context.extension.packageJSON as { version: string }).version, editor: version },
  });
  context.subscriptions.push(
    log,
    library,
    panels,
    panels.registerSerializer(),
    tree,
    treeView,
    followTree,
    recipes,
    demonstrations,
    traces,
    registerLanguageTools(library),
    search,
    new RunStatusBar(library),
    new RunNotifications(library, (run) => panels.isVisible(run)),
    ...Object.entries(table).map(([name, run]) => {
      const id = `srft.${name}`;
      return commands.registerCommand(id, withTrust(id, run, context.extension.packageJSON));
    }),
    followContext(library),
    workspace.onDidGrantWorkspaceTrust(() => {
      library.trustChanged();
    }),
  );
  void library.refresh();
}
