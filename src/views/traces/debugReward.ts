import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commands, debug, extensions, Location, Position, SourceBreakpoint, Uri, window, workspace } from 'vscode';
import { recipeIn } from '../../recipes/recipeJson';
import { rewardCodeOfRecipe } from '../../runs/rewardConsent';
import { functionPlaces, rewardDebugLaunch, type FunctionPlace } from '../../runs/rewardDebug';
import type { RunWatch } from '../../runs/runWatch';
import { callTrainer } from '../../runs/trainerCall';
import { recipeFileOf } from '../forkQuestions';
import { shownPath } from '../pick';
import { cancellable } from '../recipes/cancellable';
import type { ReadyTrainer } from '../trainerEnvironment';
import { judgeQuestion } from './judgeQuestion';
import type { JudgingParts } from './judging';

const debuggerId = 'ms-python.debugpy';

/**
 * Call the recipe's own `python` reward on a stored rollout under the Python debugger, which stops at its first
 * statement. `storage` is a folder of the extension's own.
 */
export async function debugReward(run: RunWatch, row: number, parts: JudgingParts, storage: string): Promise<void> {
  const recipe = await recipeFileOf(run);
  if (recipe === undefined) return;
  const codes = await rewardCodeOfRecipe(recipeIn(await readFile(recipe, 'utf8')), dirname(recipe));
  if (codes.length === 0) {
    void window.showInformationMessage(`${shownPath(recipe)} has no \`python\` reward, so there is none to debug.`);
    return;
  }
  if (extensions.getExtension(debuggerId) === undefined) {
    await offerDebugger();
    return;
  }
  await saveOpen([recipe, ...codes.map(({ file }) => file)]);
  if (!(await parts.consent.given(run, recipe))) return;
  const question = await judgeQuestion(run, row);
  if (question.kind === 'broken') {
    void window.showWarningMessage(`There is no text to judge: ${question.reason}.`);
    return;
  }
  const trainer = await parts.environment.ready();
  if (trainer === undefined) return;
  const places = await findFunctions(trainer, recipe);
  if (places === undefined) return;
  const launch = rewardDebugLaunch({
    python: trainer.python,
    trainerFolder: trainer.folder,
    recipe,
    requests: await keptRequest(join(storage, 'debug-reward'), question.value.request),
    env: process.env,
  });
  if (launch.kind === 'broken') {
    void window.showWarningMessage(launch.reason);
    return;
  }
  stopAt(places);
  await debug.startDebugging(workspace.getWorkspaceFolder(Uri.file(recipe)), { ...launch.value });
}

async function offerDebugger(): Promise<void> {
  const show = 'Show Extension';
  const answer = await window.showWarningMessage(
    `Debugging a reward needs the Python Debugger extension (${debuggerId}), which is not here: install it, then ask again.`,
    show,
  );
  if (answer === show) await commands.executeCommand('workbench.extensions.search', `@id:${debuggerId}`);
}

/** Python reads files, not editors. */
async function saveOpen(paths: readonly string[]): Promise<void> {
  for (const document of workspace.textDocuments)
    if (document.isDirty && paths.includes(document.uri.fsPath)) await document.save();
}

/** The trainer loads the functions, and so knows where each begins, wherever it was imported from. */
async function findFunctions(
  { python, folder }: ReadyTrainer,
  recipe: string,
): Promise<readonly FunctionPlace[] | undefined> {
  const answer = await cancellable('SRFT: looking for the reward', (_step, signal) =>
    callTrainer({ python, trainerFolder: folder, args: ['verify', recipe, '--where'], env: process.env, signal }),
  );
  if (answer.kind === 'cancelled') return undefined;
  if (answer.kind === 'answered' && answer.code === 0) return functionPlaces(answer.stdout);
  const words = answer.kind === 'failed' ? answer.message : (answer.errorLines.at(-1) ?? 'the trainer ended early');
  void window.showWarningMessage(`The reward cannot be debugged: ${words.replace(/^srft: /, '')}`);
  return undefined;
}

/** In a file, since a session can be started again by the debugger alone; those of earlier ones go. */
async function keptRequest(folder: string, request: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${randomUUID()}.jsonl`);
  await writeFile(path, `${request}\n`);
  return path;
}

/** Breakpoints like any other: a person sees them, and takes them away. */
function stopAt(places: readonly FunctionPlace[]): void {
  for (const { file, line } of places) {
    const location = new Location(Uri.file(file), new Position(line - 1, 0));
    const there = debug.breakpoints.filter(
      (one) =>
        one instanceof SourceBreakpoint &&
        one.location.uri.toString() === location.uri.toString() &&
        one.location.range.start.line === line - 1,
    );
    if (there.some(({ enabled }) => enabled)) continue;
    debug.removeBreakpoints(there);
    debug.addBreakpoints([new SourceBreakpoint(location)]);
  }
}
