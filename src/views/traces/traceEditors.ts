import {
  commands,
  Selection,
  TextEditorRevealType,
  Uri,
  StatusBarAlignment,
  window,
  type Disposable,
  type ExtensionContext,
  type QuickPickItem,
  type TextEditor,
} from 'vscode';
import { offsetAt, placeAt } from '../../../core/trace';
import type { Overlay } from '../../../core/traceOverlays';
import { lineFigures } from '../../../core/traceScores';
import type { Log } from '../log';
import { traceScheme } from './traceAddress';
import type { Groups } from './groups';
import type { OpenTrace, TraceLibrary } from './traceLibrary';
import { TraceTint } from './traceTint';

const overlayKey = 'srft.overlay';
const none = 'none';
/** Tints of what comes into view while scrolling are drawn this often. */
const tintEveryMs = 30;
/** Figures beside the text, forks and what is out of view follow the first tints. */
const restAfterMs = 80;

/** Keeps every editor that shows a trace tinted by the overlay a person chose. */
export class TraceEditors implements Disposable {
  private readonly tint: TraceTint;
  private readonly status = window.createStatusBarItem('srft.overlay', StatusBarAlignment.Right, 200);
  /** The overlay that was taken away by its key. */
  private hidden: string | undefined;
  private readonly waiting = new Map<TextEditor, NodeJS.Timeout>();
  private readonly tintedAt = new WeakMap<TextEditor, number>();
  private readonly subscriptions: readonly Disposable[];

  constructor(
    private readonly context: ExtensionContext,
    private readonly traces: TraceLibrary,
    private readonly groups: Groups,
    private readonly onOverlay: () => void,
    private readonly log: Log,
  ) {
    this.tint = new TraceTint(Uri.joinPath(context.extensionUri, 'media'));
    this.status.name = 'SRFT Studio: tint of traces';
    this.status.command = 'srft.chooseOverlay';
    this.subscriptions = [
      this.tint,
      this.status,
      traces.onLoaded(() => {
        this.showAll();
      }),
      window.onDidChangeVisibleTextEditors(() => {
        this.showAll();
      }),
      window.onDidChangeActiveTextEditor(() => {
        this.showStatus();
      }),
      window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        this.showSoon(textEditor);
      }),
    ];
  }

  /** The trace in front, and its editor. */
  get active(): { readonly editor: TextEditor; readonly open: OpenTrace } | undefined {
    const editor = window.activeTextEditor;
    const open = editor === undefined ? undefined : this.traces.of(editor.document);
    return editor === undefined || open === undefined ? undefined : { editor, open };
  }

  /** The overlay a trace is shown with: the chosen one, or the first it has figures for. */
  overlayOf({ overlays }: OpenTrace): Overlay | undefined {
    const chosen = this.context.globalState.get<string>(overlayKey);
    return chosen === none ? undefined : (overlays.find(({ id }) => id === chosen) ?? overlays[0]);
  }

  /** Put the cursor on the next place where the group parts, or on the one before; round the ends. */
  async goToFork(by: 1 | -1): Promise<void> {
    const { active } = this;
    if (active === undefined) return;
    const { editor, open } = active;
    const tokens = (await this.groups.forks(open)).map(({ token }) => token);
    if (tokens.length === 0) {
      void window.setStatusBarMessage('No other answer of this group parts from this one.', 3000);
      return;
    }
    const here = offsetAt(open.trace, {
      line: editor.selection.active.line,
      column: editor.selection.active.character,
    });
    const places = tokens.map((token) => open.trace.starts[token] ?? 0);
    const next = by === 1 ? places.find((place) => place > here) : places.findLast((place) => place < here);
    const shown = next ?? places.at(by === 1 ? 0 : -1) ?? 0;
    const { line, column } = placeAt(open.trace, shown);
    editor.selection = new Selection(line, column, line, column);
    editor.revealRange(editor.selection, TextEditorRevealType.InCenterIfOutsideViewport);
    void window.setStatusBarMessage(`Fork ${places.indexOf(shown) + 1} of ${places.length}`, 5000);
  }

  /** Take the tint away, or bring back the one that was there. */
  async toggle(): Promise<void> {
    const { active } = this;
    if (active === undefined) return;
    const shown = this.overlayOf(active.open);
    if (shown !== undefined) this.hidden = shown.id;
    await this.choose(shown === undefined ? (this.hidden ?? active.open.overlays[0]?.id ?? none) : none);
  }

  /** Tint by the overlay after the present one; after the last comes none. */
  async next(): Promise<void> {
    const { active } = this;
    if (active === undefined) return;
    const { overlays } = active.open;
    const shown = this.overlayOf(active.open);
    const place = shown === undefined ? -1 : overlays.indexOf(shown);
    await this.choose(overlays[place + 1]?.id ?? none);
  }

  /** Ask which overlay. */
  async pick(): Promise<void> {
    const { active } = this;
    if (active === undefined) return;
    const now = this.overlayOf(active.open)?.id ?? none;
    const items: (QuickPickItem & { id: string })[] = [
      ...active.open.overlays.map(({ id, label, ...more }) => ({
        id,
        label,
        description: `${'unit' in more ? more.unit : ''}${id === now ? '  (shown)' : ''}`.trim(),
      })),
      { id: none, label: 'no tint', description: now === none ? '(shown)' : '' },
    ];
    const picked = await window.showQuickPick(items, { title: 'Tint the tokens by' });
    if (picked !== undefined) await this.choose(picked.id);
  }

  dispose(): void {
    for (const timer of this.waiting.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** Tint traces by the overlay with this id, where they have it. */
  async choose(id: string): Promise<void> {
    await this.context.globalState.update(overlayKey, id);
    this.showAll();
    this.onOverlay();
  }

  private showAll(): void {
    for (const editor of window.visibleTextEditors) this.show(editor);
    this.showStatus();
  }

  private showSoon(editor: TextEditor, afterMs = tintEveryMs): void {
    if (editor.document.uri.scheme !== traceScheme || this.waiting.has(editor)) return;
    const wait = (this.tintedAt.get(editor) ?? -Infinity) + afterMs - performance.now();
    const timer = setTimeout(
      () => {
        this.waiting.delete(editor);
        this.show(editor);
      },
      Math.max(0, wait),
    );
    this.waiting.set(editor, timer);
  }

  private show(editor: TextEditor): void {
    const open = this.traces.of(editor.document);
    if (open === undefined) return;
    const start = performance.now();
    const isFirst = !this.tintedAt.has(editor);
    this.tintedAt.set(editor, start);
    if (isFirst) {
      // The window is still at work on the text; what else there is may follow.
      this.tint.showTokens(editor, open.trace, this.overlayOf(open));
      this.showSoon(editor, restAfterMs);
      return;
    }
    const overlay = this.overlayOf(open);
    this.tint.show(editor, open.trace, overlay, lineFigures(open.trace, open.scores, overlay?.id));
    this.log.debug(`tinted ${editor.document.uri.toString()} in ${(performance.now() - start).toFixed(1)} ms`);
    void this.groups.forks(open).then((forks) => {
      if (this.traces.of(editor.document) === open) this.tint.showForks(editor, open.trace, forks);
    });
  }

  private showStatus(): void {
    const { active } = this;
    void commands.executeCommand('setContext', 'srft.traceInFront', active !== undefined);
    if (active === undefined) {
      this.status.hide();
      return;
    }
    const overlay = this.overlayOf(active.open);
    this.status.text = `$(symbol-color) Tint: ${overlay?.label ?? 'none'}`;
    this.status.tooltip = 'What the tokens are tinted by. Click to choose (Alt+T: the next one).';
    this.status.show();
  }
}
