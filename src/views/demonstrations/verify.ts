import { basename } from 'node:path';
import { window, workspace, type TextDocument } from 'vscode';
import { verdictIn, verifyRequests } from '../../../core/verifyLines';
import { callTrainer } from '../../runs/trainerCall';
import type { Log } from '../log';
import { shownPath } from '../pick';
import { cancellable } from '../recipes/cancellable';
import type { RecipeUse } from '../recipes/recipeUses';
import type { TrainerSource } from '../trainerEnvironment';
import type { Examinations } from './examinations';

/** Let the recipe's own judge look at every demonstration of a document. */
export async function verifyDemonstrations(
  document: TextDocument,
  examinations: Examinations,
  { environment, log }: { readonly environment: TrainerSource; readonly log: Log },
): Promise<void> {
  const reading = examinations.readingOf(document);
  if (reading === undefined || !workspace.isTrusted) return;
  const use = await chooseUse(reading.uses);
  if (use === undefined) return;
  const recipe = workspace.textDocuments.find(({ uri }) => uri.toString() === use.recipe.toString());
  if (recipe?.isDirty === true && !(await recipe.save())) return;
  const trainer = await environment.ready();
  if (trainer === undefined) return;
  const requests = verifyRequests(document.getText(), use.columns);
  const wrong = new Map<string, string>();
  let verified = 0;
  const answer = await cancellable(`SRFT: verifying ${basename(document.uri.fsPath)}`, (step, signal) =>
    callTrainer({
      python: trainer.python,
      trainerFolder: trainer.folder,
      args: ['verify', use.recipe.fsPath],
      env: process.env,
      input: requests.map(({ request }) => request),
      signal,
      onWords: (line) => {
        log.info(line);
      },
      onLine: (line) => {
        const verdict = verdictIn(line);
        const asked = verdict?.number === undefined ? undefined : requests[verdict.number];
        if (verdict === undefined || asked === undefined) return;
        verified += 1;
        if (verdict.fault !== null) wrong.set(asked.line, verdict.fault);
        step.report({ message: `${verified} of ${requests.length}`, increment: 100 / requests.length });
      },
    }),
  );
  // What was judged before a person had enough of it is true all the same.
  examinations.verified(document, { verified, wrong });
  if (answer.kind === 'cancelled') return;
  if (answer.kind === 'failed' || answer.code !== 0) {
    const words = answer.kind === 'failed' ? answer.message : (answer.errorLines.at(-1) ?? 'the trainer ended early');
    void window.showErrorMessage(`Verifying ended early: ${words.replace(/^srft: /, '')}`);
    return;
  }
  const right = `${verified - wrong.size} of ${verified} demonstrations are right`;
  void window.showInformationMessage(`${right}, as ${shownPath(use.recipe.fsPath)} judges.`);
}

async function chooseUse(uses: readonly RecipeUse[]): Promise<RecipeUse | undefined> {
  if (uses.length === 0) {
    void window.showInformationMessage('No recipe of this workspace names this file, so nobody says how it is judged.');
  }
  if (uses.length <= 1) return uses[0];
  const items = uses.map((use) => ({ label: shownPath(use.recipe.fsPath), use }));
  return (await window.showQuickPick(items, { title: 'Verify as which recipe judges?' }))?.use;
}
