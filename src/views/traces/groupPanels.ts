import { Uri, ViewColumn, window, type Disposable, type ExtensionContext, type WebviewPanel } from 'vscode';
import { groupKey } from '../../runs/groupMessage';
import { GroupPanel, type Found, type GroupParts } from './groupPanel';
import { isAddress, type TraceAddress } from './traceAddress';
import type { TraceEditors } from './traceEditors';

const viewType = 'srft.group';

/** The group views of this window, one a group. */
export class GroupPanels implements Disposable {
  private readonly panels = new Set<GroupPanel>();
  private readonly parts: GroupParts;

  constructor(
    context: ExtensionContext,
    private readonly editors: TraceEditors,
    parts: Omit<GroupParts, 'extensionUri'>,
  ) {
    this.parts = { ...parts, extensionUri: context.extensionUri };
  }

  /** Show the group of a rollout, by default of the trace in front. */
  async showGroup(target: unknown): Promise<void> {
    const origin = this.editors.active?.open.origin;
    const shown = origin?.kind === 'run' || origin?.kind === 'reroll' ? origin.address : undefined;
    const address = isAddress(target) ? target : shown;
    if (address === undefined) {
      void window.showInformationMessage('Open a trace first: choose a rollout in a run’s panel.');
      return;
    }
    const found = await this.parts.traces.find(address);
    if (found.kind === 'broken') {
      void window.showErrorMessage(found.reason);
      return;
    }
    this.showFound(address, found.value);
  }

  /** Show the group of a rollout with the fork at `token` chosen that leads to one of its re-rolls. */
  showReroll(address: TraceAddress, found: Found, number: number, token: number): void {
    this.showFound(address, found).chooseOnceThere(number, token);
  }

  /** Choose a rollout in the view of its group, where there is one; the view stays where it is. */
  follow({ run, row }: Found): void {
    const key = groupKey(run.store, row);
    for (const panel of this.panels) if (panel.key === key) panel.follow(row);
  }

  /** Brings back the groups of a window that was reloaded. */
  registerSerializer(): Disposable {
    return window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: (panel, state: unknown) => {
        const address = addressIn(state);
        panel.webview.options = this.webviewOptions();
        if (address === undefined) panel.dispose();
        else this.adopt(panel, address);
        return Promise.resolve();
      },
    });
  }

  dispose(): void {
    for (const panel of this.panels) panel.dispose();
  }

  private showFound(address: TraceAddress, found: Found): GroupPanel {
    const key = groupKey(found.run.store, found.row);
    const known = [...this.panels].find((panel) => panel.key === key);
    known?.show(address);
    if (known !== undefined) return known;
    const webview = window.createWebviewPanel(viewType, 'Group', ViewColumn.Active, this.webviewOptions());
    return this.adopt(webview, address, found);
  }

  private adopt(webview: WebviewPanel, address: TraceAddress, found?: Found): GroupPanel {
    const panel = new GroupPanel(webview, address, this.parts, found);
    this.panels.add(panel);
    webview.onDidDispose(() => {
      this.panels.delete(panel);
      panel.release();
    });
    return panel;
  }

  private webviewOptions(): { enableScripts: true; localResourceRoots: Uri[]; enableFindWidget: boolean } {
    const localResourceRoots = [Uri.joinPath(this.parts.extensionUri, 'dist', 'webview')];
    return { enableScripts: true, localResourceRoots, enableFindWidget: true };
  }
}

/** The address in what a view kept, whatever it is. */
function addressIn(state: unknown): TraceAddress | undefined {
  if (typeof state !== 'object' || state === null || !('host' in state)) return undefined;
  return isAddress(state.host) ? state.host : undefined;
}
