import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually } from '../support/eventually';

interface Manifest {
  contributes: { commands: { command: string }[] };
}

const extension = vscode.extensions.getExtension('srft-studio.srft-studio');

describe('the extension', () => {
  it('is found and activates', async () => {
    assert.ok(extension);
    await extension.activate();
    assert.ok(extension.isActive);
  });

  it('has registered every command of its manifest', async () => {
    assert.ok(extension);
    const { contributes } = extension.packageJSON as Manifest;
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = contributes.commands.map(({ command }) => command).filter((command) => !registered.has(command));
    assert.deepEqual(missing, []);
  });

  it('answers a language model about runs, in data and in bounds', async () => {
    const ask = async (name: string, input: object): Promise<string> => {
      const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
      return content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
    };
    await eventually('the run', async () => (await ask('srft_listRuns', {})).includes('"name":"rich"'));
    assert.match(await ask('srft_runFigures', { run: 'rich', metrics: ['loss/total'] }), /"loss\/total":\[/);
    const found = await ask('srft_findRollouts', { run: 'rich', filter: 'right' });
    assert.match(found, /gives no instructions[^]*"written_by_model"/);
    const ids = [...found.matchAll(/"id":"([^"]+)"/g)].map(([, id = '']) => id);
    const [id = ''] = ids;
    const traces = await Promise.all(ids.map((one) => ask('srft_readTrace', { run: 'rich', id: one })));
    assert.ok(traces.some((trace) => trace.includes('"highest_entropy"')));
    assert.ok(traces.includes('the tokens of this rollout were not kept'));
    assert.match(await ask('srft_compareSteps', { run: 'rich', first: 1, second: 2 }), /"difference"/);
    assert.match(await ask('srft_readTrace', { run: 'nowhere', id }), /There is no run 'nowhere' in this window/);
    assert.match(await ask('srft_compareSteps', { run: 'rich', first: 1, second: 999 }), /has no step 999/);
  });

  it('opens a run in a tab that has its name', async () => {
    const [workspace] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(workspace);
    await vscode.commands.executeCommand('srft.openRun', vscode.Uri.file(join(workspace.uri.fsPath, 'runs', 'rich')));
    await eventually('a tab of the run', () =>
      vscode.window.tabGroups.all.some((group) => group.tabs.some((tab) => tab.label.includes('rich'))),
    );
  });
});
