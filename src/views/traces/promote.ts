import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Position, Range, Selection, Uri, window, workspace, WorkspaceEdit } from 'vscode';
import { valueAt } from '../../../core/columns';
import { judgedText } from '../../../core/judgeAgain';
import { promotedLine } from '../../../core/promotion';
import { rolloutText } from '../../../core/rolloutColumns';
import { traceOf } from '../../../core/trace';
import { dataUses } from '../../recipes/recipeJson';
import type { RunWatch } from '../../runs/runWatch';
import { recipeFileOf } from '../forkQuestions';
import { shownPath } from '../pick';
import type { Judging } from './judging';

/**
 * Make a rollout a demonstration: judged by the recipe first, then appended to its data as an edit that can be undone and
 * that a person saves. What an evaluation asked is refused.
 */
export async function promote(run: RunWatch, row: number, judging: Judging): Promise<void> {
  const { store } = run;
  const { index } = store;
  const kind = index.kinds[row] ?? '';
  if (kind === 'evaluation') {
    refuse('This is an answer to a held-out problem. Training on it would make the accuracy of that set worthless.');
    return;
  }
  if (kind === 'demonstration') {
    refuse('This is a demonstration already.');
    return;
  }
  const recipe = await recipeFileOf(run);
  if (recipe === undefined) return;
  const use = dataUses(await readFile(recipe, 'utf8'), dirname(recipe))[0];
  if (use?.path.endsWith('.jsonl') !== true) {
    refuse(`The data of ${shownPath(recipe)} is no JSONL file, so a line cannot be added to it.`);
    return;
  }
  const judged = await judging.judge(run, [row], recipe);
  if (judged.kind === 'none' || judged.judgement.cancelled) return;
  const [verdict] = judged.judgement.rows;
  if (verdict?.verdict.correct !== true) {
    const reason = judged.judgement.refused[0]?.refusal ?? verdict?.verdict.note ?? 'its reward is too low';
    refuse(`The recipe's own judge does not count this rollout as right (${reason}), so it is no demonstration.`);
    return;
  }
  const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
  if (record.kind === 'broken') {
    refuse(`There is no text to promote: ${record.reason}.`);
    return;
  }
  const trace = traceOf(record.value, prompt.kind === 'read' ? rolloutText(prompt.value) : '');
  await append(Uri.file(use.path), (text) =>
    promotedLine(
      text,
      use.columns,
      index.promptIds[row] ?? '',
      withOpenedTag(trace.text.slice(0, trace.responseStart), judgedText(trace, index.stops[row])),
      {
        run: store.manifest.run_id,
        step: valueAt(index.numbers.step, row),
        rollout: index.ids[row] ?? '',
      },
    ),
  );
}

async function append(uri: Uri, lineOf: (text: string) => ReturnType<typeof promotedLine>): Promise<void> {
  const document = await workspace.openTextDocument(uri);
  const text = document.getText();
  const line = lineOf(text);
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

/** A tag that the prompt opened belongs to a demonstration, which stands without that prompt. */
function withOpenedTag(prompt: string, response: string): string {
  const opened = /<[A-Za-z_]{1,20}>\s*$/.exec(prompt);
  return opened === null ? response : `${opened[0]}${response}`;
}

function refuse(reason: string): void {
  void window.showWarningMessage(reason);
}
