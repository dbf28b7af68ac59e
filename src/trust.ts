import { commands, window, workspace } from 'vscode';
import type { Command } from './commands';

/** What `package.json` says of a command. */
interface Contributed {
  readonly command: string;
  readonly title: string;
  readonly enablement?: string;
}

/**
 * A command that starts something, made to say why where the workspace is not trusted. Its enablement keeps it out of
 * palette and menus; links of the walkthrough and other extensions do not ask about that.
 */
export function withTrust(id: string, run: Command, packageJson: unknown): Command {
  const { contributes } = packageJson as { readonly contributes: { readonly commands: readonly Contributed[] } };
  const contributed = contributes.commands.find(({ command }) => command === id);
  if (contributed?.enablement?.includes('isWorkspaceTrusted') !== true) return run;
  return (target, more) => (workspace.isTrusted ? run(target, more) : refuse(contributed.title.replace('…', '')));
}

async function refuse(title: string): Promise<void> {
  const reason = 'this workspace is in Restricted Mode, where runs can be read and nothing is started or changed.';
  const answer = await window.showWarningMessage(`SRFT: ${title} needs trust: ${reason}`, 'Manage Trust');
  if (answer !== undefined) await commands.executeCommand('workbench.trust.manage');
}
