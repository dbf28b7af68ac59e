import type { Disposable, ExtensionContext, Uri, WebviewPanel } from 'vscode';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import type { RunPicker } from '../pick';
import type { TraceFeatures } from '../traces/index';
import type { TrainerSource } from '../trainerEnvironment';
import { CheckpointPages } from './checkpointPages';
import { CheckpointService } from './checkpointService';
import type { PlaygroundPanels } from './playgroundPanels';

/** What checkpoints need of the rest of the extension. */
export interface CheckpointParts {
  readonly context: ExtensionContext;
  readonly library: RunLibrary;
  readonly pick: RunPicker;
  readonly traces: TraceFeatures;
  readonly environment: TrainerSource;
  readonly log: Log;
}

/** Checkpoints that are asked in the editor. Loaded when the first command about them is carried out. */
export class Checkpoints implements Disposable {
  readonly service: CheckpointService;
  private playgrounds: Promise<PlaygroundPanels> | undefined;
  private readonly pages: CheckpointPages;

  constructor(readonly parts: CheckpointParts) {
    this.service = new CheckpointService(parts.context, parts.log);
    this.pages = new CheckpointPages(parts, this.service);
  }

  /** Two checkpoints of a run, on one sequence or many. */
  compareCheckpoints(target: unknown): Promise<void> {
    return this.pages.show('comparison', target);
  }

  /** When tokens of a run's probes became likely. */
  showProbeStrip(target: unknown): Promise<void> {
    return this.pages.show('strip', target);
  }

  /** A view of checkpoints that a reload brought back. */
  restorePage(panel: WebviewPanel, state: unknown): Promise<void> {
    return this.pages.restore(panel, state);
  }

  /** What a checkpoint says of the trace in front. */
  async scoreTrace(): Promise<void> {
    const { scoreTrace } = await import('./scoreTrace');
    await scoreTrace(this.parts, this.service);
  }

  /** What a checkpoint says of any text. */
  async scoreText(): Promise<void> {
    const { scoreText } = await import('./scoreText');
    await scoreText(this.parts, this.service);
  }

  /** What checkpoints said of a document before. */
  async restoreScores(uri: Uri): Promise<void> {
    const { restoreScores } = await import('./scoreTrace');
    await restoreScores(this.parts, this.service, uri);
  }

  /** Have checkpoints answer a prompt beside each other. */
  async openPlayground(target: unknown): Promise<void> {
    await (await this.loadPlaygrounds()).open(target);
  }

  /** Bring back a playground of a window that was reloaded. */
  async restorePlayground(panel: WebviewPanel, state: unknown): Promise<void> {
    await (await this.loadPlaygrounds()).restore(panel, state);
  }

  dispose(): void {
    void this.playgrounds?.then((panels) => {
      panels.dispose();
    });
    this.pages.dispose();
    this.service.dispose();
  }

  /** Made once; a failure is told and tried again. */
  private loadPlaygrounds(): Promise<PlaygroundPanels> {
    this.playgrounds ??= import('./playgroundPanels')
      .then(({ PlaygroundPanels }) => new PlaygroundPanels(this.parts, this.service))
      .catch((error: unknown) => {
        this.playgrounds = undefined;
        throw error;
      });
    return this.playgrounds;
  }
}
