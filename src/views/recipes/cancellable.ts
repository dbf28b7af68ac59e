import { ProgressLocation, window, type Progress } from 'vscode';

/** What a long task tells. */
export type Step = Progress<{ message?: string; increment?: number }>;

/** Do something long with a notification that can be cancelled. */
export async function cancellable<T>(title: string, task: (step: Step, signal: AbortSignal) => Promise<T>): Promise<T> {
  return window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, (step, token) => {
    const stop = new AbortController();
    token.onCancellationRequested(() => {
      stop.abort();
    });
    return task(step, stop.signal);
  });
}
