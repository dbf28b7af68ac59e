import { commands, languages, Uri, window, workspace, type Disposable, type ExtensionContext } from 'vscode';
import type { Log } from '../log';
import { RecipeUses } from '../recipes/recipeUses';
import type { TrainerSource } from '../trainerEnvironment';
import { DemonstrationLenses, verifyCommand } from './demonstrationLenses';
import { Examinations, jsonLines } from './examinations';
import { pageCommand, Pages, pagesScheme } from './pages';
import { RowHover } from './rowHover';
import { verifyDemonstrations } from './verify';

/** What demonstrations need of the rest of the extension. */
export interface DemonstrationParts {
  readonly environment: TrainerSource;
  readonly log: Log;
}

/** Demonstrations in the editor, and the command about them. */
export interface DemonstrationFeatures extends Disposable {
  /** Opens the paged view of a file; asks for one when none is named. */
  readonly openDemonstrations: (uri?: Uri) => Promise<void>;
}

/** Lenses, diagnostics, hovers and pages of JSONL files with problems. */
export function registerDemonstrations(
  _context: ExtensionContext,
  { environment, log }: DemonstrationParts,
): DemonstrationFeatures {
  const uses = new RecipeUses(log);
  const examinations = new Examinations(uses);
  const lenses = new DemonstrationLenses(examinations);
  const pages = new Pages();
  const told = async (task: Promise<void>): Promise<void> => {
    try {
      await task;
    } catch (error) {
      log.error(error instanceof Error ? error : String(error));
      void window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  };
  const owned: Disposable[] = [
    uses,
    examinations,
    lenses,
    pages,
    languages.registerCodeLensProvider(jsonLines, lenses),
    languages.registerHoverProvider(jsonLines, new RowHover((document) => examinations.readingOf(document)?.columns)),
    workspace.registerTextDocumentContentProvider(pagesScheme, pages),
    languages.registerCodeLensProvider({ scheme: pagesScheme }, pages),
    languages.registerHoverProvider({ scheme: pagesScheme }, new RowHover((document) => pages.columnsOf(document))),
    commands.registerCommand(pageCommand, (uri: Uri, page: number) => told(pages.turn(uri, page))),
    commands.registerCommand(verifyCommand, (uri: Uri) => told(verifyOpen(uri, examinations, { environment, log }))),
  ];
  return {
    openDemonstrations: async (uri) => {
      const file = uri?.fsPath ?? (await pickJsonLines());
      if (file !== undefined) await told(pages.open(file));
    },
    dispose: () => {
      for (const part of owned) part.dispose();
    },
  };
}

async function verifyOpen(uri: Uri, examinations: Examinations, parts: DemonstrationParts): Promise<void> {
  await verifyDemonstrations(await workspace.openTextDocument(uri), examinations, parts);
}

async function pickJsonLines(): Promise<string | undefined> {
  const found = await workspace.findFiles('**/*.jsonl', '**/{node_modules,runs,.venv}/**', 200);
  const items = [
    ...found.map(({ fsPath, path }) => ({ label: workspace.asRelativePath(path), path: fsPath })),
    { label: '$(folder-opened) Another file…', path: undefined },
  ];
  const picked = await window.showQuickPick(items, { title: 'Open which demonstrations?' });
  if (picked === undefined || picked.path !== undefined) return picked?.path;
  const chosen = await window.showOpenDialog({ title: 'Demonstrations', filters: { 'JSON lines': ['jsonl'] } });
  return chosen?.[0]?.fsPath;
}
