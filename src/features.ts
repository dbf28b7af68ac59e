import { commands, version, window, type Disposable, type ExtensionContext, type TreeView } from 'vscode';
import { commandTable } from './commands';
import { later } from './later';
import type { RunWatch } from './runs/runWatch';
import { withTrust } from './trust';
import { Analyses } from './views/analyses';
import { registerDemonstrations } from './views/demonstrations/index';
import { registerLanguageTools } from './views/languageTools';
import type { RunLibrary } from './views/library';
import type { Log } from './views/log';
import { RunNotifications } from './views/notifications';
import { panelActions } from './views/panelActions';
import { RunPicker } from './views/pick';
import { registerRecipes } from './views/recipes/index';
import { RunCommands } from './views/runCommands';
import { RunControl } from './views/runControl';
import { RunPanels } from './views/runPanels';
import type { RunNode, RunsTree } from './views/runsTree';
import { RolloutSearch } from './views/search/index';
import type { TrainerSource } from './views/trainerEnvironment';
import { registerTraces } from './views/traces/index';

/** What is there at once. */
export interface Core {
  readonly library: RunLibrary;
  readonly tree: RunsTree;
  readonly treeView: TreeView<RunNode>;
  readonly log: Log;
}

/** Makes what a person asks for, and hands the parts to each other. */
export function registerFeatures(context: ExtensionContext, { library, tree, treeView, log }: Core): Disposable[] {
  const panels = new RunPanels(context, library, panelActions(library), log);
  const pick: RunPicker = new RunPicker(
    library,
    (): RunWatch | undefined => panels.active ?? analyses.active,
    () => treeView.selection[0],
  );
  const analyses = new Analyses(context, { library, pick, log });
  const environment = later(async () => {
    const { TrainerEnvironment } = await import('./views/trainerEnvironment');
    return new TrainerEnvironment(context, log);
  });
  const trainer: TrainerSource = { ready: async () => (await environment()).ready() };
  const runs = new RunCommands(library, panels, pick);
  const recipes = registerRecipes(context, { environment: trainer, library, log });
  const demonstrations = registerDemonstrations(context, { environment: trainer, log });
  const traces = registerTraces(context, {
    library,
    curves: panels,
    environment: trainer,
    checkpoints: () => checkpoints(),
    log,
  });
  const followTree = traces.front.onDidChange(({ run }) => {
    // What several are selected for is not taken from them, and a view that is closed stays closed.
    const [selected, another] = treeView.selection;
    const isThere = selected !== undefined && 'run' in selected && selected.run === run;
    if (treeView.visible && another === undefined && !isThere)
      void treeView.reveal(tree.nodeOf(run), { select: true, focus: false });
  });
  const search = new RolloutSearch(context, { library, pick, log, brushedSteps: (run) => panels.brushedSteps(run) });
  // Few sessions need them, and what they load is large.
  const checkpoints = later(async () => {
    const { Checkpoints } = await import('./views/checkpoints/index');
    const made = new Checkpoints({ context, library, pick, traces, environment: trainer, log });
    context.subscriptions.push(made);
    return made;
  });
  const playgrounds = window.registerWebviewPanelSerializer('srft.playground', {
    deserializeWebviewPanel: async (panel, state: unknown) => (await checkpoints()).restorePlayground(panel, state),
  });
  const table = commandTable({
    runs,
    manage: later(async () => {
      const { ManageCommands } = await import('./views/manageCommands');
      return new ManageCommands(context, library, pick);
    }),
    training: later(async () => {
      const { Training } = await import('./views/training');
      return new Training(context, library, panels, pick, trainer, log);
    }),
    control: new RunControl(library, pick),
    environment,
    recipes,
    demonstrations,
    traces,
    search,
    analyses,
    checkpoints,
    library,
    log,
    versions: { extension: (context.extension.packageJSON as { version: string }).version, editor: version },
  });
  return [
    panels,
    panels.registerSerializer(),
    followTree,
    recipes,
    demonstrations,
    traces,
    registerLanguageTools(library),
    search,
    analyses,
    playgrounds,
    // Brings back the views of a window that was reloaded.
    window.registerWebviewPanelSerializer('srft.checkpoints', {
      deserializeWebviewPanel: async (panel, state: unknown) => (await checkpoints()).restorePage(panel, state),
    }),
    new RunNotifications(library, (run) => panels.isVisible(run)),
    ...Object.entries(table).map(([name, run]) => {
      const id = `srft.${name}`;
      return commands.registerCommand(id, withTrust(id, run, context.extension.packageJSON));
    }),
  ];
}
