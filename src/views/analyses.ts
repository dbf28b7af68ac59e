import { window, type Disposable, type ExtensionContext } from 'vscode';
import type { RunWatch } from '../runs/runWatch';
import type { AnalysisPanels } from './analyses/analysisPanels';
import type { RunLibrary } from './library';
import type { Log } from './log';
import { directoriesOf } from './panelPage';
import type { RunPicker } from './pick';

/** What the views of analyses need of the rest of the extension. */
export interface AnalysisParts {
  readonly library: RunLibrary;
  readonly pick: RunPicker;
  readonly log: Log;
}

const viewType = 'srft.analyses';

/** The analyses of runs; their views are loaded when the first of them is wanted. */
export class Analyses implements Disposable {
  private panels: AnalysisPanels | undefined;
  private loading: Promise<AnalysisPanels> | undefined;
  private readonly serializer: Disposable;

  constructor(
    private readonly context: ExtensionContext,
    private readonly parts: AnalysisParts,
  ) {
    // Brings back the views of a window that was reloaded.
    this.serializer = window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: async (panel, state: unknown) => {
        const panels = await this.load();
        await panels.restore(panel, directoriesOf(state));
      },
    });
  }

  /** The run of the view that has the focus. */
  get active(): RunWatch | undefined {
    return this.panels?.active;
  }

  /** Show the analyses of a run. */
  async show(target: unknown): Promise<void> {
    const run = await this.parts.pick.one(target, 'Show the analyses of which run?');
    if (run !== undefined) (await this.load()).show(run);
  }

  dispose(): void {
    this.serializer.dispose();
    this.panels?.dispose();
  }

  /** Made once; a failure is told and tried again. */
  private load(): Promise<AnalysisPanels> {
    this.loading ??= this.make().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async make(): Promise<AnalysisPanels> {
    const { AnalysisPanels } = await import('./analyses/analysisPanels');
    this.panels = new AnalysisPanels(viewType, this.context.extensionUri, this.parts);
    return this.panels;
  }
}
