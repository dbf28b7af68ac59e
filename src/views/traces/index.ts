import { join } from 'node:path';
import {
  commands,
  EventEmitter,
  languages,
  window,
  workspace,
  type Disposable,
  type ExtensionContext,
  type Uri,
} from 'vscode';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import { GroupPanels } from './groupPanels';
import { RewardConsent } from '../rewardConsent';
import type { TrainerSource } from '../trainerEnvironment';
import { DraftFiles } from './draftFiles';
import type { Drafts } from './drafts';
import { FrontTrace } from './frontTrace';
import { Groups } from './groups';
import { Judging } from './judging';
import { ScoredPlaces } from './scoredPlaces';
import { draftScheme, traceScheme } from './traceAddress';
import { TraceCommands, type Curves } from './traceCommands';
import { TraceEditors } from './traceEditors';
import { TraceHover } from './traceHover';
import { TraceLenses } from './traceLenses';
import { TraceLibrary } from './traceLibrary';
import { TraceOutline } from './traceOutline';

/** What traces need of the rest of the extension. */
export interface TraceParts {
  readonly library: RunLibrary;
  readonly curves: Curves;
  readonly environment: TrainerSource;
  /** What shows again what checkpoints said of a trace. */
  readonly checkpoints: () => Promise<{ restoreScores(uri: Uri): Promise<void> }>;
  readonly log: Log;
}

/** Rollouts as documents of the editor, and the commands about them. */
export interface TraceFeatures extends Disposable {
  readonly library: TraceLibrary;
  readonly scored: ScoredPlaces;
  readonly commands: TraceCommands;
  readonly editors: TraceEditors;
  readonly groupPanels: GroupPanels;
  readonly front: FrontTrace;
}

const language = 'srft-trace';

/** Where texts that were scored are kept. */
export function textFolderOf(context: ExtensionContext): string {
  return join(context.globalStorageUri.fsPath, 'texts');
}

/** Documents, tints, hovers, lenses and outline of traces. */
export function registerTraces(
  context: ExtensionContext,
  { library, curves, environment, checkpoints, log }: TraceParts,
): TraceFeatures {
  const scored = new ScoredPlaces(context.workspaceState, context.globalState);
  const traces = new TraceLibrary(library, log, {
    textFolder: textFolderOf(context),
    onRead: (uri) => {
      if (scored.of(uri).length === 0) return;
      checkpoints()
        .then((asked) => asked.restoreScores(uri))
        .catch((error: unknown) => {
          log.error(error instanceof Error ? error : new Error(String(error)));
        });
    },
  });
  const groups = new Groups();
  const front = new FrontTrace(traces);
  const lenses = new TraceLenses(traces, (open) => editors.overlayOf(open)?.label ?? 'none');
  const editors = new TraceEditors(
    context,
    traces,
    groups,
    () => {
      lenses.refresh();
    },
    log,
  );
  const judging = new Judging({ environment, consent: new RewardConsent(context.globalState), log });
  const draftsRefreshed = new EventEmitter<void>();
  let loaded: Promise<Drafts> | undefined;
  // Few sessions need them.
  const drafts = (): Promise<Drafts> => {
    loaded ??= import('./drafts').then((module) => {
      const made = new module.Drafts(traces, judging, draftsRefreshed);
      owned.push(made);
      return made;
    });
    // What could not be loaded is asked for again.
    loaded.catch(() => {
      loaded = undefined;
    });
    return loaded;
  };
  const traceCommands = new TraceCommands(context, traces, editors, curves, judging, drafts);
  const groupPanels = new GroupPanels(context, editors, { library, traces, front, log });
  const outline = new TraceOutline(traces);
  const selector = { scheme: traceScheme };
  const owned: Disposable[] = [
    traces,
    judging,
    lenses,
    editors,
    groupPanels,
    groupPanels.registerSerializer(),
    front,
    front.onDidChange((shown) => {
      curves.follow(shown);
      groupPanels.follow(shown);
    }),
    languages.registerCodeLensProvider(selector, lenses),
    new DraftFiles(traces, join(context.globalStorageUri.fsPath, 'drafts')),
    draftsRefreshed,
    languages.registerCodeLensProvider(
      { scheme: draftScheme },
      {
        onDidChangeCodeLenses: draftsRefreshed.event,
        provideCodeLenses: async (document) => (await drafts()).provideCodeLenses(document),
      },
    ),
    commands.registerCommand('srft.judgeDraft', (uri: Uri) => traceCommands.judgeDraft(uri)),
    languages.registerHoverProvider(selector, new TraceHover(traces, groups)),
    languages.registerDocumentSymbolProvider(selector, outline),
    languages.registerFoldingRangeProvider(selector, outline),
    window.registerUriHandler(traceCommands),
    workspace.onDidOpenTextDocument((document) => {
      const { scheme } = document.uri;
      if ((scheme === traceScheme || scheme === draftScheme) && document.languageId !== language)
        void languages.setTextDocumentLanguage(document, language);
    }),
  ];
  return {
    library: traces,
    scored,
    commands: traceCommands,
    editors,
    groupPanels,
    front,
    dispose: () => {
      for (const part of owned) part.dispose();
    },
  };
}
