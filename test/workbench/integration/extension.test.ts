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

  it('opens a run in a tab that has its name', async () => {
    const [workspace] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(workspace);
    await vscode.commands.executeCommand('srft.openRun', vscode.Uri.file(join(workspace.uri.fsPath, 'runs', 'rich')));
    await eventually('a tab of the run', () =>
      vscode.window.tabGroups.all.some((group) => group.tabs.some((tab) => tab.label.includes('rich'))),
    );
  });
});
