import { commands } from 'vscode';
import type { RunLibrary } from './views/library';

/** Keys of `when` clauses that follow the runs. */
export function followContext(library: RunLibrary): { dispose(): void } {
  let told = '';
  const update = (): void => {
    const hasLiveRun = library.runs.some((run) => library.header(run).canControl);
    const now = `${library.runs.length > 0} ${hasLiveRun}`;
    if (now === told) return;
    told = now;
    void commands.executeCommand('setContext', 'srft.hasRun', library.runs.length > 0);
    void commands.executeCommand('setContext', 'srft.hasLiveRun', hasLiveRun);
  };
  const subscriptions = [library.onList(update), library.onNews(update)];
  update();
  return {
    dispose() {
      for (const subscription of subscriptions) subscription.dispose();
    },
  };
}
