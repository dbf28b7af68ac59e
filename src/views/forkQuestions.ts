import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { window } from 'vscode';
import type { RunWatch } from '../runs/runWatch';

/** Which checkpoint to begin from; told when there is none. */
export async function pickCheckpoint(run: RunWatch): Promise<number | undefined> {
  const { checkpoints, removedCheckpoints } = run.store.model;
  const items = checkpoints
    .filter(({ step }) => !removedCheckpoints.has(step))
    .map(({ step, accuracy, best }) => ({
      label: `Step ${step}`,
      description: `${best ? 'best · ' : ''}${accuracy === null ? '' : `held-out ${(accuracy * 100).toFixed(1)} %`}`,
      step,
    }))
    .reverse();
  if (items.length === 0) {
    void window.showInformationMessage(`${run.name} has no checkpoint to fork from.`);
    return undefined;
  }
  return (await window.showQuickPick(items, { title: 'Fork from which checkpoint?' }))?.step;
}

/** Up to which step the fork is to train. */
export async function askForSteps(run: RunWatch, step: number): Promise<number | undefined> {
  const planned = run.store.model.stepsPlanned ?? step;
  const text = await window.showInputBox({
    ignoreFocusOut: true,
    title: `Fork ${run.name} from step ${step}`,
    prompt: `Train up to which step? It must be above ${step}.`,
    value: `${planned > step ? planned : step * 2}`,
    validateInput: (value) =>
      /^\d+$/.test(value) && Number(value) > step ? undefined : `A whole number above ${step}.`,
  });
  return text === undefined ? undefined : Number(text);
}

/** The file of the recipe a run was started from, where it still is. */
export async function recipeThere(run: RunWatch): Promise<string | undefined> {
  const { recipe_file: file } = run.store.manifest;
  if (file === null) return undefined;
  const path = join(run.store.directory, file);
  return readFile(path).then(
    () => path,
    () => undefined,
  );
}

/** The recipe a run was started from; a run whose file is gone is forked from a file that a person names. */
export async function recipeFileOf(run: RunWatch): Promise<string | undefined> {
  const there = await recipeThere(run);
  if (there !== undefined) return there;
  const picked = await window.showOpenDialog({
    title: `The recipe of ${run.name} is not where it was; which file?`,
    filters: { Recipes: ['json'] },
    canSelectMany: false,
  });
  return picked?.[0]?.fsPath;
}
