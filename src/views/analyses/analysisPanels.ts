import { Uri, ViewColumn, window, type Disposable, type WebviewPanel } from 'vscode';
import type { RunWatch } from '../../runs/runWatch';
import type { AnalysisParts } from '../analyses';
import { AnalysisPanel } from './analysisPanel';

/** The views of analyses of this window, one a run. */
export class AnalysisPanels implements Disposable {
  private readonly panels = new Set<AnalysisPanel>();
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly viewType: string,
    private readonly extensionUri: Uri,
    private readonly parts: AnalysisParts,
  ) {
    this.subscriptions = [
      parts.library.onNews(({ run }) => {
        for (const panel of this.panels) panel.take(run);
      }),
      parts.library.onList(() => {
        for (const panel of [...this.panels]) panel.forget((run) => parts.library.of(run.store.directory) !== run);
      }),
    ];
  }

  get active(): RunWatch | undefined {
    return [...this.panels].find(({ isActive }) => isActive)?.run;
  }

  show(run: RunWatch): void {
    const known = [...this.panels].find((panel) => panel.run === run);
    if (known !== undefined) known.reveal();
    else this.adopt(window.createWebviewPanel(this.viewType, 'Analyses', ViewColumn.Active, this.options()), run);
  }

  /** A view that a reload brought back: of the first of these run directories, beside the second. */
  async restore(panel: WebviewPanel, directories: readonly string[]): Promise<void> {
    const opened = await Promise.all(directories.map((directory) => this.parts.library.open(directory)));
    for (const result of opened)
      if (result.kind === 'broken') this.parts.log.warn(`analyses were not restored: ${result.reason}`);
    const [run, other] = opened.map((result) => (result.kind === 'read' ? result.value : undefined));
    panel.webview.options = this.options();
    if (run === undefined) panel.dispose();
    else this.adopt(panel, run, other);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const panel of this.panels) panel.dispose();
  }

  private adopt(webview: WebviewPanel, run: RunWatch, other?: RunWatch): void {
    const panel = new AnalysisPanel(webview, run, other, this.extensionUri, this.parts);
    this.panels.add(panel);
    webview.onDidDispose(() => {
      this.panels.delete(panel);
      panel.release();
    });
  }

  private options(): { enableScripts: true; localResourceRoots: Uri[]; enableFindWidget: boolean } {
    const localResourceRoots = [Uri.joinPath(this.extensionUri, 'dist', 'webview')];
    return { enableScripts: true, localResourceRoots, enableFindWidget: true };
  }
}
