import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgressLocation, Uri, window, workspace, type ExtensionContext } from 'vscode';
import type { ControlRequest } from '../../core/generated/wire';
import { busyGpus, findGpus, type Gpu } from '../environment/gpus';
import { requestControl } from '../runs/control';
import { endTree } from '../runs/endProcess';
import { awaitStart, launchTrainer, type Launch, type LaunchStart } from '../runs/launch';
import { rewardCodeOfRun, type RewardCode } from '../runs/rewardConsent';
import type { RunWatch } from '../runs/runWatch';
import { stopTrainer, type StopProgress, type StopStage } from '../runs/stop';
import { noteUse } from '../runs/usage';
import type { RunLibrary } from './library';
import type { Log } from './log';
import type { RunPicker } from './pick';
import type { Beginning, RunPanels } from './runPanels';
import type { ReadyTrainer, TrainerEnvironment } from './trainerEnvironment';

/** What is to be started. */
interface Wanted {
  readonly name: string;
  /** Null: the recipe the run carries. */
  readonly recipe: string | null;
  readonly runDirectory: string;
  readonly start: LaunchStart;
  readonly overrides: readonly string[];
}

const consentedKey = 'srft.consentedRewards';
const launchedKey = 'srft.launchedRuns';

/** Starts trainers, and asks those at work to stop, pause, go on or write a checkpoint. */
export class Training {
  constructor(
    private readonly context: ExtensionContext,
    private readonly library: RunLibrary,
    private readonly panels: RunPanels,
    private readonly pick: RunPicker,
    private readonly environment: TrainerEnvironment,
    private readonly log: Log,
  ) {}

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
    if (run === undefined || !(await this.consents(run))) return;
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
    if (step === undefined || !(await this.consents(run))) return;
    const recipe = await recipeFileOf(run);
    if (recipe === undefined) return;
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

  /** Pause, continue or a checkpoint, at the next safe point. */
  async request(target: unknown, kind: 'pause' | 'continue' | 'checkpoint'): Promise<void> {
    const run = await this.pick.one(target, `${titles[kind]} which run?`, ({ canControl }) => canControl);
    if (run === undefined) return;
    try {
      await requestControl(run.store.directory, kind, 'SRFT Studio');
    } catch (error) {
      void window.showErrorMessage(`${run.name} cannot be asked to ${kind}: ${messageOf(error)}`);
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

  private async start(trainer: ReadyTrainer, wanted: Wanted): Promise<void> {
    const gpu = await this.chooseGpu(wanted);
    if (gpu === undefined) return;
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
    await this.rememberLaunch(opened);
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

  /** A `python` reward is somebody's code: shown, and asked about once for each content. */
  private async consents(run: RunWatch): Promise<boolean> {
    const { store } = run;
    if (this.context.globalState.get<string[]>(launchedKey, []).includes(store.manifest.run_id)) return true;
    for (const code of await rewardCodeOfRun(store.directory, store.manifest)) {
      const known = this.context.globalState.get<string[]>(consentedKey, []);
      if (code.sha256 !== null && known.includes(code.sha256)) continue;
      if (!(await askForConsent(code))) return false;
      if (code.sha256 !== null) await this.context.globalState.update(consentedKey, [...known, code.sha256]);
    }
    return true;
  }

  private async rememberLaunch(run: RunWatch): Promise<void> {
    const known = this.context.globalState.get<string[]>(launchedKey, []);
    const id = run.store.manifest.run_id;
    if (!known.includes(id)) await this.context.globalState.update(launchedKey, [...known, id].slice(-1000));
  }

  private async chooseGpu(wanted: Wanted): Promise<GpuChoice | undefined> {
    if (wanted.recipe !== null && (await asksForCpu(wanted.recipe))) return noVariables;
    for (;;) {
      const found = await findGpus(process.env);
      if (found.kind !== 'gpus') return noVariables;
      const busy = busyGpus(found.gpus, leastFreeShare);
      const [first] = found.gpus;
      if (first === undefined || !busy.includes(first)) return noVariables;
      const free = found.gpus.find((gpu) => !busy.includes(gpu));
      const answer = await askAboutGpu(first, free);
      if (answer === 'Start Anyway') return noVariables;
      if (answer === 'Other GPU' && free !== undefined) return { variables: { CUDA_VISIBLE_DEVICES: `${free.index}` } };
      if (answer !== 'Queue' || !(await waitForGpu(first))) return undefined;
    }
  }
}

interface Start {
  readonly beginning: Beginning;
  readonly clock: StageClock;
  readonly show: (run?: RunWatch) => void;
  readonly signal: AbortSignal;
}

interface GpuChoice {
  readonly variables: NodeJS.ProcessEnv;
}

const noVariables: GpuChoice = { variables: {} };
/** A GPU with less memory free than this is in use by somebody. */
const leastFreeShare = 0.8;

const titles: Readonly<Record<Exclude<ControlRequest['kind'], 'stop'>, string>> = {
  pause: 'Pause',
  continue: 'Continue',
  checkpoint: 'Checkpoint',
};

/** Seconds beside the stages of a start, in the panel that shows it. */
class StageClock {
  private since = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly beginning: Beginning,
    private readonly show: () => void,
  ) {
    this.timer = setInterval(() => {
      this.tick();
    }, 1000);
  }

  stage(name: string): void {
    if (name.trim() === '') return;
    this.tick();
    this.since = performance.now();
    const before = this.beginning.stages.map((stage) => ({ ...stage, done: true }));
    this.beginning.stages = [...before, { name, seconds: 0, done: false }];
    this.show();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const seconds = Math.floor((performance.now() - this.since) / 1000);
    this.beginning.stages = this.beginning.stages.map((stage) => (stage.done ? stage : { ...stage, seconds }));
    this.show();
  }
}

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

async function askForConsent({ path, file, sha256, recorded }: RewardCode): Promise<boolean> {
  const changed = recorded !== null && sha256 !== null && recorded !== sha256;
  const hash = sha256 === null ? 'The file is not there.' : `SHA-256 ${sha256}`;
  const note = changed ? '\nIt is not the file that the run was made with.' : '';
  const answer = await window.showWarningMessage(
    'This run judges with Python code that this machine has not run yet.',
    { modal: true, detail: `${path}\n${hash}${note}\n\nRead it before you allow it: it runs with your rights.` },
    'Show File',
    'Allow',
  );
  if (answer !== 'Show File') return answer === 'Allow';
  await window.showTextDocument(Uri.file(file), { preview: true });
  return (await window.showInformationMessage('Run this reward?', 'Allow', 'Cancel')) === 'Allow';
}

async function pickCheckpoint(run: RunWatch): Promise<number | undefined> {
  const { checkpoints, removedCheckpoints } = run.store.model;
  const items = checkpoints
    .filter(({ step }) => !removedCheckpoints.has(step))
    .map(({ step, accuracy, best }) => ({
      label: `Step ${step}`,
      description: `${best ? 'best · ' : ''}${accuracy === null ? '' : `held-out ${(accuracy * 100).toFixed(1)} %`}`,
      step,
    }))
    .reverse();
  if (items.length === 0) {
    void window.showInformationMessage(`${run.name} has no checkpoint to fork from.`);
    return undefined;
  }
  return (await window.showQuickPick(items, { title: 'Fork from which checkpoint?' }))?.step;
}

async function askForSteps(run: RunWatch, step: number): Promise<number | undefined> {
  const planned = run.store.model.stepsPlanned ?? step;
  const text = await window.showInputBox({
    title: `Fork ${run.name} from step ${step}`,
    prompt: `Train up to which step? It must be above ${step}.`,
    value: `${planned > step ? planned : step * 2}`,
    validateInput: (value) =>
      /^\d+$/.test(value) && Number(value) > step ? undefined : `A whole number above ${step}.`,
  });
  return text === undefined ? undefined : Number(text);
}

/** The recipe a run was started from; a run whose file is gone is forked from a file that a person names. */
async function recipeFileOf(run: RunWatch): Promise<string | undefined> {
  const { recipe_file: file } = run.store.manifest;
  if (file !== null) {
    const path = join(run.store.directory, file);
    if (
      await readFile(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  const picked = await window.showOpenDialog({
    title: `The recipe of ${run.name} is not where it was; which file?`,
    filters: { Recipes: ['json'] },
    canSelectMany: false,
  });
  return picked?.[0]?.fsPath;
}

async function asksForCpu(recipe: string): Promise<boolean> {
  const text = await readFile(recipe, 'utf8').catch(() => '');
  return /"device"\s*:\s*"cpu"/.test(text);
}

function askAboutGpu(gpu: Gpu, free: Gpu | undefined): Thenable<string | undefined> {
  const holders = gpu.processes.map(
    ({ pid, name, usedMiB }) => `${basename(name)} (process ${pid}${usedMiB === null ? '' : `, ${usedMiB} MiB`})`,
  );
  const detail = [
    `${gpu.usedMiB} of ${gpu.totalMiB} MiB are in use${holders.length === 0 ? '.' : ` by ${holders.join(', ')}.`}`,
    'Queue waits until it is free.',
  ].join('\n');
  const answers = ['Queue', ...(free === undefined ? [] : ['Other GPU']), 'Start Anyway'];
  return window.showWarningMessage(`GPU ${gpu.index} (${gpu.name}) is in use.`, { modal: true, detail }, ...answers);
}

async function waitForGpu(wanted: Gpu): Promise<boolean> {
  return window.withProgress(
    { location: ProgressLocation.Notification, title: `SRFT: waiting for GPU ${wanted.index}`, cancellable: true },
    async (progress, token) => {
      const start = performance.now();
      while (!token.isCancellationRequested) {
        const found = await findGpus(process.env);
        const gpu = found.kind === 'gpus' ? found.gpus.find(({ uuid }) => uuid === wanted.uuid) : undefined;
        if (gpu === undefined || busyGpus([gpu], leastFreeShare).length === 0) return true;
        const minutes = Math.floor((performance.now() - start) / 60_000);
        progress.report({ message: `${gpu.usedMiB} of ${gpu.totalMiB} MiB in use, for ${minutes} min` });
        await sleep(5000);
      }
      return false;
    },
  );
}

/** `20260131-142530`, for names of runs. */
function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(/[:-]/g, '').replace('T', '-');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
