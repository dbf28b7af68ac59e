import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgressLocation, window, workspace, type ExtensionContext } from 'vscode';
import { endTree } from '../runs/endProcess';
import { awaitStart, launchTrainer, type Launch, type LaunchStart } from '../runs/launch';
import type { RunWatch } from '../runs/runWatch';
import { noteUse } from '../runs/usage';
import { askForSteps, pickCheckpoint, recipeFileOf } from './forkQuestions';
import { chooseGpu, type GpuChoice } from './gpuChoice';
import type { RunLibrary } from './library';
import type { Log } from './log';
import type { RunPicker } from './pick';
import { RewardConsent } from './rewardConsent';
import type { Beginning } from './beginning';
import type { RunPanels } from './runPanels';
import { StageClock } from './stageClock';
import type { ReadyTrainer, TrainerSource } from './trainerEnvironment';

/** What is to be started. */
interface Wanted {
  readonly name: string;
  /** Null: the recipe the run carries. */
  readonly recipe: string | null;
  readonly runDirectory: string;
  readonly start: LaunchStart;
  readonly overrides: readonly string[];
}

/** Starts trainers: new runs, resumed ones and forks. */
export class Training {
  private readonly consent: RewardConsent;

  constructor(
    private readonly context: ExtensionContext,
    private readonly library: RunLibrary,
    private readonly panels: RunPanels,
    private readonly pick: RunPicker,
    private readonly environment: TrainerSource,
    private readonly log: Log,
  ) {
    this.consent = new RewardConsent(context.globalState);
  }

  /** Train the model that comes with the extension; needs neither a workspace nor a recipe. */
  async trainDemo(): Promise<void> {
    const trainer = await this.environment.ready();
    if (trainer === undefined) return;
    const recipe = join(trainer.folder, 'demo', 'recipes', 'srft.srft.json');
    const name = `demo-${timestamp()}`;
    await this.start(trainer, {
      name,
      recipe,
      runDirectory: join(this.library.ownRunFolder, name),
      start: { kind: 'new' },
      overrides: [],
    });
  }

  /** Train from a recipe's file. */
  async train(recipe: string): Promise<void> {
    const document = workspace.textDocuments.find(({ uri }) => uri.fsPath === recipe);
    if (document?.isDirty === true && !(await document.save())) return;
    const trainer = await this.environment.ready();
    if (trainer === undefined) return;
    const name = `${basename(recipe).replace(/\.srft\.json$/, '')}-${timestamp()}`;
    await this.start(trainer, {
      name,
      recipe,
      runDirectory: join(this.library.newRunFolder(), name),
      start: { kind: 'new' },
      overrides: [],
    });
  }

  /** Go on with a run that has ended before its last step. */
  async resume(target: unknown): Promise<void> {
    const run = await this.pick.one(target, 'Resume which run?', ({ canResume }) => canResume);
    if (run === undefined || !(await this.consent.given(run, null))) return;
    const trainer = await this.environment.ready();
    if (trainer === undefined) return;
    await this.start(trainer, {
      name: this.library.header(run).name,
      recipe: null,
      runDirectory: run.store.directory,
      start: { kind: 'resume' },
      overrides: [],
    });
  }

  /** A new run that begins at a checkpoint of another. */
  async fork(target: unknown, wantedStep: number | undefined): Promise<void> {
    const run = await this.pick.one(target, 'Fork which run?');
    if (run === undefined) return;
    const step = wantedStep ?? (await pickCheckpoint(run));
    if (step === undefined) return;
    const recipe = await recipeFileOf(run);
    if (recipe === undefined || !(await this.consent.given(run, recipe))) return;
    const steps = await askForSteps(run, step);
    if (steps === undefined) return;
    const trainer = await this.environment.ready();
    if (trainer === undefined) return;
    const name = `${run.name}-from-${step}-${timestamp()}`;
    await this.start(trainer, {
      name,
      recipe,
      runDirectory: join(dirname(run.store.directory), name),
      start: { kind: 'fork', run: run.store.directory, step },
      overrides: [`training.steps=${steps}`],
    });
  }

  private async start(found: ReadyTrainer, wanted: Wanted): Promise<void> {
    const device = wanted.recipe ?? join(wanted.runDirectory, 'run.json');
    const gpu = await chooseGpu(device, join(this.context.globalStorageUri.fsPath, 'gpus'));
    if (gpu === undefined) return;
    // A newer version of the extension removes what no live run uses, and one that waits is none.
    const trainer = gpu.hasWaited ? await this.environment.ready() : found;
    if (trainer === undefined) return;
    const cancel = new AbortController();
    const beginning: Beginning = {
      name: wanted.name,
      directory: wanted.runDirectory,
      stages: [{ name: 'starting the trainer', seconds: 0, done: false }],
      failure: null,
      cancel: () => {
        cancel.abort();
      },
    };
    const known = this.library.of(wanted.runDirectory);
    if (known === undefined) {
      await this.launchShown(trainer, wanted, gpu, beginning, this.panels.showBeginning(beginning), cancel.signal);
      return;
    }
    this.panels.show([known]);
    await window.withProgress(
      { location: ProgressLocation.Notification, title: `SRFT: resuming ${wanted.name}`, cancellable: true },
      (progress, token) => {
        token.onCancellationRequested(() => {
          cancel.abort();
        });
        const show = (): void => {
          const stage = beginning.stages.at(-1);
          if (stage !== undefined) progress.report({ message: `${stage.name}, ${stage.seconds} s` });
        };
        return this.launchShown(trainer, wanted, gpu, beginning, show, cancel.signal);
      },
    );
  }

  private async launchShown(
    trainer: ReadyTrainer,
    wanted: Wanted,
    gpu: GpuChoice,
    beginning: Beginning,
    show: (run?: RunWatch) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const clock = new StageClock(beginning, show);
    try {
      await this.launch(trainer, wanted, gpu, { beginning, clock, show, signal });
    } catch (error) {
      this.log.error(error instanceof Error ? error : String(error));
      this.failed(beginning, show, messageOf(error));
    } finally {
      clock.stop();
    }
  }

  private async launch(
    trainer: ReadyTrainer,
    wanted: Wanted,
    gpu: GpuChoice,
    { beginning, clock, show, signal }: Start,
  ): Promise<void> {
    const launch: Launch = {
      python: trainer.python,
      trainerFolder: trainer.folder,
      recipe: wanted.recipe,
      runDirectory: wanted.runDirectory,
      overrides: wanted.overrides,
      start: wanted.start,
      env: { ...process.env, ...gpu.variables },
    };
    const launched = await launchTrainer(launch);
    if (launched.kind === 'failed') {
      this.failed(beginning, show, launched.message);
      return;
    }
    this.log.info(`${wanted.name}: started as process ${launched.pid}`);
    await noteUse(trainer.folder, wanted.runDirectory);
    if (trainer.environment !== undefined) await noteUse(trainer.environment, wanted.runDirectory);
    const start = await awaitStart(launched, {
      signal,
      onWords: (line) => {
        clock.stage(line);
      },
    });
    if (start.kind === 'cancelled') {
      await endTree(launched.pid);
      this.failed(beginning, show, 'The start was cancelled.');
      return;
    }
    if (start.kind === 'ended') {
      for (const line of start.lastWords) this.log.error(line);
      this.failed(beginning, show, start.message);
      return;
    }
    const opened = await this.openStarted(wanted.runDirectory);
    if (opened === undefined) return;
    await this.consent.rememberLaunch(opened);
    // A run that had ended is otherwise looked at only now and then.
    this.library.lookNow(opened);
    show(opened);
  }

  /** The files appear one after the other, within moments. */
  private async openStarted(directory: string): Promise<RunWatch | undefined> {
    for (let attempt = 0; ; attempt += 1) {
      const opened = await this.library.open(directory);
      if (opened.kind === 'read') return opened.value;
      if (attempt === 50) {
        void window.showErrorMessage(opened.reason);
        return undefined;
      }
      await sleep(100);
    }
  }

  private failed(beginning: Beginning, show: (run?: RunWatch) => void, message: string): void {
    beginning.failure = { message, remedy: 'The output channel SRFT Studio has all of what the trainer said.' };
    show();
    void window.showErrorMessage(`${beginning.name}: ${message}`, 'Show Output').then((answer) => {
      if (answer !== undefined) this.log.show();
    });
  }
}

interface Start {
  readonly beginning: Beginning;
  readonly clock: StageClock;
  readonly show: (run?: RunWatch) => void;
  readonly signal: AbortSignal;
}

/** `20260131-142530`, for names of runs. */
function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(/[:-]/g, '').replace('T', '-');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
