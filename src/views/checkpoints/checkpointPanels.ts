import { Uri, ViewColumn, window, type Disposable, type WebviewPanel } from 'vscode';
import type { SetupMessage } from '../../../core/generated/checkpoints';
import type { RunWatch } from '../../runs/runWatch';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import { directoriesOf } from '../panelPage';
import { CheckpointPanel } from './checkpointPanel';
import type { FrontRow } from './checkpointChoices';
import type { CheckpointService } from './checkpointService';

/** What the views of checkpoints need of the rest. */
export interface PagesParts {
  readonly extensionUri: Uri;
  readonly library: RunLibrary;
  readonly service: CheckpointService;
  readonly log: Log;
}

/** What a view is asked for. */
export interface PageWish {
  readonly run: RunWatch;
  readonly section: NonNullable<SetupMessage['section']>;
  /** Of the checkpoint that is meant. */
  readonly step: number | undefined;
  readonly front: FrontRow | undefined;
}

/** The views of checkpoints of this window, one a run. */
export class CheckpointPanels implements Disposable {
  private readonly panels = new Set<CheckpointPanel>();
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly viewType: string,
    private readonly parts: PagesParts,
  ) {
    const { library } = parts;
    this.subscriptions = [
      library.onNews(({ run, change }) => {
        if (!change.events && !change.restarted && !change.presence) return;
        for (const panel of this.panels) if (panel.run === run) panel.take();
      }),
      library.onList(() => {
        for (const panel of [...this.panels]) {
          if (library.of(panel.run.store.directory) !== panel.run) panel.dispose();
        }
      }),
    ];
  }

  get active(): RunWatch | undefined {
    return [...this.panels].find(({ isActive }) => isActive)?.run;
  }

  async show({ run, section, step, front }: PageWish): Promise<void> {
    const known = [...this.panels].find((panel) => panel.run === run);
    const panel = known ?? this.adopt(this.newPanel(), run);
    if (front !== undefined) panel.choices.front = front;
    await panel.show(section, step);
  }

  /** A view that a reload brought back. */
  async restore(panel: WebviewPanel, state: unknown): Promise<void> {
    const [directory] = directoriesOf(state);
    const opened = directory === undefined ? undefined : await this.parts.library.open(directory);
    panel.webview.options = this.options();
    if (opened?.kind === 'read') this.adopt(panel, opened.value);
    else {
      this.parts.log.warn(`checkpoints were not restored: ${opened?.reason ?? 'no run was kept'}`);
      panel.dispose();
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const panel of this.panels) panel.dispose();
  }

  private newPanel(): WebviewPanel {
    return window.createWebviewPanel(this.viewType, 'Checkpoints', ViewColumn.Active, this.options());
  }

  private adopt(webview: WebviewPanel, run: RunWatch): CheckpointPanel {
    const panel = new CheckpointPanel(webview, run, this.parts);
    this.panels.add(panel);
    webview.onDidDispose(() => {
      this.panels.delete(panel);
      panel.release();
    });
    return panel;
  }

  private options(): { enableScripts: true; localResourceRoots: Uri[]; enableFindWidget: boolean } {
    const localResourceRoots = [Uri.joinPath(this.parts.extensionUri, 'dist', 'webview')];
    return { enableScripts: true, localResourceRoots, enableFindWidget: true };
  }
}
