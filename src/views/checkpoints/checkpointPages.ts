import type { WebviewPanel } from 'vscode';
import type { RunWatch } from '../../runs/runWatch';
import type { FrontRow } from './checkpointChoices';
import type { CheckpointPanels } from './checkpointPanels';
import type { CheckpointService } from './checkpointService';
import type { CheckpointParts } from './index';

/** The type of the views, as it stands in package.json. */
const viewType = 'srft.checkpoints';

/** The commands about views of checkpoints; the views are loaded when the first of them is wanted. */
export class CheckpointPages {
  private panels: CheckpointPanels | undefined;
  private loading: Promise<CheckpointPanels> | undefined;

  constructor(
    private readonly parts: CheckpointParts,
    private readonly service: CheckpointService,
  ) {}

  /** On a run, on one of its checkpoints, on the trace in front, or on what a person picks. */
  async show(section: 'comparison' | 'strip', target: unknown): Promise<void> {
    const question =
      section === 'strip' ? 'Show the probe strip of which run?' : 'Compare the checkpoints of which run?';
    // The menu of an editor names its document, which is that in front.
    const isNode = typeof target === 'object' && target !== null && 'run' in target;
    const front = isNode ? undefined : this.inFront();
    const active = isNode ? undefined : (front?.run ?? this.panels?.active);
    const run = active ?? (await this.parts.pick.one(target, question));
    if (run === undefined) return;
    const panels = await this.load();
    await panels.show({ run, section, step: stepOf(target), front });
  }

  /** A view that a reload brought back. */
  async restore(panel: WebviewPanel, state: unknown): Promise<void> {
    await (await this.load()).restore(panel, state);
  }

  dispose(): void {
    this.panels?.dispose();
  }

  /** The trace in the editor in front. */
  private inFront(): (FrontRow & { readonly run: RunWatch }) | undefined {
    const origin = this.parts.traces.editors.active?.open.origin;
    if (origin?.kind !== 'run') return undefined;
    return { run: origin.run, row: origin.row, index: origin.run.store.index };
  }

  /** Made once; a failure is told and tried again. */
  private load(): Promise<CheckpointPanels> {
    this.loading ??= this.make().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async make(): Promise<CheckpointPanels> {
    const { CheckpointPanels } = await import('./checkpointPanels');
    const { context, library, log } = this.parts;
    this.panels = new CheckpointPanels(viewType, {
      extensionUri: context.extensionUri,
      library,
      service: this.service,
      log,
    });
    return this.panels;
  }
}

/** The step of a node of a checkpoint. */
function stepOf(target: unknown): number | undefined {
  if (typeof target !== 'object' || target === null || !('step' in target)) return undefined;
  return typeof target.step === 'number' ? target.step : undefined;
}
