import { Uri, workspace, type Disposable, type ExtensionContext, type WebviewPanel } from 'vscode';
import type {
  BrushMessage,
  Check,
  MarkedTrace,
  RolloutsRequest,
  RunHeader,
  ToHost,
  ToPanel,
} from '../../core/generated/panel';
import { validateToHost } from '../../core/generated/panelValidators.mjs';
import { startingHeader } from '../../core/runHeader';
import { answerTo } from '../runs/panelAnswers';
import type { StepRange } from '../../core/stepRange';
import type { RunWatch } from '../runs/runWatch';
import type { Beginning } from './beginning';
import type { RunLibrary, RunNews } from './library';
import type { Log } from './log';
import type { PanelActions } from './panelActions';
import { pageOf } from './panelPage';
import { pinMetrics, pinnedMetrics } from './pins';
import { settings } from './settings';

/** A header is sent at most this often. */
const headerEveryMs = 100;
/** What is sent while a long record is read is time taken from reading it. */
const headerWhileReadingEveryMs = 400;

/** A record is read on once the first curves are drawn, which takes so long after they were sent; or after all too long. */
const drawingMs = 80;
const longestHoldMs = 1500;

/** One webview and the runs it shows. Hidden it keeps its page and is told nothing new; shown again it is told all. */
export class RunPanel implements Disposable {
  private readonly subscriptions: Disposable[] = [];
  private attention: Disposable[] = [];
  private isReady = false;
  private timer: NodeJS.Timeout | undefined;
  private sentAt = -Infinity;
  private checks: Check[] = [];
  private readonly endHold: () => void;
  private wantedBrush: BrushMessage | undefined;
  /** A row, until the run begins anew and its rows are others. */
  private front: number | undefined;

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
    this.endHold = library.holdReaders();
    setTimeout(this.endHold, longestHoldMs);
    const directories = beginning === undefined ? runs.map(({ store }) => store.directory) : [beginning.directory];
    webview.html = pageOf(webview, context.extensionUri, 'panel', { directories });
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

  /** The steps of its brush; while there is one, the list of rollouts stands still. */
  brushedSteps: StepRange | undefined;

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

  /** Mark a trace and brush its step, at once or as soon as the page is there. */
  mark(trace: MarkedTrace): void {
    this.wantedBrush = { kind: 'brush', from: trace.step, to: trace.step, trace };
    this.sendBrush();
  }

  /** Show which rollout of its run a person looks at. */
  follow(row: number): void {
    this.front = row;
    this.sendFront();
  }

  reveal(): void {
    this.panel.reveal();
  }

  /** Take news of any run. */
  take({ run, change }: RunNews): void {
    const place = this.runs.indexOf(run);
    if (place === -1) return;
    if (change.restarted) this.front = undefined;
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
    this.endHold();
    for (const subscription of [...this.subscriptions, ...this.attention]) subscription.dispose();
  }

  private onVisibility(): void {
    for (const held of this.attention) held.dispose();
    this.attention = this.panel.visible ? this.runs.map((run) => this.library.attend(run)) : [];
    if (!this.panel.visible) return;
    // A page that is being loaded will need this first, and one that was hidden has missed it.
    this.tellHeader();
    if (this.isReady) this.tellRest();
  }

  /** What is told beside the header. */
  private tellRest(): void {
    this.sendBrush();
    this.sendFront();
    this.runs.forEach((_, place) => {
      this.sendLive(place);
    });
  }

  private headers(): RunHeader[] {
    const { beginning } = this;
    if (beginning === undefined) return this.runs.map((run) => this.library.header(run));
    return [startingHeader(beginning.name, beginning.stages, beginning.failure, beginning.failure === null)];
  }

  private scheduleHeader(): void {
    if (!this.isReady) return;
    clearTimeout(this.timer);
    const everyMs = this.runs.some(({ isReading }) => isReading) ? headerWhileReadingEveryMs : headerEveryMs;
    const wait = Math.max(0, this.sentAt + everyMs - performance.now());
    this.timer = setTimeout(() => {
      this.sendHeader();
    }, wait);
  }

  private sendHeader(): void {
    if (this.isReady) this.tellHeader();
  }

  private tellHeader(): void {
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

  private sendBrush(): void {
    if (this.wantedBrush === undefined || !this.isReady || !this.panel.visible) return;
    this.send(this.wantedBrush);
    this.wantedBrush = undefined;
  }

  private sendFront(): void {
    if (this.front !== undefined && this.isReady) this.send({ kind: 'front', row: this.front });
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

  /** Something new; a hidden page is told all of it when it is shown. */
  private send(message: ToPanel): void {
    if (this.panel.visible) this.reply(message);
  }

  /** An answer goes to a hidden page too, which waits for it. */
  private reply(message: ToPanel): void {
    void this.panel.webview.postMessage(message);
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
        this.tellRest();
        return;
      case 'intent':
        if (message.intent === 'stop' && this.beginning !== undefined) this.beginning.cancel();
        else this.actions.intent(message, this.runs[message.run]);
        return;
      case 'saveImage':
        this.actions.saveImage(message);
        return;
      case 'pins':
        await pinMetrics(this.context, message.metrics);
        return;
      case 'cancel':
        return;
      case 'openExtreme':
        this.actions.openExtreme(message, this.runs[message.run]);
        return;
      case 'series':
      case 'rollouts':
      case 'rows':
      case 'preview':
        if (message.kind === 'rollouts') this.noteBrush(message);
        this.reply(
          await answerTo(
            this.runs.map(({ store }) => store),
            message,
          ),
        );
        if (message.kind === 'series') setTimeout(this.endHold, drawingMs);
    }
  }

  private noteBrush({ fromStep, toStep, upTo }: RolloutsRequest): void {
    this.brushedSteps = upTo === null ? undefined : { from: fromStep, to: toStep };
  }

  private fail(request: number, message: string): void {
    this.reply({ kind: 'failed', request, message });
  }
}
