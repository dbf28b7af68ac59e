import {
  DocumentLink,
  EventEmitter,
  languages,
  Range,
  Uri,
  window,
  workspace,
  type Disposable,
  type DocumentLinkProvider,
  type QuickPickItem,
  type TextDocument,
  type TextDocumentContentProvider,
} from 'vscode';
import { valueAt } from '../../../core/columns';
import { judgeReply, rejudged, type NewVerdict } from '../../../core/judgeAgain';
import { judgementText, type JudgedLine, type Judgement } from '../../../core/judgeTable';
import { isCurrent } from '../../../core/rolloutIndex';
import { rowsOfGroup } from '../../runs/groupMessage';
import type { RunWatch } from '../../runs/runWatch';
import { callTrainer } from '../../runs/trainerCall';
import { recipeFileOf } from '../forkQuestions';
import type { Log } from '../log';
import { shownPath } from '../pick';
import { cancellable } from '../recipes/cancellable';
import type { RewardConsent } from '../rewardConsent';
import type { TrainerSource } from '../trainerEnvironment';
import { judgeQuestion, sectionOf } from './judgeQuestion';

/** What judging needs of the rest of the extension. */
export interface JudgingParts {
  readonly environment: TrainerSource;
  readonly consent: RewardConsent;
  readonly log: Log;
}

/** A judge that was asked about rows, and what it said. */
export type Judged =
  | { readonly kind: 'judged'; readonly judgement: Judgement }
  /** Said already, or a person thought better of it. */
  | { readonly kind: 'none' };

const judgedScheme = 'srft-judged';

/** Replays a recipe's judge over stored rollouts. The judge is the trainer's, always: there is no other one. */
export class Judging implements TextDocumentContentProvider, DocumentLinkProvider, Disposable {
  private readonly results = new Map<
    string,
    { readonly text: string; readonly links: readonly JudgedLine[]; readonly runId: string }
  >();
  private readonly changed = new EventEmitter<Uri>();
  private readonly subscriptions: readonly Disposable[];
  private made = 0;
  readonly onDidChange = this.changed.event;

  constructor(readonly parts: JudgingParts) {
    this.subscriptions = [
      this.changed,
      workspace.registerTextDocumentContentProvider(judgedScheme, this),
      languages.registerDocumentLinkProvider({ scheme: judgedScheme }, this),
      workspace.onDidCloseTextDocument(({ uri }) => {
        this.results.delete(uri.toString());
      }),
    ];
  }

  /** Ask how much, and by which recipe, and show what changes. */
  async judgeAgain(run: RunWatch, row: number): Promise<void> {
    const rows = await pickRows(run, row);
    if (rows === undefined) return;
    const recipe = await pickRecipe(run);
    if (recipe === undefined) return;
    const judged = await this.judge(run, rows, recipe);
    if (judged.kind === 'none') return;
    const { text, links } = judgementText(judged.judgement, run.store.index);
    this.made += 1;
    const uri = Uri.from({ scheme: judgedScheme, path: `/${run.name} judged again ${this.made}` });
    this.results.set(uri.toString(), { text, links, runId: run.store.manifest.run_id });
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: false });
  }

  /** Let a recipe's judge look at rows of a run; `recipe` is a file. */
  async judge(run: RunWatch, rows: readonly number[], recipe: string): Promise<Judged> {
    const { environment, consent, log } = this.parts;
    if (!(await consent.given(run, recipe))) return { kind: 'none' };
    const trainer = await environment.ready();
    if (trainer === undefined) return { kind: 'none' };
    const { store } = run;
    const asked: number[] = [];
    const verdicts: NewVerdict[] = [];
    const refused: { row: number; refusal: string }[] = [];
    let notKept = 0;
    async function* requests(): AsyncGenerator<string> {
      for (const row of rows) {
        const question = await judgeQuestion(run, row);
        if (question.kind === 'broken') {
          notKept += 1;
          continue;
        }
        asked.push(row);
        yield question.value.request;
      }
    }
    let answered = 0;
    const answer = await cancellable(`SRFT: judging ${rows.length} rollouts of ${run.name}`, (step, signal) =>
      callTrainer({
        python: trainer.python,
        trainerFolder: trainer.folder,
        args: ['verify', recipe],
        env: process.env,
        input: requests(),
        signal,
        onWords: (line) => {
          log.info(line);
        },
        onLine: (line) => {
          // The judge answers in the order it is asked.
          const reply = judgeReply(line, asked[answered] ?? -1);
          if (reply === undefined) return;
          answered += 1;
          if ('refusal' in reply) refused.push(reply);
          else verdicts.push(reply);
          step.report({ message: `${answered} of ${rows.length}`, increment: 100 / rows.length });
        },
      }),
    );
    if (answer.kind === 'failed' || (answer.kind === 'answered' && answer.code !== 0)) {
      const words = answer.kind === 'failed' ? answer.message : (answer.errorLines.at(-1) ?? 'the trainer ended early');
      void window.showErrorMessage(`Judging ended early: ${words.replace(/^srft: /, '')}`);
      return { kind: 'none' };
    }
    const judgement: Judgement = {
      run: run.name,
      recipe: shownPath(recipe),
      rows: rejudged(store.index, verdicts, dividesByStd(run)),
      refused,
      notKept,
      cancelled: answer.kind === 'cancelled',
    };
    return { kind: 'judged', judgement };
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.results.get(uri.toString())?.text ?? 'This judgement was not kept; ask for it again.\n';
  }

  provideDocumentLinks(document: TextDocument): DocumentLink[] {
    const result = this.results.get(document.uri.toString());
    if (result === undefined) return [];
    return result.links.map(({ line, id }) => {
      const address = encodeURIComponent(JSON.stringify([{ runId: result.runId, id }]));
      const link = new DocumentLink(
        new Range(line, 0, line, id.length),
        Uri.parse(`command:srft.openTrace?${address}`),
      );
      link.tooltip = 'Open the trace';
      return link;
    });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

async function pickRows(run: RunWatch, row: number): Promise<readonly number[] | undefined> {
  const { index, model } = run.store;
  const step = valueAt(index.numbers.step, row);
  const current = Array.from({ length: index.length }, (_, one) => one).filter((one) =>
    isCurrent(index, one, model.attempts),
  );
  const scopes: (QuickPickItem & { rows: readonly number[] })[] = [
    { label: 'This rollout', rows: [row] },
    { label: 'Its group', rows: rowsOfGroup(run.store, row) },
    { label: `Step ${step}`, rows: current.filter((one) => valueAt(index.numbers.step, one) === step) },
    { label: 'The whole run', rows: current },
  ];
  const items = scopes.map((scope) => ({ ...scope, description: `${scope.rows.length} rollouts` }));
  return (await window.showQuickPick(items, { title: 'Judge which rollouts again?' }))?.rows;
}

async function pickRecipe(run: RunWatch): Promise<string | undefined> {
  const found = await workspace.findFiles('**/*.srft.json', '**/{node_modules,runs,.venv}/**', 200);
  if (found.length === 0) return recipeFileOf(run);
  const own = 'The recipe of the run, as its file is now';
  const items = [{ label: own, path: '' }, ...found.map(({ fsPath }) => ({ label: shownPath(fsPath), path: fsPath }))];
  const picked = await window.showQuickPick(items, { title: 'Judge as which recipe says?' });
  if (picked === undefined) return undefined;
  return picked.path === '' ? recipeFileOf(run) : picked.path;
}

function dividesByStd(run: RunWatch): boolean {
  return sectionOf(run.store.manifest.recipe, 'method')['advantage_std'] !== false;
}
