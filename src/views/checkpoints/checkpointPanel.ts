import { commands, Uri, window, workspace, type Disposable, type WebviewPanel } from 'vscode';
import { assertNever } from '../../../core/assertNever';
import type {
  Chosen,
  Compare,
  ExportTokens,
  OpenToken,
  SetupMessage,
  ToCheckpointsHost,
  ToCheckpointsView,
} from '../../../core/generated/checkpoints';
import { validateToCheckpointsHost } from '../../../core/generated/checkpointsValidators.mjs';
import { readSequences } from '../../runs/comparedRows';
import type { RunWatch } from '../../runs/runWatch';
import { pageOf } from '../panelPage';
import { settings } from '../settings';
import { CheckpointChoices, toldPlaces, toldSets } from './checkpointChoices';
import type { PagesParts } from './checkpointPanels';
import { pickPlace } from './checkpointPlaces';
import { ComparisonWork } from './comparisonWork';
import { saveTokens } from './exportTokens';
import { mostReferences, PathWork } from './pathWork';
import { StripWork } from './stripWork';

/** What is compared at most. */
const limits = { sequences: 64, tokens: 32_000 };
/** Of a run that goes on, the view is told at most this often. */
const tellEveryMs = 500;

/** One webview with the checkpoints of a run. Hidden it gets nothing, and shown again it is told all. */
export class CheckpointPanel {
  readonly choices: CheckpointChoices;
  private isReady = false;
  private timer: NodeJS.Timeout | undefined;
  private generation = 0;
  private comparison: ComparisonWork | undefined;
  private path: PathWork | undefined;
  private readonly strip: StripWork;
  /** Told with the next setup. */
  private chosen: Chosen | null = null;
  private section: SetupMessage['section'] = null;
  /** Checkpoints that the strip was last scored under. */
  private stripKeys = '';
  private attention: Disposable | undefined;
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly panel: WebviewPanel,
    readonly run: RunWatch,
    private readonly parts: PagesParts,
  ) {
    this.choices = new CheckpointChoices(run);
    this.strip = new StripWork(run, parts.service, this.send);
    const { extensionUri } = parts;
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
    panel.webview.html = pageOf(panel.webview, extensionUri, 'checkpoints', { directories: [run.store.directory] });
    this.onVisibility();
  }

  get isActive(): boolean {
    return this.panel.active;
  }

  /** Come to the front with a choice made; `step`: of the checkpoint that is meant. */
  async show(section: SetupMessage['section'], step: number | undefined): Promise<void> {
    this.panel.reveal();
    this.section = section;
    this.chosen = this.choices.usual(await this.choices.places(), step);
    await this.tellSetup();
    if (section === 'strip') this.startStrip('user');
  }

  /** There is news of the run. */
  take(): void {
    if (!this.isReady) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.guard(this.follow());
    }, tellEveryMs);
  }

  dispose(): void {
    this.panel.dispose();
  }

  /** Let go, once the panel is closed. */
  release(): void {
    clearTimeout(this.timer);
    this.comparison?.cancel();
    this.path?.cancel();
    this.strip.cancel();
    this.attention?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private onVisibility(): void {
    this.attention?.dispose();
    this.attention = this.panel.visible ? this.parts.library.attend(this.run) : undefined;
    // A webview that was hidden is made anew, and says so itself.
    if (!this.panel.visible) this.isReady = false;
  }

  private async receive(message: unknown): Promise<void> {
    if (!validateToCheckpointsHost(message))
      this.parts.log.error('the view of checkpoints sent a message that is none');
    else await this.answer(message);
  }

  private async answer(message: ToCheckpointsHost): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.isReady = true;
        await this.tellAll();
        await this.scoreNew();
        return;
      case 'compare':
        await this.compare(message);
        return;
      case 'pickPlace':
        await this.pickOther(message.side);
        return;
      case 'pickStep':
        await this.pickStep();
        return;
      case 'cancel':
        ({ comparison: this.comparison, path: this.path, strip: this.strip })[message.work]?.cancel();
        return;
      case 'openToken':
        await this.openToken(message);
        return;
      case 'askAlternatives':
        await this.alternatives(message.generation, message.sequence, message.token);
        return;
      case 'measurePath':
        this.measurePath();
        return;
      case 'scoreStrip':
        this.startStrip('user');
        return;
      case 'exportTokens':
        await this.export(message);
        return;
      case 'showRecipe':
        await commands.executeCommand('srft.showRecipe', { kind: 'run', run: this.run });
        return;
      default:
        assertNever(message);
    }
  }

  private async tellAll(): Promise<void> {
    this.panel.title = `${this.parts.library.header(this.run).name} · checkpoints`;
    await this.tellSetup();
    this.comparison?.tellAll();
    this.path?.tell();
    this.strip.tell();
  }

  private async tellSetup(): Promise<void> {
    const places = await this.choices.places();
    if (!this.isReady) return;
    this.send({
      kind: 'setup',
      run: this.parts.library.header(this.run).name,
      isAlive: this.run.isAlive,
      places: toldPlaces(places, this.run),
      sets: toldSets(this.choices.sets()),
      chosen: this.chosen,
      usual: this.choices.usual(places, undefined),
      section: this.section,
      mostSequences: limits.sequences,
      mostTokens: limits.tokens,
      mostReferences,
    });
    this.chosen = null;
    this.section = null;
  }

  /** What is new in the run; probes of a new checkpoint are scored by themselves. */
  private async follow(): Promise<void> {
    await this.tellSetup();
    await this.scoreNew();
  }

  private async scoreNew(): Promise<void> {
    const keys = [...(await this.choices.places()).keys()].join();
    if (keys === this.stripKeys || !this.strip.isWanted || this.strip.isUnderWay) return;
    if (this.panel.visible && settings.scoresProbes()) this.startStrip('background');
  }

  private async compare({ before, after, set }: Compare): Promise<void> {
    if (this.isRestricted()) return;
    const places = await this.choices.places();
    const chosen = this.choices.sets().find(({ key }) => key === set);
    const [first, second] = [places.get(before), places.get(after)];
    // A checkpoint may have been removed since the view was told of it.
    if (first === undefined || second === undefined || chosen === undefined) {
      void window.showWarningMessage('What was chosen is not there any more; choose again.');
      await this.tellSetup();
      return;
    }
    this.comparison?.cancel();
    this.generation += 1;
    const order = { generation: this.generation, run: this.run, before: first, after: second, set: chosen.label };
    const read = await readSequences(this.run.store, chosen.rows, limits);
    this.comparison = new ComparisonWork({ ...order, read }, this.parts.service, this.send);
    await this.comparison.run();
  }

  private measurePath(): void {
    if (this.path?.isUnderWay === true || this.isRestricted()) return;
    this.path = new PathWork(this.run, this.parts.service, this.send);
    this.guard(this.path.measure());
  }

  private startStrip(priority: 'user' | 'background'): void {
    if (this.strip.isUnderWay || this.isRestricted()) return;
    this.guard(
      this.choices.places().then(async (places) => {
        this.stripKeys = [...places.keys()].join();
        await this.strip.score(priority);
        // Another may have come meanwhile.
        await this.scoreNew();
      }),
    );
  }

  private async pickOther(side: 'before' | 'after'): Promise<void> {
    const place = await pickPlace(this.parts.library, this.run, 'Compare with which checkpoint?');
    if (place === undefined) return;
    const none = { before: null, after: null, set: null };
    this.chosen = { ...none, [side]: this.choices.add(place) };
    await this.tellSetup();
  }

  private async pickStep(): Promise<void> {
    const set = await this.choices.askStep();
    if (set === undefined) return;
    this.chosen = { before: null, after: null, set };
    await this.tellSetup();
  }

  private async openToken({ of, generation, sequence, token }: OpenToken): Promise<void> {
    const isCurrent = of === 'strip' || generation === this.comparison?.generation;
    const work = of === 'strip' ? this.strip : this.comparison;
    const found = isCurrent ? work?.sequenceAt(sequence) : undefined;
    if (found === undefined) return;
    const { starts } = found.trace;
    const range = { from: starts[token] ?? 0, to: starts[token + 1] ?? 0 };
    await commands.executeCommand('srft.openTrace', { runId: this.run.store.manifest.run_id, id: found.id }, range);
  }

  private async alternatives(generation: number, sequence: number, token: number): Promise<void> {
    if (generation !== this.comparison?.generation) return;
    const answer = await this.comparison.alternatives(sequence, token);
    if (answer !== undefined) this.send(answer);
  }

  private async export({ format }: ExportTokens): Promise<void> {
    if (this.comparison === undefined) return;
    await saveTokens(this.comparison.table(format), format, this.parts.library.newRunFolder(), this.run.name);
  }

  /** A view that a reload brought back may stand in a workspace that is not trusted. */
  private isRestricted(): boolean {
    if (workspace.isTrusted) return false;
    void window.showWarningMessage('Checkpoints are not loaded in Restricted Mode: trust this workspace first.');
    return true;
  }

  private readonly send = (message: ToCheckpointsView): void => {
    if (this.panel.visible && this.isReady) void this.panel.webview.postMessage(message);
  };

  private guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.parts.log.error(error instanceof Error ? error : new Error(String(error)));
    });
  }
}
