import { readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  commands,
  env as editorEnv,
  ProgressLocation,
  version as editorVersion,
  window,
  workspace,
  type ExtensionContext,
  type Progress,
} from 'vscode';
import { doctorDocument } from '../environment/doctorDocument';
import { examine, type Check } from '../environment/doctor';
import {
  ensureEnvironment,
  findEnvironment,
  neededBytes,
  removeOldEnvironments,
  type PlaceWanted,
} from '../environment/environment';
import { fits, lackingInWords, requirementsOf, type Requirement } from '../environment/packages';
import { findPython, pythonCandidates } from '../environment/python';
import { torchFor } from '../environment/torchBackend';
import { copyTrainer, removeOldCopies, type TrainerCopy } from '../environment/trainerCopy';
import { ensureUv } from '../environment/uv';
import { isInUse } from '../runs/usage';
import type { Log } from './log';
import { activePython } from './pythonExtension';
import { settings } from './settings';

/** What starts a trainer. */
export interface ReadyTrainer {
  readonly python: string;
  /** The copy of the trainer that runs. */
  readonly folder: string;
  /** The environment, where it is one of ours. */
  readonly environment?: string;
}

/** Why there is none; null when a person ended it. */
interface NotReady {
  readonly reason: string | null;
}

type Step = Progress<{ message?: string; increment?: number }>;

/** Where a trainer that is ready to start comes from. */
export type TrainerSource = Pick<TrainerEnvironment, 'ready' | 'existing'>;

/** Finds or makes what the trainer needs, and says what it does. */
export class TrainerEnvironment {
  private copy: Promise<TrainerCopy> | undefined;
  private making: Promise<ReadyTrainer | undefined> | undefined;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: Log,
  ) {}

  /** The trainer, ready to start; undefined after a failure, which was shown, or when a person ended it. */
  ready(): Promise<ReadyTrainer | undefined> {
    this.making ??= this.makeReady().finally(() => {
      this.making = undefined;
    });
    return this.making;
  }

  /** The trainer, where it could start as things are; nothing is installed for it. A failure is a reason without a full stop. */
  async existing(signal: AbortSignal): Promise<ReadyTrainer | { readonly reason: string }> {
    const copy = await this.trainerCopy();
    const named = await this.named(copy, signal);
    if (named !== undefined) return 'python' in named ? named : { reason: named.reason.replace(/\.$/, '') };
    const found = await this.managedPlace(copy, signal);
    if ('reason' in found) return { reason: found.reason.replace(/\.$/, '') };
    const there = await findEnvironment(found);
    if (there !== undefined) return { python: there.python, folder: copy.folder, environment: there.folder };
    return { reason: 'there is no environment for the trainer; SRFT: Set Up Trainer Environment makes it' };
  }

  /** The same on its own, said when done. */
  async setUp(): Promise<void> {
    const trainer = await this.ready();
    if (trainer !== undefined) void window.showInformationMessage(`The trainer is ready: ${trainer.python}`);
  }

  /** What is right and wrong with this machine, as a document to copy. */
  async doctor(runsFolder: string): Promise<void> {
    const checks = await window.withProgress(
      { location: ProgressLocation.Notification, title: 'SRFT: examining this machine', cancellable: true },
      (_progress, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => {
          stop.abort();
        });
        return this.examine(runsFolder, stop.signal);
      },
    );
    const content = doctorDocument(checks, { home: homedir(), user: userInfo().username });
    await window.showTextDocument(await workspace.openTextDocument({ language: 'markdown', content }));
  }

  /** The copy of the trainer that this version of the extension runs. */
  private trainerCopy(): Promise<TrainerCopy> {
    const bundled = join(this.context.extensionPath, 'trainer');
    this.copy ??= copyTrainer(bundled, this.storage, this.version).catch((error: unknown) => {
      this.copy = undefined;
      throw error;
    });
    return this.copy;
  }

  private async makeReady(): Promise<ReadyTrainer | undefined> {
    const result = await window.withProgress(
      { location: ProgressLocation.Notification, title: 'SRFT: trainer', cancellable: true },
      async (progress, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => {
          stop.abort();
        });
        try {
          return await this.find(progress, stop.signal);
        } catch (error) {
          this.log.error(error instanceof Error ? error : String(error));
          return { reason: error instanceof Error ? error.message : String(error) };
        }
      },
    );
    if ('python' in result) {
      void commands.executeCommand('setContext', 'srft.hasEnvironment', true);
      void this.removeOld(result);
      return result;
    }
    if (result.reason !== null) await this.tell(result.reason);
    return undefined;
  }

  /** Copies and environments of earlier versions go once no live run uses them. */
  private async removeOld(current: ReadyTrainer): Promise<void> {
    try {
      const copies = await removeOldCopies(this.storage, await this.trainerCopy(), isInUse);
      const folder = current.environment;
      const environments =
        folder === undefined ? [] : await removeOldEnvironments(this.environmentFolder, folder, isInUse);
      const removed = [...copies.map((copy) => copy.folder), ...environments];
      for (const path of removed) this.log.info(`no longer used, removed: ${path}`);
    } catch (error) {
      this.log.warn(`old copies of the trainer stay: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private async tell(reason: string): Promise<void> {
    this.log.error(reason);
    const answer = await window.showErrorMessage(reason, 'Doctor', 'Open Settings');
    if (answer === 'Doctor') await commands.executeCommand('srft.doctor');
    if (answer === 'Open Settings') await commands.executeCommand('workbench.action.openSettings', 'srft.environment');
  }

  private async find(progress: Step, signal: AbortSignal): Promise<ReadyTrainer | NotReady> {
    progress.report({ message: 'copying the trainer' });
    const copy = await this.trainerCopy();
    return (await this.named(copy, signal)) ?? this.managed(copy, progress, signal);
  }

  /** The interpreter that a person chose, in the setting or in the Python extension; undefined where nobody did. */
  private async named(
    copy: TrainerCopy,
    signal: AbortSignal,
  ): Promise<ReadyTrainer | { readonly reason: string } | undefined> {
    const requirements = await requirementsIn(copy);
    const given = settings.python();
    if (given !== '') {
      const verdict = await fits(given, requirements, { env: process.env, signal });
      if (verdict.kind === 'fits') return { python: given, folder: copy.folder };
      const why = verdict.kind === 'lacks' ? `lacks ${lackingInWords(verdict.lacking)}` : verdict.reason;
      return {
        reason: `${given}, named in srft.environment.python, cannot run the trainer: ${why}. Install that, or empty the setting for an environment of SRFT Studio's own.`,
      };
    }
    const chosen = await this.chosenInPythonExtension(requirements, signal);
    return chosen === undefined ? undefined : { python: chosen, folder: copy.folder };
  }

  /** The interpreter of the Python extension, where it has everything. */
  private async chosenInPythonExtension(
    requirements: readonly Requirement[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const path = await activePython();
    if (path === undefined) return undefined;
    const verdict = await fits(path, requirements, { env: process.env, signal });
    this.log.info(`${path}, chosen in the Python extension: ${verdict.kind}`);
    return verdict.kind === 'fits' ? path : undefined;
  }

  private async managed(copy: TrainerCopy, progress: Step, signal: AbortSignal): Promise<ReadyTrainer | NotReady> {
    const place = await this.managedPlace(copy, signal);
    if (signal.aborted) return { reason: null };
    if ('reason' in place) return place;
    const wheels = settings.wheels();
    const there = await findEnvironment(place);
    if (there !== undefined) return { python: there.python, folder: copy.folder, environment: there.folder };
    const offline = wheels === '' ? {} : { wheels };
    const uv = await ensureUv({
      storage: this.storage,
      env: process.env,
      python: place.python.program,
      lock: join(copy.folder, 'requirements-uv.lock'),
      signal,
      onProgress: (message) => {
        progress.report({ message });
      },
      ...offline,
    });
    if (uv.kind === 'cancelled') return { reason: null };
    if (uv.kind === 'none') return { reason: uv.reason };
    let percent = 0;
    const result = await ensureEnvironment({
      ...place,
      uv: uv.program,
      env: process.env,
      ownCache: settings.environmentFolder() !== '',
      neededBytes,
      signal,
      onProgress: (told) => {
        this.log.info(`${told.stage}: ${told.detail}`);
        const reached = Math.max(percent, told.percent ?? 0);
        progress.report({ message: told.detail, increment: reached - percent });
        percent = reached;
      },
      ...offline,
    });
    switch (result.kind) {
      case 'ready':
        return { python: result.python, folder: copy.folder, environment: result.folder };
      case 'cancelled':
        return { reason: null };
      case 'noSpace':
      case 'unsupported':
        return { reason: result.message };
      case 'failed':
        for (const line of result.output) this.log.error(line);
        return { reason: result.message };
    }
  }

  /** Where an environment of ours lies, or would. */
  private async managedPlace(
    copy: TrainerCopy,
    signal: AbortSignal,
  ): Promise<PlaceWanted | { readonly reason: string }> {
    const python = await findPython(pythonCandidates(undefined, process.env), { env: process.env, signal });
    if (python.kind !== 'python') return { reason: python.reason };
    const lock = join(copy.folder, 'requirements.lock');
    const place = { folder: this.environmentFolder, lock, python: python.python };
    return settings.choosesTorch() ? { ...place, ...(await torchFor({ ...place, env: process.env, signal })) } : place;
  }

  private async examine(runsFolder: string, signal: AbortSignal): Promise<readonly Check[]> {
    const copy = await this.trainerCopy();
    const requirements = await requirementsIn(copy);
    const named = settings.python();
    // As training would choose.
    const chosen =
      named === '' && workspace.isTrusted ? await this.chosenInPythonExtension(requirements, signal) : named;
    return examine({
      versions: {
        'SRFT Studio': this.version,
        [editorEnv.appName]: editorVersion,
        Node: process.versions.node,
      },
      isTrusted: workspace.isTrusted,
      ...(chosen === undefined || chosen === '' ? {} : { givenPython: chosen }),
      env: process.env,
      requirements,
      lock: join(copy.folder, 'requirements.lock'),
      choosesTorch: settings.choosesTorch(),
      storage: this.storage,
      environmentFolder: this.environmentFolder,
      runsFolder,
      signal,
    });
  }

  private get version(): string {
    return (this.context.extension.packageJSON as { readonly version: string }).version;
  }

  private get storage(): string {
    return this.context.globalStorageUri.fsPath;
  }

  private get environmentFolder(): string {
    const chosen = settings.environmentFolder();
    return chosen === '' ? this.storage : chosen;
  }
}

async function requirementsIn(copy: TrainerCopy): Promise<readonly Requirement[]> {
  return requirementsOf(await readFile(join(copy.folder, 'pyproject.toml'), 'utf8'));
}
