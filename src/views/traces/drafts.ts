import {
  CodeLens,
  EventEmitter,
  Range,
  ViewColumn,
  window,
  workspace,
  type CodeLensProvider,
  type Disposable,
  type TextDocument,
  type Uri,
} from 'vscode';
import { verdictTitles } from '../../../core/verdictWords';
import { visibleWords } from '../../../core/visibleWords';
import type { RunWatch } from '../../runs/runWatch';
import { DraftJudge, type DraftAnswer } from './draftJudge';
import { judgeQuestion } from './judgeQuestion';
import type { Judging } from './judging';
import { append, promotionOf, refusalOf, refuse, type Promotion } from './promote';
import { addressOf, draftScheme, draftUriOf } from './traceAddress';
import { said } from './traceLenses';
import type { TraceLibrary } from './traceLibrary';

/** What is known of a draft's text. */
type DraftState =
  /** A window that was reloaded shows it, and nobody asked yet. */
  | { readonly kind: 'unasked' }
  | { readonly kind: 'judging' }
  | { readonly kind: 'judged'; readonly text: string; readonly answer: JudgedAnswer };

type JudgedAnswer = Exclude<DraftAnswer, { kind: 'cancelled' }>;

interface Draft {
  state: DraftState;
  readonly judge: DraftJudge;
  promotion: Promotion | undefined;
  /** Set while somebody types. */
  timer: NodeJS.Timeout | undefined;
  work: Promise<void> | undefined;
  askedAt: number;
}

const typingMs = 300;
/** A text that a person has changed since is not waited for longer. */
const patienceMs = 1500;

/** Rollouts that become demonstrations after a person changed them: judged as they are typed, by the recipe. */
export class Drafts implements CodeLensProvider, Disposable {
  private readonly drafts = new Map<string, Draft>();
  private readonly subscriptions: readonly Disposable[];

  /** `refreshed` is fired when what stands above a draft is another. */
  constructor(
    private readonly traces: TraceLibrary,
    private readonly judging: Judging,
    private readonly refreshed: EventEmitter<void>,
  ) {
    this.subscriptions = [
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (document.uri.scheme === draftScheme && contentChanges.length > 0) this.typed(document);
      }),
      workspace.onDidCloseTextDocument(({ uri }) => {
        const isThere = workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
        if (uri.scheme === draftScheme && !isThere) this.forget(uri);
      }),
    ];
  }

  /** Open the draft of a rollout beside it; `trace` is its document. */
  async open(run: RunWatch, row: number, trace: Uri): Promise<void> {
    const promotion = await promotionOf(run, row);
    if (promotion?.kind === 'broken') refuse(promotion.reason);
    if (promotion?.kind !== 'read') return;
    const document = await workspace.openTextDocument(draftUriOf(trace));
    await window.showTextDocument(document, { preview: false, viewColumn: ViewColumn.Beside });
    this.draftOf(document).promotion = promotion.value;
    await this.judge(document);
  }

  /** Judge what stands in a draft now. */
  judge(document: TextDocument): Promise<void> {
    const draft = this.draftOf(document);
    draft.work ??= this.work(draft, document).finally(() => {
      draft.work = undefined;
    });
    return draft.work;
  }

  /** Append a draft to the recipe's data, once the judge has found right what stands in it. */
  async promote(document: TextDocument): Promise<void> {
    const draft = this.draftOf(document);
    clearTimeout(draft.timer);
    draft.timer = undefined;
    await this.judge(document);
    const { state, promotion } = draft;
    const isNewest = state.kind === 'judged' && state.text === document.getText();
    const refusal = isNewest ? refusalOfDraft(state.answer) : 'The draft was changed while it was judged; ask again.';
    if (refusal !== undefined || promotion === undefined || !isNewest) {
      refuse(refusal ?? 'The trace of this draft is not there any more.');
      return;
    }
    const question = await judgeQuestion(promotion.run, promotion.row);
    if (question.kind === 'broken') {
      refuse(`There is no text to promote: ${question.reason}.`);
      return;
    }
    await append(promotion, question.value.trace, state.text, { edited: true });
    // What was promoted asks nothing when it is closed.
    await document.save();
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const { uri } = document;
    const state = this.drafts.get(uri.toString())?.state ?? { kind: 'unasked' };
    const top = new Range(0, 0, 0, 0);
    return [
      ...titlesOf(state).map(said),
      ...(isAskedFor(state) ? [{ title: 'Judge', command: 'srft.judgeDraft', arguments: [uri] }] : []),
      { title: 'Promote to Demonstration', command: 'srft.promote', arguments: [uri] },
      { title: 'Trace', command: 'srft.openTrace', arguments: [addressOf(uri)] },
    ].map((command) => new CodeLens(top, command));
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const { timer, judge } of this.drafts.values()) {
      clearTimeout(timer);
      judge.cancel();
    }
  }

  private draftOf({ uri }: TextDocument): Draft {
    const known = this.drafts.get(uri.toString());
    if (known !== undefined) return known;
    const draft: Draft = {
      state: { kind: 'unasked' },
      judge: new DraftJudge(this.judging.parts),
      promotion: undefined,
      timer: undefined,
      work: undefined,
      askedAt: 0,
    };
    this.drafts.set(uri.toString(), draft);
    return draft;
  }

  private typed(document: TextDocument): void {
    const draft = this.draftOf(document);
    const { state } = draft;
    // A judge that could not be started is not started again by every key.
    if (!workspace.isTrusted || (state.kind === 'judged' && state.answer.kind === 'stopped')) return;
    this.set(draft, { kind: 'judging' });
    clearTimeout(draft.timer);
    draft.timer = setTimeout(() => {
      draft.timer = undefined;
      if (draft.work !== undefined && Date.now() - draft.askedAt > patienceMs) draft.judge.cancel();
      void this.judge(document);
    }, typingMs);
  }

  /** One question at a time, until the answer is about what stands there. */
  private async work(draft: Draft, document: TextDocument): Promise<void> {
    for (;;) {
      const text = document.getText();
      if (document.isClosed || (draft.state.kind === 'judged' && draft.state.text === text && !isAskedFor(draft.state)))
        return;
      this.set(draft, { kind: 'judging' });
      draft.askedAt = Date.now();
      const answer = await this.answerTo(draft, document.uri, text);
      if (answer.kind === 'cancelled') continue;
      const isNewest = document.getText() === text;
      if (isNewest || answer.kind === 'stopped') {
        this.set(draft, { kind: 'judged', text, answer });
        return;
      }
      // The next pause of the typing asks again.
      if (draft.timer !== undefined) return;
    }
  }

  private async answerTo(draft: Draft, uri: Uri, text: string): Promise<DraftAnswer> {
    try {
      if (draft.promotion?.index !== draft.promotion?.run.store.index) draft.promotion = undefined;
      draft.promotion ??= await this.promotionAt(uri);
      return await draft.judge.ask(draft.promotion, text);
    } catch (error) {
      this.judging.parts.log.error(error instanceof Error ? error : String(error));
      return { kind: 'stopped', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  private async promotionAt(uri: Uri): Promise<Promotion> {
    const address = addressOf(uri);
    if (address === undefined) throw new Error('it belongs to no trace');
    const found = await this.traces.find(address);
    if (found.kind === 'broken') throw new Error(found.reason);
    const promotion = await promotionOf(found.value.run, found.value.row);
    if (promotion === undefined) throw new Error('no recipe was named');
    if (promotion.kind === 'broken') throw new Error(promotion.reason);
    return promotion.value;
  }

  private set(draft: Draft, state: DraftState): void {
    if (draft.state.kind === 'judging' && state.kind === 'judging') return;
    draft.state = state;
    this.refreshed.fire();
  }

  private forget(uri: Uri): void {
    const draft = this.drafts.get(uri.toString());
    if (draft === undefined) return;
    clearTimeout(draft.timer);
    draft.judge.cancel();
    this.drafts.delete(uri.toString());
  }
}

function refusalOfDraft(answer: JudgedAnswer): string | undefined {
  switch (answer.kind) {
    case 'verdict':
      return refusalOf('draft', answer.verdict, undefined);
    case 'refused':
      return refusalOf('draft', undefined, answer.reason);
    case 'stopped':
      return `The draft could not be judged: ${answer.reason}.`;
  }
}

/** Is there no judging until a person asks? */
function isAskedFor(state: DraftState): boolean {
  return state.kind === 'unasked' || (state.kind === 'judged' && state.answer.kind === 'stopped');
}

function titlesOf(state: DraftState): string[] {
  if (state.kind === 'unasked') return ['not judged yet'];
  if (state.kind === 'judging') return ['$(loading~spin)\u00a0judging'];
  const { answer } = state;
  switch (answer.kind) {
    case 'verdict':
      return verdictTitles(answer.verdict);
    case 'refused':
      return [`$(error)\u00a0${visibleWords(answer.reason)}`];
    case 'stopped':
      return [`$(warning)\u00a0not judged: ${visibleWords(answer.reason)}`];
  }
}
