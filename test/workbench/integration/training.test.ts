import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually } from '../support/eventually';
import { eventsOf, isAlive, projectPython, quickRuns, statusOf, stepsOf, writeQuickRecipe } from '../support/quickRun';

const startLimitMs = 60_000;
const ask = vscode.window.showWarningMessage;

/** A test window refuses modal boxes, so the person's answer is given here. */
function answerWith(answer: string): string[] {
  const asked: string[] = [];
  const stub = (question: string, ...rest: unknown[]): Promise<string | undefined> => {
    asked.push(question);
    return Promise.resolve(rest.includes(answer) ? answer : undefined);
  };
  Object.assign(vscode.window, { showWarningMessage: stub });
  return asked;
}

describe('training', function () {
  this.timeout(2 * startLimitMs);
  const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  let run = '';
  let trainer = 0;

  before(async () => {
    const settings = vscode.workspace.getConfiguration('srft');
    await settings.update('environment.python', projectPython, vscode.ConfigurationTarget.Workspace);
  });

  after(() => {
    Object.assign(vscode.window, { showWarningMessage: ask });
    if (trainer !== 0 && isAlive(trainer)) process.kill(trainer, 'SIGKILL');
  });

  const state = (): string | undefined => statusOf(run)?.state;
  const step = (): number => statusOf(run)?.step ?? 0;

  it('starts from a recipe, as a process that is not the editor’s child', async () => {
    await vscode.commands.executeCommand('srft.train', vscode.Uri.file(writeQuickRecipe(workspace, 5000)));
    const found = quickRuns(workspace);
    assert.equal(found.length, 1);
    [run = ''] = found;
    await eventually('the first steps', () => state() === 'running' && step() >= 2, { withinMs: startLimitMs });
    trainer = statusOf(run)?.pid ?? 0;
    assert.ok(isAlive(trainer));
    const [tab] = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).filter(({ isActive }) => isActive);
    assert.match(tab?.label ?? '', /^quick-/);
  });

  it('pauses, stands still, and goes on', async () => {
    await vscode.commands.executeCommand('srft.pause');
    await eventually('the pause', () => state() === 'paused');
    const paused = step();
    await sleep(1000);
    assert.equal(step(), paused);
    assert.ok(isAlive(trainer));
    await vscode.commands.executeCommand('srft.continue');
    await eventually('the next step', () => state() === 'running' && step() > paused);
  });

  it('writes a checkpoint when asked', async () => {
    const before = eventsOf(run).filter(({ kind }) => kind === 'checkpoint').length;
    await vscode.commands.executeCommand('srft.checkpoint');
    await eventually('a checkpoint', () => eventsOf(run).filter(({ kind }) => kind === 'checkpoint').length > before);
  });

  it('stays as it is when the question whether to stop is cancelled', async () => {
    const asked = answerWith('another answer');
    await vscode.commands.executeCommand('srft.stop');
    assert.deepEqual(asked.length, 1);
    const now = step();
    await eventually('another step', () => step() > now);
  });

  it('stops with a checkpoint of its last step, and says so by an event', async () => {
    answerWith('Checkpoint and Stop');
    await vscode.commands.executeCommand('srft.stop');
    const last = eventsOf(run).at(-1);
    assert.equal(last?.kind, 'ended');
    assert.equal(last.end?.kind, 'stopped');
    const checkpoint = eventsOf(run).findLast(({ kind }) => kind === 'checkpoint');
    assert.equal(checkpoint?.step, last.step);
    assert.ok(existsSync(join(run, checkpoint?.path ?? '')));
    await eventually('the end of its process', () => !isAlive(trainer));
  });

  it('resumes from that checkpoint as a second attempt, without losing or repeating a step', async () => {
    const stopped = step();
    await eventually('a run that can be resumed', async () => {
      await vscode.commands.executeCommand('srft.resume');
      return state() !== 'ended';
    });
    await eventually('new steps', () => step() >= stopped + 2, { withinMs: startLimitMs });
    trainer = statusOf(run)?.pid ?? 0;
    answerWith('Stop');
    await vscode.commands.executeCommand('srft.stop');
    assert.equal(eventsOf(run).at(-1)?.end?.kind, 'stopped');
    assert.equal(statusOf(run)?.attempt, 2);
    const steps = stepsOf(run);
    assert.deepEqual(
      steps,
      steps.map((_, place) => place + 1),
    );
    await eventually('the end of its process', () => !isAlive(trainer));
  });
});
