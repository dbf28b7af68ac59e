import { commands, Uri, type Disposable, type WebviewPanel } from 'vscode';
import { assertNever } from '../../../core/assertNever';
import type { OpenPoint, ToAnalysesHost, ToAnalysesView } from '../../../core/generated/analyses';
import { validateToAnalysesHost } from '../../../core/generated/analysesValidators.mjs';
import type { SampledToken } from '../../../core/tokenSample';
import { traceOf } from '../../../core/trace';
import { analysedRun, rangeOf, tokensMessage } from '../../runs/analysisMessage';
import type { RunWatch } from '../../runs/runWatch';
import { TokenReading, type ReadRange } from '../../runs/tokenReading';
import type { AnalysisParts } from '../analyses';
import { pageOf } from '../panelPage';
import { settings } from '../settings';

/** The run is told at most this often while it goes on, and its tokens while they are read. */
const tellEveryMs = 500;
/** Of so many messages the points can still be opened: one may be clicked while the next is on its way. */
const keptMessages = 4;

/** Points of a message, and the index that their rows are of. */
interface TokenPlaces {
  readonly index: RunWatch['store']['index'];
  readonly points: readonly SampledToken[];
}

/** One webview with the analyses of a run. Hidden it gets nothing and reads nothing, and shown again it is told all. */
export class AnalysisPanel {
  private isReady = false;
  private timer: NodeJS.Timeout | undefined;
  private toldAt = -Infinity;
  private reading: { readonly range: ReadRange; readonly tokens: TokenReading } | undefined;
  private atWork: AbortController | undefined;
  /** The page knows all that was read. */
  private isTold = false;
  private lastMessage = 0;
  private readonly places = new Map<number, TokenPlaces>();
  private attention: readonly Disposable[] = [];
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly panel: WebviewPanel,
    readonly run: RunWatch,
    private other: RunWatch | undefined,
    private readonly extensionUri: Uri,
    private readonly parts: AnalysisParts,
  ) {
    panel.iconPath = {
      light: Uri.joinPath(extensionUri, 'media', 'run-light.svg'),
      dark: Uri.joinPath(extensionUri, 'media', 'run-dark.svg'),
    };
    this.subscriptions = [
      panel.webview.onDidReceiveMessage((message: unknown) => {
        this.guard(this.receive(message));
      }),
      panel.onDidChangeViewState(() => {
        this.onVisibility();
      }),
    ];
    this.makePage();
    this.onVisibility();
  }

  get isActive(): boolean {
    return this.panel.active;
  }

  reveal(): void {
    this.panel.reveal();
  }

  /** There is news of a run. */
  take(run: RunWatch): void {
    if (this.isReady && (run === this.run || run === this.other)) this.schedule();
  }

  /** Some runs are known no more. */
  forget(isGone: (run: RunWatch) => boolean): void {
    if (isGone(this.run)) this.panel.dispose();
    else if (this.other !== undefined && isGone(this.other)) this.setOther(undefined);
  }

  dispose(): void {
    this.panel.dispose();
  }

  /** Let go, once the panel is closed. */
  release(): void {
    this.rest();
    for (const held of [...this.subscriptions, ...this.attention]) held.dispose();
  }

  private makePage(): void {
    this.isReady = false;
    // The page keeps what brings it back after a reload: a new one for another run beside this.
    const directories = [this.run, this.other].flatMap((run) => run?.store.directory ?? []);
    this.panel.webview.html = pageOf(this.panel.webview, this.extensionUri, 'analyses', { directories });
  }

  private onVisibility(): void {
    for (const held of this.attention) held.dispose();
    const { visible } = this.panel;
    const shown = [this.run, this.other].flatMap((run) => run ?? []);
    this.attention = visible ? shown.map((run) => this.parts.library.attend(run)) : [];
    if (visible) return;
    // A webview that was hidden is made anew, and says so itself.
    this.isReady = false;
    this.rest();
  }

  /** Stop what is under way; what was read stays. */
  private rest(): void {
    clearTimeout(this.timer);
    this.atWork?.abort();
    this.atWork = undefined;
  }

  private async receive(message: unknown): Promise<void> {
    if (!validateToAnalysesHost(message)) this.parts.log.error('the view of analyses sent a message that is none');
    else await this.answer(message);
  }

  private async answer(message: ToAnalysesHost): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.isReady = true;
        this.choose(message.from, message.to);
        return;
      case 'readSteps':
        this.choose(message.from, message.to);
        return;
      case 'openPoint':
        await this.openPoint(message);
        return;
      case 'compareWith':
        if (message.other === 'none') this.setOther(undefined);
        else {
          const title = `Draw which run beside ${this.parts.library.header(this.run).name}?`;
          const other = await this.parts.pick.another(this.run, title);
          if (other !== undefined) this.setOther(other);
        }
        return;
      default:
        assertNever(message);
    }
  }

  private setOther(other: RunWatch | undefined): void {
    this.other = other;
    this.rest();
    this.onVisibility();
    this.makePage();
  }

  /** Show the tokens of these steps; what was read of them before is not read again. */
  private choose(from: number | null, to: number | null): void {
    const range = rangeOf(this.run.store.model, from, to);
    if (this.reading?.range.from !== range.from || this.reading.range.to !== range.to) {
      this.rest();
      this.reading = { range, tokens: new TokenReading(this.run.store, range) };
    }
    this.isTold = false;
    this.tell();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        this.tell();
      },
      Math.max(0, this.toldAt + tellEveryMs - performance.now()),
    );
  }

  private tell(): void {
    const { library } = this.parts;
    this.toldAt = performance.now();
    const { name } = library.header(this.run);
    this.panel.title = `${name} · analyses`;
    this.send({
      kind: 'run',
      run: analysedRun(this.run.store.model, name),
      other: this.other === undefined ? null : analysedRun(this.other.store.model, library.header(this.other).name),
      isAlive: this.run.isAlive,
      smoothing: settings.smoothing(),
    });
    if (this.atWork === undefined) this.guard(this.read());
  }

  /** Read what was not read yet, and tell of it as it comes; nothing is told twice. */
  private async read(): Promise<void> {
    const { reading } = this;
    if (reading === undefined || (this.isTold && reading.tokens.isDone)) return;
    this.isTold = false;
    const work = new AbortController();
    this.atWork = work;
    let told = performance.now();
    try {
      do {
        await reading.tokens.advance(work.signal, () => {
          if (performance.now() - told < tellEveryMs) return;
          told = performance.now();
          this.tellTokens(reading);
        });
        // Of a run that goes on, more may have come meanwhile.
      } while (!reading.tokens.isDone);
      this.tellTokens(reading);
      this.isTold = true;
    } catch (error) {
      if (!work.signal.aborted) throw error;
    } finally {
      if (this.atWork === work) this.atWork = undefined;
    }
  }

  private tellTokens({ range, tokens }: NonNullable<AnalysisPanel['reading']>): void {
    this.lastMessage += 1;
    const { message, points } = tokensMessage(tokens.analysis, tokens.figures, range, this.lastMessage);
    this.places.set(this.lastMessage, { index: this.run.store.index, points });
    this.places.delete(this.lastMessage - keptMessages);
    this.send(message);
  }

  /** Open the trace of a point at its token. */
  private async openPoint({ reading, point }: OpenPoint): Promise<void> {
    const { store } = this.run;
    const known = this.places.get(reading);
    const place = known?.points[point];
    // A run that was begun anew has other rows.
    const id = place === undefined || known?.index !== store.index ? undefined : store.index.ids[place.row];
    if (place === undefined || id === undefined) return;
    const record = await store.readRollout(place.row);
    const starts = record.kind === 'read' ? traceOf(record.value, '').starts : undefined;
    const range = starts && { from: starts[place.token] ?? 0, to: starts[place.token + 1] ?? 0 };
    await commands.executeCommand('srft.openTrace', { runId: store.manifest.run_id, id }, range);
  }

  private send(message: ToAnalysesView): void {
    if (this.panel.visible && this.isReady) void this.panel.webview.postMessage(message);
  }

  private guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.parts.log.error(error instanceof Error ? error : String(error));
      this.send({ kind: 'trouble', message: error instanceof Error ? error.message : String(error) });
    });
  }
}
