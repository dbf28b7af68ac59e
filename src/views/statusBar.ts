import { StatusBarAlignment, ThemeColor, window, type Disposable } from 'vscode';
import { hasEnded } from '../../core/runHeader';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';

/** The newest run at work: step, reward, time left, alerts. Hidden when none is. */
export class RunStatusBar implements Disposable {
  private readonly item = window.createStatusBarItem('srft.status', StatusBarAlignment.Left, 0);
  private readonly subscriptions: Disposable[];

  constructor(private readonly library: RunLibrary) {
    this.item.name = 'SRFT Studio';
    this.subscriptions = [
      this.item,
      library.onNews(() => {
        this.update();
      }),
      library.onList(() => {
        this.update();
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private update(): void {
    const run = this.library.runs.find((one) => one.isAlive && !hasEnded(this.library.header(one).state));
    if (run === undefined) this.item.hide();
    else this.show(run);
  }

  private show(run: RunWatch): void {
    const header = this.library.header(run);
    const reward = header.figures.find(({ key }) => key === 'reward/mean');
    const alerts = header.alerts.filter(({ toStep }) => toStep >= header.step - 1).length;
    const parts = [
      `$(graph-line) SRFT ${header.step}${header.steps === null ? '' : `/${header.steps}`}`,
      header.state === 'running' ? undefined : header.stateText,
      reward?.value === null || reward === undefined ? undefined : `reward ${reward.text}`,
      header.remainingSeconds === null ? undefined : `${durationText(header.remainingSeconds)} left`,
      alerts === 0 ? undefined : `$(warning) ${alerts}`,
    ];
    this.item.text = parts.filter((part) => part !== undefined).join(' · ');
    this.item.tooltip = `${header.name}: ${header.stateText}. Click to show the run.`;
    this.item.backgroundColor = alerts === 0 ? undefined : new ThemeColor('statusBarItem.warningBackground');
    this.item.command = { command: 'srft.showRun', title: 'Show Run', arguments: [{ kind: 'run', run }] };
    this.item.show();
  }
}

/** `1:02:03` or `2:03`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => value.toString().padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
