import { join } from 'node:path';
import { commands, Uri, window, workspace } from 'vscode';

/** Writes a table to a file that the person names, beginning in `folder`. */
export async function saveTokens(text: string, format: 'csv' | 'json', folder: string, run: string): Promise<void> {
  const file = await window.showSaveDialog({
    title: 'Save the tokens of the comparison',
    defaultUri: Uri.file(join(folder, `${run}-tokens.${format}`)),
    filters: { [format.toUpperCase()]: [format] },
  });
  if (file === undefined) return;
  await workspace.fs.writeFile(file, new TextEncoder().encode(text));
  const answer = await window.showInformationMessage(`The tokens are written: ${file.fsPath}`, 'Open');
  if (answer !== undefined) await commands.executeCommand('vscode.open', file);
}
