import type { ExtensionContext } from 'vscode';

const key = 'srft.pinnedMetrics';

/** The metrics a person pinned in this workspace. */
export function pinnedMetrics(context: ExtensionContext): string[] {
  return context.workspaceState.get<string[]>(key, []);
}

/** Pin these and no others. */
export async function pinMetrics(context: ExtensionContext, metrics: readonly string[]): Promise<void> {
  await context.workspaceState.update(key, metrics);
}
