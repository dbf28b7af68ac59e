import { join } from 'node:path';
import { commands, Uri, window, workspace } from 'vscode';
import { extremeRow, steepest } from '../../core/extremes';
import type { Intent, OpenExtreme, SaveImage } from '../../core/generated/panel';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';

/** What a panel asks the rest of the extension to do. */
export interface PanelActions {
  intent(intent: Intent, run: RunWatch | undefined): void;
  openExtreme(wanted: OpenExtreme, run: RunWatch | undefined): void;
  saveImage(image: SaveImage): void;
}

/** What a panel may ask for: the commands of its buttons, by name, on its own run. */
export function panelActions(library: RunLibrary): PanelActions {
  return {
    intent(intent, run) {
      if (intent.intent === 'dismissAlert') {
        if (run !== undefined && intent.id !== null) library.dismiss(run, intent.id);
        return;
      }
      if (intent.intent === 'openTrace' || intent.intent === 'showGroup') {
        const runId = run?.store.manifest.run_id;
        const address = runId === undefined ? undefined : { runId, id: intent.id };
        void commands.executeCommand(`srft.${intent.intent}`, address);
        return;
      }
      void runIntent(intent.intent, intent.step, run);
    },
    openExtreme({ from, to, extreme }, run) {
      if (run === undefined) return;
      if (extreme === steepest) {
        void openPull(run, from, to);
        return;
      }
      const { index, model, manifest } = run.store;
      const row = extremeRow(index, model.attempts, from, to, extreme);
      const id = row === undefined ? undefined : index.ids[row];
      if (id === undefined) void window.showInformationMessage(`No rollout of steps ${from}–${to} has such a figure.`);
      else void commands.executeCommand('srft.openTrace', { runId: manifest.run_id, id });
    },
    saveImage(image) {
      void saveImage(library, image);
    },
  };
}

/** Records are read for it, so it can fail. */
async function openPull(run: RunWatch, from: number, to: number): Promise<void> {
  try {
    const { openSteepest } = await import('./steepest');
    await openSteepest(run, from, to);
  } catch (error) {
    void window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

type CommandIntent = Exclude<Intent['intent'], 'dismissAlert' | 'openTrace' | 'showGroup'>;

/** An intent names a command here and nowhere else. */
const commandOf: Readonly<Record<CommandIntent, string>> = {
  stop: 'srft.stop',
  pause: 'srft.pause',
  continue: 'srft.continue',
  checkpoint: 'srft.checkpoint',
  resume: 'srft.resume',
  fork: 'srft.fork',
  showLog: 'srft.showLog',
  compare: 'srft.compareRuns',
  exportReport: 'srft.exportReport',
  exportCsv: 'srft.exportCsv',
  exportParquet: 'srft.exportParquet',
  cleanUp: 'srft.cleanUpRun',
  showRecipe: 'srft.showRecipe',
  showAnalyses: 'srft.showAnalyses',
  trainDemo: 'srft.trainDemo',
  newRecipe: 'srft.newRecipe',
  openRun: 'srft.openRun',
  doctor: 'srft.doctor',
};

async function runIntent(intent: CommandIntent, step: number | null, run: RunWatch | undefined): Promise<void> {
  const target = run === undefined ? undefined : { kind: 'run', run };
  await commands.executeCommand(commandOf[intent], target, step ?? undefined);
}

async function saveImage(library: RunLibrary, { format, name, data }: SaveImage): Promise<void> {
  const file = await window.showSaveDialog({
    defaultUri: Uri.file(join(library.newRunFolder(), `${name}.${format}`)),
    filters: { [format.toUpperCase()]: [format] },
  });
  if (file !== undefined) await workspace.fs.writeFile(file, data);
}
