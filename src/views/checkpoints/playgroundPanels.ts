import { Uri, ViewColumn, window, type Disposable, type WebviewPanel } from 'vscode';
import { rolloutText } from '../../../core/rolloutColumns';
import type { RunWatch } from '../../runs/runWatch';
import { directoriesOf } from '../panelPage';
import { addressOf, traceScheme } from '../traces/traceAddress';
import { placesOf, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointParts } from './index';
import type { CheckpointService } from './checkpointService';
import { PlaygroundPanel } from './playgroundPanel';
import { restoredPlaces } from './playgroundState';

/** Of its page, and of who brings it back after a reload. */
export const playgroundType = 'srft.playground';

/** The playgrounds of this window, one a run. */
export class PlaygroundPanels implements Disposable {
  private readonly panels = new Set<PlaygroundPanel>();
  private readonly subscription: Disposable;

  constructor(
    private readonly parts: CheckpointParts,
    private readonly service: CheckpointService,
  ) {
    this.subscription = parts.library.onList(() => {
      for (const panel of [...this.panels]) {
        const { run } = panel;
        if (run !== undefined && parts.library.of(run.store.directory) !== run) panel.dispose();
      }
    });
  }

  /** Opens the playground of what a command was called on: a run, a checkpoint, a trace, or nothing. */
  async open(target: unknown): Promise<void> {
    const trace = traceOf(target);
    const taken = trace === undefined ? undefined : await this.promptOf(trace);
    const { library, pick } = this.parts;
    const run =
      taken?.run ??
      (library.runs.length === 0 ? undefined : await pick.one(target, 'Ask the checkpoints of which run?'));
    // A person who was asked and did not answer wants none.
    if (run === undefined && library.runs.length > 0) return;
    const places = run === undefined ? [] : await placesOf(run);
    const step = stepOf(target);
    const wanted = step === undefined ? undefined : places.find((place) => place.step === step);
    const panel = this.of(run) ?? this.make(run, firstPlaces(places, wanted));
    panel.reveal();
    if (wanted !== undefined) panel.include(wanted);
    if (taken !== undefined) panel.take(taken.text);
  }

  /** A page that a reload brought back. */
  async restore(panel: WebviewPanel, state: unknown): Promise<void> {
    const open = async (directory: string): Promise<RunWatch | undefined> => {
      const opened = await this.parts.library.open(directory);
      if (opened.kind === 'read') return opened.value;
      this.parts.log.warn(`a run of the playground was not found again: ${opened.reason}`);
      return undefined;
    };
    const [directory] = directoriesOf(state);
    const run = directory === undefined ? undefined : await open(directory);
    const places = await restoredPlaces(state, open);
    panel.webview.options = this.options();
    this.adopt(panel, run, places);
  }

  dispose(): void {
    this.subscription.dispose();
    for (const panel of [...this.panels]) panel.dispose();
  }

  private of(run: RunWatch | undefined): PlaygroundPanel | undefined {
    return [...this.panels].find((panel) => panel.run === run);
  }

  private make(run: RunWatch | undefined, places: readonly CheckpointPlace[]): PlaygroundPanel {
    const webview = window.createWebviewPanel(playgroundType, 'Playground', ViewColumn.Active, this.options());
    return this.adopt(webview, run, places);
  }

  private adopt(webview: WebviewPanel, run: RunWatch | undefined, places: readonly CheckpointPlace[]): PlaygroundPanel {
    const panel = new PlaygroundPanel(webview, run, places, this.parts, this.service);
    this.panels.add(panel);
    webview.onDidDispose(() => {
      this.panels.delete(panel);
      panel.release();
    });
    return panel;
  }

  private options(): { enableScripts: true; localResourceRoots: Uri[]; enableFindWidget: boolean } {
    const localResourceRoots = [Uri.joinPath(this.parts.context.extensionUri, 'dist', 'webview')];
    return { enableScripts: true, localResourceRoots, enableFindWidget: true };
  }

  /** The prompt of a trace as its run recorded it, and the run; undefined, which is said, where there is none. */
  private async promptOf(trace: Uri): Promise<{ readonly run: RunWatch; readonly text: string } | undefined> {
    const address = addressOf(trace);
    const run = this.parts.library.runs.find(({ store }) => store.manifest.run_id === address?.runId);
    const row = run?.store.index.rowOfId.get(address?.id ?? '');
    if (run === undefined || row === undefined) {
      void window.showInformationMessage('The prompt of this trace is not taken over: its run is not open here.');
      return undefined;
    }
    const prompt = await run.store.readPrompt(row);
    if (prompt.kind === 'read') return { run, text: rolloutText(prompt.value) };
    void window.showInformationMessage(`The prompt of this trace is not taken over: ${prompt.reason}.`);
    return undefined;
  }
}

/** The base beside the checkpoint that is wanted, or beside the newest. */
function firstPlaces(places: readonly CheckpointPlace[], wanted: CheckpointPlace | undefined): CheckpointPlace[] {
  const [first] = places;
  const last = wanted ?? places.at(-1);
  const base = first?.step === null ? first : undefined;
  return [...new Set([base, last].filter((place) => place !== undefined))];
}

/** The document that a command was called on, or that is in front, where it is a trace. */
function traceOf(target: unknown): Uri | undefined {
  const uri = target instanceof Uri ? target : target === undefined ? window.activeTextEditor?.document.uri : undefined;
  return uri?.scheme === traceScheme ? uri : undefined;
}

/** The step of a checkpoint's row. */
function stepOf(target: unknown): number | undefined {
  if (typeof target !== 'object' || target === null || !('step' in target)) return undefined;
  return typeof target.step === 'number' ? target.step : undefined;
}
