import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Position, Range, Selection, Uri, window, workspace, WorkspaceEdit } from 'vscode';
import { valueAt } from '../../../core/columns';
import { judgedText, type NewVerdict } from '../../../core/judgeAgain';
import { demonstrationText, promotedLine } from '../../../core/promotion';
import { broken, read, type Read } from '../../../core/read';
import type { Trace } from '../../../core/trace';
import { dataUses, type DataUse } from '../../recipes/recipeJson';
import type { RunWatch } from '../../runs/runWatch';
import { recipeFileOf } from '../forkQuestions';
import { shownPath } from '../pick';
import { judgeQuestion } from './judgeQuestion';
import type { Judging } from './judging';

/** Where a rollout would become a demonstration, and who judges it. */
export interface Promotion {
  readonly run: RunWatch;
  readonly row: number;
  /** As the run had it: one that began anew has other rows. */
  readonly index: RunWatch['store']['index'];
  /** A file. */
  readonly recipe: string;
  readonly use: DataUse;
}

/**
 * Make a rollout a demonstration: judged by the recipe first, then appended to its data as an edit that can be undone and
 * that a person saves. What an evaluation asked is refused.
 */
export async function promote(run: RunWatch, row: number, judging: Judging): Promise<void> {
  const found = await promotionOf(run, row);
  if (found?.kind === 'broken') refuse(found.reason);
  if (found?.kind !== 'read') return;
  const promotion = found.value;
  const judged = await judging.judge(run, [row], promotion.recipe);
  if (judged.kind === 'none' || judged.judgement.cancelled) return;
  const { rows, refused } = judged.judgement;
  const refusal = refusalOf('rollout', rows[0]?.verdict, refused[0]?.refusal);
  if (refusal !== undefined) {
    refuse(refusal);
    return;
  }
  const question = await judgeQuestion(run, row);
  if (question.kind === 'broken') {
    refuse(`There is no text to promote: ${question.reason}.`);
    return;
  }
  const { trace } = question.value;
  await append(promotion, trace, judgedText(trace, run.store.index.stops[row]));
}

/** Where a row can be promoted to; broken, in words, where it cannot; undefined where a person thought better of it. */
export async function promotionOf(run: RunWatch, row: number): Promise<Read<Promotion> | undefined> {
  const kind = run.store.index.kinds[row] ?? '';
  if (kind === 'evaluation')
    return broken(
      'This is an answer to a held-out problem. Training on it would make the accuracy of that set worthless.',
    );
  if (kind === 'demonstration') return broken('This is a demonstration already.');
  const recipe = await recipeFileOf(run);
  if (recipe === undefined) return undefined;
  const use = dataUses(await readFile(recipe, 'utf8'), dirname(recipe))[0];
  if (use?.path.endsWith('.jsonl') !== true)
    return broken(`The data of ${shownPath(recipe)} is no JSONL file, so a line cannot be added to it.`);
  return read({ run, row, index: run.store.index, recipe, use });
}

/** Why something that was judged is no demonstration; undefined when it is one. */
export function refusalOf(
  what: 'rollout' | 'draft',
  verdict: Pick<NewVerdict, 'correct' | 'note'> | undefined,
  refusal: string | undefined,
): string | undefined {
  if (verdict?.correct === true) return undefined;
  const reason = refusal ?? verdict?.note ?? 'its reward is too low';
  return `The recipe's own judge does not count this ${what} as right (${reason}), so it is no demonstration.`;
}

/** Append a response that was found right; `edited` when a person changed it. */
export async function append(
  { run, row, use }: Promotion,
  trace: Trace,
  response: string,
  more: { readonly edited?: true } = {},
): Promise<void> {
  const { index, manifest } = run.store;
  const uri = Uri.file(use.path);
  const document = await workspace.openTextDocument(uri);
  const text = document.getText();
  const line = promotedLine(
    text,
    use.columns,
    index.promptIds[row] ?? '',
    demonstrationText(trace.text.slice(0, trace.responseStart), response),
    { run: manifest.run_id, step: valueAt(index.numbers.step, row), rollout: index.ids[row] ?? '', ...more },
  );
  if (line.kind === 'broken') {
    refuse(line.reason);
    return;
  }
  const end = document.lineAt(document.lineCount - 1).range.end;
  const edit = new WorkspaceEdit();
  edit.insert(uri, end, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line.value}\n`);
  if (!(await workspace.applyEdit(edit))) {
    refuse(`${shownPath(uri.fsPath)} could not be changed.`);
    return;
  }
  const editor = await window.showTextDocument(document);
  const place = new Position(text === '' || text.endsWith('\n') ? end.line : end.line + 1, 0);
  editor.selection = new Selection(place, place);
  editor.revealRange(new Range(place, place));
  void window.showInformationMessage(`Added to ${shownPath(uri.fsPath)}. Save the file to keep it, or undo.`);
}

export function refuse(reason: string): void {
  void window.showWarningMessage(reason);
}
