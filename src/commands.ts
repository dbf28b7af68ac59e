import { Uri } from 'vscode';
import type { Analyses } from './views/analyses';
import type { Checkpoints } from './views/checkpoints/index';
import type { RunLibrary } from './views/library';
import type { Log } from './views/log';
import type { Later } from './later';
import type { ManageCommands } from './views/manageCommands';
import type { DemonstrationFeatures } from './views/demonstrations/index';
import { pickRecipe } from './views/pick';
import type { RecipeFeatures } from './views/recipes/index';
import type { RunControl } from './views/runControl';
import { reportIssue, type RunCommands } from './views/runCommands';
import type { TraceFeatures } from './views/traces/index';
import type { RolloutSearch } from './views/search/index';
import type { TrainerEnvironment } from './views/trainerEnvironment';
import type { Training } from './views/training';

/** What the commands are carried out by. */
export interface CommandParts {
  readonly runs: RunCommands;
  readonly manage: Later<ManageCommands>;
  readonly training: Later<Training>;
  readonly control: RunControl;
  readonly environment: Later<TrainerEnvironment>;
  readonly recipes: RecipeFeatures;
  readonly demonstrations: DemonstrationFeatures;
  readonly traces: TraceFeatures;
  readonly search: RolloutSearch;
  readonly analyses: Analyses;
  readonly checkpoints: Later<Checkpoints>;
  readonly library: RunLibrary;
  readonly log: Log;
  readonly versions: { readonly extension: string; readonly editor: string };
}

/** A command gets what it was called on: a node of the tree, a file, or nothing. */
export type Command = (target?: unknown, more?: unknown) => Promise<void> | void;

/** Every command of package.json, by its name without `srft.`. */
export function commandTable(parts: CommandParts): Readonly<Record<string, Command>> {
  const { runs, manage, training, control, environment, recipes } = parts;
  const { demonstrations, traces, search, analyses, checkpoints, library, log, versions } = parts;
  return {
    trainDemo: async () => (await training()).trainDemo(),
    train: async (target) => {
      const recipe = await pickRecipe(target);
      if (recipe !== undefined) await (await training()).train(recipe);
    },
    newRecipe: () => recipes.newRecipe(),
    checkRecipe: async (target) => {
      const recipe = await pickRecipe(target);
      if (recipe !== undefined) await recipes.checkRecipe(Uri.file(recipe));
    },
    openDemonstrations: (target) => demonstrations.openDemonstrations(target instanceof Uri ? target : undefined),
    stop: (target) => control.stop(target),
    pause: (target) => control.request(target, 'pause'),
    continue: (target) => control.request(target, 'continue'),
    checkpoint: (target) => control.request(target, 'checkpoint'),
    resume: async (target) => (await training()).resume(target),
    fork: async (target, step) => (await training()).fork(target, stepOf(target) ?? stepOf({ step })),
    openRun: (target) => runs.openRun(target),
    showRun: (target) => runs.showRun(target),
    showAnalyses: (target) => analyses.show(target),
    compareCheckpoints: async (target) => (await checkpoints()).compareCheckpoints(target),
    showProbeStrip: async (target) => (await checkpoints()).showProbeStrip(target),
    compareRuns: (target, targets) => runs.compareRuns(target, targets),
    showRecipe: (target) => runs.showRecipe(target),
    exportReport: async (target) => (await manage()).exportReport(target),
    exportCsv: async (target) => (await manage()).exportCsv(target),
    exportParquet: async (target) => (await manage()).exportParquet(target),
    openTrace: (target, range) => traces.commands.openTrace(target, range),
    openForeignTraces: async (target) => {
      const { openForeignTraces } = await import('./views/traces/foreignFile');
      await openForeignTraces(target instanceof Uri ? target : undefined);
    },
    chooseOverlay: () => traces.editors.pick(),
    nextOverlay: () => traces.editors.next(),
    toggleOverlay: () => traces.editors.toggle(),
    nextFork: () => traces.editors.goToFork(1),
    previousFork: () => traces.editors.goToFork(-1),
    describeToken: () => {
      traces.commands.describeToken();
    },
    copyTraceLink: () => traces.commands.copyLink(),
    copyTraceMarkdown: () => traces.commands.copyMarkdown(),
    showOnCurves: (target) => traces.commands.showOnCurves(target),
    samePrompt: (target) => traces.commands.samePrompt(target),
    judgeAgain: (target) => traces.commands.judgeAgain(target),
    debugReward: (target) => traces.commands.debugReward(target),
    promote: (target) => traces.commands.promote(target),
    editAndPromote: (target) => traces.commands.editAndPromote(target),
    compareTraces: (target) => traces.commands.compareTraces(target),
    showGroup: (target) => traces.groupPanels.showGroup(target),
    nextTrace: () => traces.commands.neighbour(1),
    previousTrace: () => traces.commands.neighbour(-1),
    scoreTrace: async () => (await checkpoints()).scoreTrace(),
    scoreText: async () => (await checkpoints()).scoreText(),
    searchRollouts: (target) => search.search(target),
    whatChanged: (target) => search.whatChanged(target),
    cancelSearch: () => {
      search.cancel();
    },
    clearSearch: () => search.clear(),
    openPlayground: async (target) => (await checkpoints()).openPlayground(target),
    setUpEnvironment: async () => {
      await (await environment()).setUp();
    },
    doctor: async () => (await environment()).doctor(library.newRunFolder()),
    renameRun: (target) => runs.renameRun(target),
    revealRun: (target) => runs.revealRun(target),
    deleteRun: async (target) => (await manage()).deleteRun(target),
    cleanUpRun: async (target) => (await manage()).cleanUpRun(target),
    showLog: (target) => runs.showLog(target),
    showOutput: () => {
      log.show();
    },
    refreshRuns: () => runs.refresh(),
    reportIssue: () => reportIssue(versions.extension, versions.editor),
  };
}

/** A node of a checkpoint, or the step a panel named. */
function stepOf(target: unknown): number | undefined {
  if (typeof target !== 'object' || target === null || !('step' in target)) return undefined;
  return typeof target.step === 'number' ? target.step : undefined;
}
