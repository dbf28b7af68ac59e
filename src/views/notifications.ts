import { commands, window, type Disposable } from 'vscode';
import type { RunHeader, RunState } from '../../core/generated/panel';
import { hasEnded } from '../../core/runHeader';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';
import { settings } from './settings';

interface Known {
  readonly state: RunState;
  readonly alerts: ReadonlySet<string>;
}

/** Tells of ends and alerts that happen while this window looks, unless the run's panel is in view. */
export class RunNotifications implements Disposable {
  private readonly known = new WeakMap<RunWatch, Known>();
  private readonly subscription: Disposable;

  constructor(
    private readonly library: RunLibrary,
    private readonly isInView: (run: RunWatch) => boolean,
  ) {
    this.subscription = library.onNews(({ run }) => {
      this.take(run);
    });
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private take(run: RunWatch): void {
    // What a record tells of the past is no news.
    if (run.isReading) return;
    const header = this.library.header(run);
    const before = this.known.get(run);
    this.known.set(run, { state: header.state, alerts: new Set(header.alerts.map(({ id }) => id)) });
    if (before === undefined || this.isInView(run)) return;
    const wanted = settings.notifications();
    if (hasEnded(header.state) && !hasEnded(before.state)) this.tellEnd(run, header, wanted);
    const alert = header.alerts.findLast(({ id, toStep }) => !before.alerts.has(id) && toStep >= header.step - 1);
    if (alert !== undefined && wanted === 'all') this.tellAlert(run, `${header.name}: ${alert.fact}`);
  }

  private tellEnd(run: RunWatch, header: RunHeader, wanted: 'all' | 'failures' | 'none'): void {
    if (header.failure !== null) {
      if (wanted !== 'none') this.tellFailure(run, header.failure.message, header);
      return;
    }
    if (wanted !== 'all') return;
    const { figures, name, stateText } = header;
    const accuracy = figures[0]?.value === null ? '' : ` Held-out accuracy ${figures[0]?.text ?? ''} %.`;
    void offer(
      window.showInformationMessage(
        `${name}: ${stateText.toLowerCase()} at step ${header.step}.${accuracy}`,
        'Show Run',
        'Export Report',
      ),
      {
        'Show Run': 'srft.showRun',
        'Export Report': 'srft.exportReport',
      },
      run,
    );
  }

  private tellFailure(run: RunWatch, message: string, { name, canResume }: RunHeader): void {
    const actions = canResume ? ['Show Log', 'Show Run', 'Resume'] : ['Show Log', 'Show Run'];
    void offer(
      window.showErrorMessage(`${name}: ${message}`, ...actions),
      {
        'Show Log': 'srft.showLog',
        'Show Run': 'srft.showRun',
        Resume: 'srft.resume',
      },
      run,
    );
  }

  private tellAlert(run: RunWatch, message: string): void {
    void offer(window.showWarningMessage(message, 'Show Run'), { 'Show Run': 'srft.showRun' }, run);
  }
}

async function offer(
  answer: Thenable<string | undefined>,
  actions: Readonly<Record<string, string>>,
  run: RunWatch,
): Promise<void> {
  const chosen = await answer;
  const command = chosen === undefined ? undefined : actions[chosen];
  if (command !== undefined) await commands.executeCommand(command, { kind: 'run', run });
}
