import { randomBytes } from 'node:crypto';
import {
  Uri,
  ViewColumn,
  window,
  workspace,
  type Disposable,
  type ExtensionContext,
  type Webview,
  type WebviewPanel,
} from 'vscode';
import type { Check, Failure, Intent, RunHeader, SaveImage, Stage, ToHost, ToPanel } from '../../core/generated/panel';
import { validateToHost } from '../../core/generated/panelValidators.mjs';
import { startingHeader } from '../../core/runHeader';
import { previewAnswer, rolloutsAnswer, rowsAnswer, seriesAnswer } from '../runs/panelAnswers';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary, RunNews } from './library';
import type { Log } from './log';
import { settings } from './settings';

/** What a panel asks the rest of the extension to do. */
export interface PanelActions {
  intent(intent: Intent, run: RunWatch | undefined): void;
  saveImage(image: SaveImage): void;
}

/** A run whose trainer is being started and has written no file yet. */
export interface Beginning {
  readonly name: string;
  readonly directory: string;
  stages: readonly Stage[];
  failure: Failure | null;
  /** End the start. */
  readonly cancel: () => void;
}

/** What is kept of a panel when the window reloads. */
interface PanelState {
  readonly directories: readonly string[];
}

const viewType = 'srft.run';
const emptyKey = 'empty';
const pinsKey = 'srft.pinnedMetrics';

/** The metrics a person pinned in this workspace. */
export function pinnedMetrics(context: ExtensionContext): string[] {
  return context.workspaceState.get<string[]>(pinsKey, []);
}

/** The run panels of this window: one a run, and one for each comparison. */
export class RunPanels implements Disposable {
  private readonly panels = new Map<string, RunPanel>();
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly context: ExtensionContext,
    private readonly library: RunLibrary,
    private readonly actions: PanelActions,
    private readonly log: Log,
  ) {
    this.subscriptions = [
      library.onNews((news) => {
        for (const panel of this.panels.values()) panel.take(news);
      }),
      library.onList(() => {
        this.closeForgotten();
      }),
    ];
  }

  /** Show a run, or several beside each other; a panel that is there already comes to the front. */
  show(runs: readonly RunWatch[]): void {
    this.panels.get(emptyKey)?.dispose();
    const key = keyOf(runs);
    const known = this.panels.get(key);
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const panel = window.createWebviewPanel(viewType, this.titleOf(runs), ViewColumn.Active, this.webviewOptions());
    this.adopt(panel, runs);
  }

  /** Show a run that is being started; call the result with each change of it, and with the run once it is there. */
  showBeginning(beginning: Beginning): (run?: RunWatch) => void {
    this.panels.get(emptyKey)?.dispose();
    const panel = window.createWebviewPanel(viewType, beginning.name, ViewColumn.Active, this.webviewOptions());
    const made = this.adopt(panel, [], beginning);
    return (run) => {
      if (run === undefined) made.beginningChanged();
      else if (made.isOpen) this.replaceBeginning(made, run);
    };
  }

  /** What a run needs and what is there already, where there is no run to show. */
  showEmpty(checks: () => Promise<Check[]>): void {
    const known = this.panels.get(emptyKey);
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const panel = window.createWebviewPanel(viewType, 'SRFT Studio', ViewColumn.Active, this.webviewOptions());
    const made = this.adopt(panel, [], undefined, emptyKey);
    const tell = async (): Promise<void> => {
      made.tellEmpty(await checks());
    };
    void tell();
  }

  /** Is a panel with this run in view? */
  isVisible(run: RunWatch): boolean {
    return [...this.panels.values()].some((panel) => panel.isVisible && panel.runs.includes(run));
  }

  /** The run of the panel that has the focus. */
  get active(): RunWatch | undefined {
    return [...this.panels.values()].find((panel) => panel.isActive)?.runs[0];
  }

  /** Brings back the panels of a window that was reloaded. */
  registerSerializer(): Disposable {
    return window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: async (panel, state: unknown) => {
        const opened = await Promise.all(directoriesOf(state).map((directory) => this.library.open(directory)));
        const runs = opened.flatMap((result) => (result.kind === 'read' ? [result.value] : []));
        panel.webview.options = this.webviewOptions();
        if (opened.length > 0 && runs.length === opened.length) this.adopt(panel, runs);
        else panel.dispose();
        for (const result of opened)
          if (result.kind === 'broken') this.log.warn(`a panel was not restored: ${result.reason}`);
      },
    });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const panel of this.panels.values()) panel.dispose();
  }

  private adopt(
    panel: WebviewPanel,
    runs: readonly RunWatch[],
    beginning?: Beginning,
    key = beginning?.directory ?? keyOf(runs),
  ): RunPanel {
    this.panels.get(key)?.dispose();
    const made = new RunPanel(panel, runs, beginning, this.library, this.actions, this.context, this.log);
    this.panels.set(key, made);
    panel.onDidDispose(() => {
      for (const [known, held] of this.panels) if (held === made) this.panels.delete(known);
      made.release();
    });
    return made;
  }

  private replaceBeginning(panel: RunPanel, run: RunWatch): void {
    panel.begin(run);
    for (const [known, held] of this.panels) if (held === panel) this.panels.delete(known);
    this.panels.set(keyOf([run]), panel);
  }

  /** A run that was deleted has nothing to show any more. */
  private closeForgotten(): void {
    for (const panel of [...this.panels.values()]) {
      if (panel.runs.some((run) => this.library.of(run.store.directory) !== run)) panel.dispose();
    }
  }

  private titleOf(runs: readonly RunWatch[]): string {
    const [first] = runs;
    if (first === undefined) return 'SRFT Studio';
    return runs.length === 1 ? this.library.header(first).name : `Compare ${runs.length} runs`;
  }

  private webviewOptions(): { enableScripts: true; localResourceRoots: Uri[]; enableFindWidget: boolean } {
    const localResourceRoots = [Uri.joinPath(this.context.extensionUri, 'dist', 'webview')];
    return { enableScripts: true, localResourceRoots, enableFindWidget: true };
  }
}

/** A header is sent at most this often. */
const headerEveryMs = 100;

/** One webview and the runs it shows. Hidden it gets nothing, and shown again it is told all. */
class RunPanel implements Disposable {
  private readonly subscriptions: Disposable[] = [];
  private attention: Disposable[] = [];
  private isReady = false;
  private timer: NodeJS.Timeout | undefined;
  private sentAt = -Infinity;
  private checks: Check[] = [];

  constructor(
    private readonly panel: WebviewPanel,
    public runs: readonly RunWatch[],
    private beginning: Beginning | undefined,
    private readonly library: RunLibrary,
    private readonly actions: PanelActions,
    private readonly context: ExtensionContext,
    private readonly log: Log,
  ) {
    const { webview } = panel;
    panel.iconPath = {
      light: Uri.joinPath(context.extensionUri, 'media', 'run-light.svg'),
      dark: Uri.joinPath(context.extensionUri, 'media', 'run-dark.svg'),
    };
    webview.onDidReceiveMessage((message: unknown) => void this.receive(message), undefined, this.subscriptions);
    panel.onDidChangeViewState(
      () => {
        this.onVisibility();
      },
      undefined,
      this.subscriptions,
    );
    const directories = beginning === undefined ? runs.map(({ store }) => store.directory) : [beginning.directory];
    webview.html = pageOf(webview, context.extensionUri, { directories });
    this.onVisibility();
  }

  get isVisible(): boolean {
    return this.panel.visible;
  }

  get isActive(): boolean {
    return this.panel.active;
  }

  /** Not closed yet. */
  isOpen = true;

  /** There is no run: say what one needs. */
  tellEmpty(checks: Check[]): void {
    this.checks = checks;
    this.sendHeader();
  }

  /** The start of the run got further, or failed. */
  beginningChanged(): void {
    this.scheduleHeader();
  }

  /** The run has its files now. */
  begin(run: RunWatch): void {
    const stages = this.beginning?.stages ?? [];
    run.stages.unshift(...stages.map((stage) => ({ ...stage, done: true })));
    this.beginning = undefined;
    this.runs = [run];
    this.onVisibility();
    this.scheduleHeader();
  }

  reveal(): void {
    this.panel.reveal();
  }

  /** Take news of any run. */
  take({ run, change }: RunNews): void {
    const place = this.runs.indexOf(run);
    if (place === -1) return;
    if (change.events || change.presence || change.restarted) this.scheduleHeader();
    if (change.live) this.sendLive(place);
  }

  /** Close the panel. */
  dispose(): void {
    this.panel.dispose();
  }

  /** Let go, once the panel is closed. */
  release(): void {
    this.isOpen = false;
    clearTimeout(this.timer);
    for (const subscription of [...this.subscriptions, ...this.attention]) subscription.dispose();
  }

  private onVisibility(): void {
    for (const held of this.attention) held.dispose();
    this.attention = this.panel.visible ? this.runs.map((run) => this.library.attend(run)) : [];
    // A webview that was hidden is made anew, and says so itself.
    if (!this.panel.visible) this.isReady = false;
  }

  private headers(): RunHeader[] {
    const { beginning } = this;
    if (beginning === undefined) return this.runs.map((run) => this.library.header(run));
    return [startingHeader(beginning.name, beginning.stages, beginning.failure, beginning.failure === null)];
  }

  private scheduleHeader(): void {
    if (!this.isReady || this.timer !== undefined) return;
    const wait = Math.max(0, this.sentAt + headerEveryMs - performance.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.sendHeader();
    }, wait);
  }

  private sendHeader(): void {
    if (!this.isReady) return;
    this.sentAt = performance.now();
    if (this.runs.length === 0 && this.beginning === undefined) {
      this.send({ kind: 'empty', checks: this.checks, canStart: workspace.isTrusted });
      return;
    }
    const runs = this.headers();
    const [first] = runs;
    if (runs.length === 1 && first !== undefined) this.panel.title = first.name;
    this.send({
      kind: 'header',
      runs,
      pins: pinnedMetrics(this.context),
      canStart: workspace.isTrusted,
      smoothing: settings.smoothing(),
    });
  }

  private sendLive(place: number): void {
    const run = this.runs[place];
    const live = run === undefined ? null : this.library.liveOf(run);
    if (live === null || !this.isReady) return;
    this.send({
      kind: 'live',
      run: place,
      step: live.step,
      phase: live.phase,
      done: live.done,
      total: live.total,
      tokensPerSecond: live.tokens_per_second,
      prompt: live.prompt,
      text: live.text,
    });
  }

  private send(message: ToPanel): void {
    if (this.panel.visible) void this.panel.webview.postMessage(message);
  }

  private async receive(message: unknown): Promise<void> {
    if (!validateToHost(message)) {
      const { instancePath, message: words } = validateToHost.errors?.[0] ?? { instancePath: '', message: '' };
      this.log.error(`a panel sent a message that is none: ${instancePath} ${words}`);
      return;
    }
    try {
      await this.answer(message);
    } catch (error) {
      this.log.error(error instanceof Error ? error : String(error));
      if ('request' in message) this.fail(message.request, error instanceof Error ? error.message : String(error));
    }
  }

  private async answer(message: ToHost): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.isReady = true;
        this.sendHeader();
        this.runs.forEach((_, place) => {
          this.sendLive(place);
        });
        return;
      case 'intent':
        if (message.intent === 'stop' && this.beginning !== undefined) this.beginning.cancel();
        else this.actions.intent(message, this.runs[message.run]);
        return;
      case 'saveImage':
        this.actions.saveImage(message);
        return;
      case 'pins':
        await this.context.workspaceState.update(pinsKey, message.metrics);
        return;
      case 'cancel':
        return;
      case 'series':
      case 'rollouts':
      case 'rows':
      case 'preview': {
        const run = this.runs[message.run];
        if (run === undefined) this.fail(message.request, 'there is no such run in this panel');
        else await this.answerAbout(run, message);
      }
    }
  }

  private async answerAbout(
    run: RunWatch,
    message: Extract<ToHost, { kind: 'series' | 'rollouts' | 'rows' | 'preview' }>,
  ): Promise<void> {
    switch (message.kind) {
      case 'series':
        this.send(seriesAnswer(run.store.model, message));
        return;
      case 'rows':
        this.send(rowsAnswer(run.store, message));
        return;
      case 'rollouts':
      case 'preview': {
        const answer =
          message.kind === 'rollouts' ? rolloutsAnswer(run.store, message) : await previewAnswer(run.store, message);
        if (answer.kind === 'read') this.send(answer.value);
        else this.fail(message.request, answer.reason);
      }
    }
  }

  private fail(request: number, message: string): void {
    this.send({ kind: 'failed', request, message });
  }
}

function keyOf(runs: readonly RunWatch[]): string {
  return runs.map(({ store }) => store.directory).join('\n');
}

function directoriesOf(state: unknown): readonly string[] {
  if (typeof state !== 'object' || state === null || !('host' in state)) return [];
  const { host } = state;
  if (typeof host !== 'object' || host === null || !('directories' in host) || !Array.isArray(host.directories))
    return [];
  return host.directories.filter((item: unknown) => typeof item === 'string');
}

/** The page of a panel. Nothing in it comes from a run; what the window must know after a reload stands in `state`. */
function pageOf(webview: Webview, extension: Uri, state: PanelState): string {
  const nonce = randomBytes(16).toString('base64');
  const resource = (name: string): string =>
    webview.asWebviewUri(Uri.joinPath(extension, 'dist', 'webview', name)).toString();
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
    `img-src data: blob:`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<link rel="stylesheet" href="${resource('panel.css')}">
<title>SRFT Studio</title>
</head>
<body data-host="${encodeURIComponent(JSON.stringify(state))}">
<div id="root"></div>
<script nonce="${nonce}" src="${resource('panel.js')}"></script>
</body>
</html>`;
}
