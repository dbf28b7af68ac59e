import { ProgressLocation, window } from 'vscode';
import type { ControlRequest } from '../../core/generated/wire';
import { requestControl } from '../runs/control';
import { stopTrainer, type StopProgress, type StopStage } from '../runs/stop';
import type { RunLibrary } from './library';
import type { RunPicker } from './pick';

/** Asks trainers at work to stop, pause, go on or write a checkpoint. */
export class RunControl {
  constructor(
    private readonly library: RunLibrary,
    private readonly pick: RunPicker,
  ) {}

  /** Pause, continue or a checkpoint, at the next safe point. */
  async request(target: unknown, kind: 'pause' | 'continue' | 'checkpoint'): Promise<void> {
    const run = await this.pick.one(target, `${titles[kind]} which run?`, ({ canControl }) => canControl);
    if (run === undefined) return;
    try {
      await requestControl(run.store.directory, kind, 'SRFT Studio');
    } catch (error) {
      void window.showErrorMessage(
        `${run.name} cannot be asked to ${kind}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Stop a run, after asking; escalates where the trainer does not answer. */
  async stop(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Stop which run?', ({ canControl }) => canControl);
    if (run === undefined) return;
    const { name, step } = this.library.header(run);
    const answer = await window.showWarningMessage(
      `Stop ${name}?`,
      { modal: true, detail: `It is at step ${step}. With a checkpoint it can go on exactly from where it stops.` },
      'Checkpoint and Stop',
      'Stop',
    );
    if (answer === undefined) return;
    await window.withProgress(
      { location: ProgressLocation.Notification, title: `SRFT: stopping ${name}`, cancellable: true },
      async (progress, token) => {
        const waiting = new AbortController();
        token.onCancellationRequested(() => {
          waiting.abort();
        });
        const result = await stopTrainer({
          runDirectory: run.store.directory,
          by: 'SRFT Studio',
          checkpointFirst: answer === 'Checkpoint and Stop',
          signal: waiting.signal,
          onStage: (stage) => {
            progress.report({ message: stageWords(stage) });
          },
        });
        if (result.kind === 'failed' || result.kind === 'asked') {
          void window.showWarningMessage(`${name}: ${result.reason}`);
        }
      },
    );
  }
}

const titles: Readonly<Record<Exclude<ControlRequest['kind'], 'stop'>, string>> = {
  pause: 'Pause',
  continue: 'Continue',
  checkpoint: 'Checkpoint',
};

function stageWords({ stage, seconds, nextAfter }: StopProgress): string {
  const next = nextAfter === null ? '' : ` of at most ${Math.round(nextAfter)} s`;
  return `${stopStages[stage]}, ${Math.round(seconds)} s${next}`;
}

const stopStages: Readonly<Record<StopStage, string>> = {
  requested: 'asked; it stops at the next safe point',
  obeyed: 'stopping',
  'asked to end': 'no answer: its process was asked to end',
  'ended by force': 'no answer: its process is being ended',
};
