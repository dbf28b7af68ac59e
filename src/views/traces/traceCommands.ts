import {
  commands,
  env,
  Range,
  Selection,
  TextEditorRevealType,
  window,
  workspace,
  type ExtensionContext,
  Uri,
  type QuickPickItem,
  type TextDocument,
  type UriHandler,
} from 'vscode';
import { valueAt } from '../../../core/columns';
import { formatNumber } from '../../../core/format';
import type { MarkedTrace } from '../../../core/generated/panel';
import { promptHistory } from '../../../core/promptHistory';
import { isSameGroup } from '../../../core/rolloutIndex';
import { rolloutRow } from '../../../core/rolloutList';
import { placeAt } from '../../../core/trace';
import { markedTrace } from '../../../core/traceMarks';
import { visibleWords } from '../../../core/visibleWords';
import type { RunWatch } from '../../runs/runWatch';
import {
  addressOf,
  draftScheme,
  isAddress,
  isRange,
  linkOf,
  pastedAddress,
  type TraceAddress,
  type TraceRange,
} from './traceAddress';
import type { Drafts } from './drafts';
import type { Front } from './frontTrace';
import type { TraceEditors } from './traceEditors';
import { tokenAtPosition, tokenSentence } from './traceHover';
import type { Judging } from './judging';
import type { OpenTrace, RunOrigin, TraceLibrary } from './traceLibrary';
import { markdownOf } from './traceMarkdown';

/** What traces need of the panels. */
export interface Curves {
  /** Show a run's panel with the step of a trace brushed, and its figures marked. */
  showTrace(run: RunWatch, trace: MarkedTrace): void;
  /** Show in a run's panel which of its rollouts a person looks at. */
  follow(front: Front): void;
}

/** The commands about traces. */
export class TraceCommands implements UriHandler {
  constructor(
    private readonly context: ExtensionContext,
    private readonly traces: TraceLibrary,
    private readonly editors: TraceEditors,
    private readonly curves: Curves,
    private readonly judging: Judging,
    private readonly drafts: () => Promise<Drafts>,
  ) {}

  /** Open a rollout as a document, at a range of its response; without an address, ask for a link. */
  async openTrace(target: unknown, more?: unknown): Promise<void> {
    const address = isAddress(target) ? target : await this.askAddress();
    if (address === undefined) return;
    const found = await this.traces.find(address);
    if (found.kind === 'broken') void window.showWarningMessage(found.reason);
    else await this.openRow(found.value.run, found.value.row, isRange(more) ? more : undefined);
  }

  /** Open a row of a run's index. */
  async openRow(run: RunWatch, row: number, range?: TraceRange): Promise<void> {
    const uri = this.traces.uriOfRow(run, row);
    // The window opens it by itself, which is quicker than to have the document told here first.
    await commands.executeCommand('vscode.open', uri, { preview: true });
    const editor = window.activeTextEditor;
    const open = editor === undefined ? undefined : this.traces.of(editor.document);
    if (editor === undefined || open === undefined || range === undefined) return;
    const { trace } = open;
    const from = placeAt(trace, trace.responseStart + range.from);
    const to = placeAt(trace, trace.responseStart + range.to);
    const shown = new Range(from.line, from.column, to.line, to.column);
    editor.selection = new Selection(shown.start, shown.end);
    editor.revealRange(shown, TextEditorRevealType.InCenterIfOutsideViewport);
  }

  /** A link that was clicked elsewhere. */
  async handleUri(uri: Uri): Promise<void> {
    const address = uri.path === '/trace' ? addressOf(uri) : undefined;
    if (address === undefined) void window.showWarningMessage('This link names no trace.');
    else await this.openTrace(address);
  }

  async copyLink(): Promise<void> {
    const open = this.ofRun(this.active());
    if (open === undefined) return;
    await env.clipboard.writeText(linkOf(open.address, env.uriScheme, this.context.extension.id));
    void window.setStatusBarMessage('Link to the trace copied.', 3000);
  }

  /** Text and figures, fenced so that nothing the model wrote is read as Markdown. */
  async copyMarkdown(): Promise<void> {
    const open = this.active();
    if (open === undefined) return;
    await env.clipboard.writeText(markdownOf(open));
    void window.setStatusBarMessage('Trace copied as Markdown.', 3000);
  }

  describeToken(): void {
    const { active } = this.editors;
    if (active === undefined) return;
    const token = tokenAtPosition(active.open, active.editor.selection.active);
    void window.showInformationMessage(
      token === -1 ? 'The cursor is in the prompt, which has no figures.' : tokenSentence(active.open, token),
    );
  }

  /** The step of a trace on every curve, and the trace among all of that step. */
  async showOnCurves(target: unknown): Promise<void> {
    const open = await this.foundOr(target);
    if (open === undefined) return;
    const { index, model } = open.run.store;
    this.curves.showTrace(open.run, markedTrace(index, model.attempts, open.row));
  }

  /** Every answer to the same prompt, to open one or to see what changed. */
  async samePrompt(target: unknown): Promise<void> {
    const open = await this.foundOr(target);
    if (open === undefined) return;
    const { index, model } = open.run.store;
    const history = promptHistory(index, model.attempts, index.promptIds[open.row] ?? '');
    const right = history.firstRight === null ? 'never right so far' : `first right at step ${history.firstRight}`;
    const back = history.fellBack.length === 0 ? '' : `, fell back at ${history.fellBack.slice(0, 5).join(', ')}`;
    const picked = await this.pickRow(open, history.rows, `Answers to this prompt: ${right}${back}`);
    if (picked !== undefined) await this.openRow(open.run, picked);
  }

  /** The recipe's judge looks at stored rollouts again. */
  async judgeAgain(target: unknown): Promise<void> {
    const open = await this.foundOr(target);
    if (open !== undefined) await this.judging.judgeAgain(open.run, open.row);
  }

  /** The recipe's own reward is called on a stored rollout, under the debugger. */
  async debugReward(target: unknown): Promise<void> {
    const open = await this.foundOr(target);
    if (open === undefined) return;
    const { debugReward } = await import('./debugReward');
    await debugReward(open.run, open.row, this.judging.parts, this.context.globalStorageUri.fsPath);
  }

  /** A rollout, or the draft that was made of one, becomes a demonstration. */
  async promote(target: unknown): Promise<void> {
    const draft = draftAt(target);
    if (draft !== undefined) {
      await (await this.drafts()).promote(draft);
      return;
    }
    const open = await this.foundOr(target);
    if (open === undefined) return;
    const { promote } = await import('./promote');
    await promote(open.run, open.row, this.judging);
  }

  /** A rollout as a text to change, which is judged as one types. */
  async editAndPromote(target: unknown): Promise<void> {
    const open = await this.foundOr(target);
    if (open !== undefined)
      await (await this.drafts()).open(open.run, open.row, this.traces.uriOfRow(open.run, open.row));
  }

  /** What stands in a draft is judged now. */
  async judgeDraft(target: unknown): Promise<void> {
    const draft = draftAt(target);
    if (draft !== undefined) await (await this.drafts()).judge(draft);
  }

  /** Two traces beside each other. */
  async compareTraces(target: unknown): Promise<void> {
    const open = await this.foundOr(target);
    if (open === undefined) return;
    const { index, model } = open.run.store;
    const { rows } = promptHistory(index, model.attempts, index.promptIds[open.row] ?? '');
    const other = await this.pickRow(open, rows, 'Compare with which answer to the same prompt?');
    if (other === undefined) return;
    const [left, right] = [other, open.row].sort((a, b) => a - b).map((row) => this.traces.uriOfRow(open.run, row));
    if (left === undefined || right === undefined) return;
    const title = `${left.path.split('/').slice(-2).join(' · ')} ↔ ${right.path.split('/').slice(-2).join(' · ')}`;
    await commands.executeCommand('vscode.diff', left, right, title);
  }

  /** The answer before or after this one, of the same group. */
  async neighbour(by: 1 | -1): Promise<void> {
    const open = this.ofRun(this.active());
    if (open === undefined) return;
    const row = open.row + by;
    if (isSameGroup(open.run.store.index, row, open.row)) await this.openRow(open.run, row);
    else void window.setStatusBarMessage(`This is the ${by === 1 ? 'last' : 'first'} answer of its group.`, 3000);
  }

  private active(): OpenTrace | undefined {
    const { active } = this.editors;
    if (active === undefined)
      void window.showInformationMessage('Open a trace first: choose a rollout in a run’s panel.');
    return active?.open;
  }

  private ofRun(open: OpenTrace | undefined): RunOrigin | undefined {
    if (open !== undefined && open.origin.kind !== 'run') {
      const what = open.origin.kind === 'file' ? 'This trace is a line of a file' : 'This is a text that was scored';
      void window.showInformationMessage(`${what}; what is asked for needs a run.`);
    }
    return open?.origin.kind === 'run' ? open.origin : undefined;
  }

  private async foundOr(target: unknown): Promise<{ readonly run: RunWatch; readonly row: number } | undefined> {
    if (!isAddress(target)) return this.ofRun(this.active());
    const found = await this.traces.find(target);
    if (found.kind === 'broken') void window.showWarningMessage(found.reason);
    return found.kind === 'read' ? found.value : undefined;
  }

  private async askAddress(): Promise<TraceAddress | undefined> {
    const text = await window.showInputBox({
      ignoreFocusOut: true,
      title: 'Open a trace',
      prompt: 'A link from Copy Link to Trace',
      validateInput: (value) => (pastedAddress(value) === undefined ? 'This is no link to a trace.' : undefined),
    });
    return text === undefined ? undefined : pastedAddress(text);
  }

  private async pickRow(
    { run, row: current }: { readonly run: RunWatch; readonly row: number },
    rows: readonly number[],
    title: string,
  ): Promise<number | undefined> {
    const { index } = run.store;
    const items = rows.map((row): QuickPickItem & { row: number } => {
      const line = rolloutRow(index, row);
      const isOwn = index.kinds[row] !== 'demonstration';
      return {
        row,
        label: `${isOwn ? (line.correct ? '$(pass)' : '$(error)') : '$(book)'} step ${line.step} · ${index.kinds[row] ?? ''} ${valueAt(index.numbers.index, row)}`,
        description: `reward ${formatNumber(line.reward)}, ${line.tokens} tokens${row === current ? ' (this one)' : ''}`,
        detail: visibleWords(line.head),
      };
    });
    const picked = await window.showQuickPick(items, { title, matchOnDetail: true, matchOnDescription: true });
    return picked?.row;
  }
}

/** The draft a command was called on, else the one in front. */
function draftAt(target: unknown): TextDocument | undefined {
  const front = window.activeTextEditor?.document.uri;
  const uri = target instanceof Uri ? target : isAddress(target) ? undefined : front;
  return workspace.textDocuments.find(
    (one) => one.uri.scheme === draftScheme && one.uri.toString() === uri?.toString(),
  );
}
