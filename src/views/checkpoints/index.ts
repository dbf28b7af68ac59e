import type { Disposable, ExtensionContext, WebviewPanel } from 'vscode';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import type { RunPicker } from '../pick';
import type { TraceFeatures } from '../traces/index';
import type { TrainerSource } from '../trainerEnvironment';
import { CheckpointPages } from './checkpointPages';
import { CheckpointService } from './checkpointService';

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

  dispose(): void {
    this.pages.dispose();
    this.service.dispose();
  }
}
