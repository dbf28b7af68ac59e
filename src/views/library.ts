import { join, isAbsolute, resolve } from 'node:path';
import { EventEmitter, workspace, type Disposable, type ExtensionContext } from 'vscode';
import type { Live } from '../../core/generated/wire';
import type { RunHeader } from '../../core/generated/panel';
import { runHeader } from '../../core/runHeader';
import { findRuns } from '../runs/catalogue';
import { RecordReaders } from '../runs/recordReader';
import { isSameMachine, type Machine } from '../runs/liveness';
import { thisMachine } from '../runs/processFacts';
import type { RunChange, RunWatch } from '../runs/runWatch';
import { RunWatches } from '../runs/runWatches';
import type { Read } from '../../core/read';
import type { Log } from './log';
import { settings } from './settings';

/** A run and what changed in it. */
export interface RunNews {
  readonly run: RunWatch;
  readonly change: RunChange;
}

const openedKey = 'srft.openedRuns';
const namesKey = 'srft.runNames';
const mostFollowed = 100;
const refreshEveryMs = 5000;

/** Every run this window knows: those in its folders, and those a person opened. Follows them all. */
export class RunLibrary implements Disposable {
  private readonly readers: RecordReaders;
  private readonly watches: RunWatches;
  private readonly newsEmitter = new EventEmitter<RunNews>();
  private readonly listEmitter = new EventEmitter<void>();
  private readonly dismissed = new Map<string, Set<string>>();
  private readonly headers = new WeakMap<RunWatch, RunHeader>();
  private readonly subscriptions: Disposable[] = [this.newsEmitter, this.listEmitter];
  private machine: Machine | undefined;
  private refreshing: Promise<void> | undefined;
  /** Changes as a whole: rows that come one by one would move under the mouse. */
  private listed: readonly RunWatch[] = [];
  private refusals: ReadonlyMap<string, string> = new Map();
  /** A run may be started from a shell, or copied into a folder. */
  private readonly timer = setInterval(() => void this.refresh(), refreshEveryMs);

  /** Told of everything new in any run. */
  readonly onNews = this.newsEmitter.event;
  /** Told when runs came or went. */
  readonly onList = this.listEmitter.event;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: Log,
  ) {
    this.readers = new RecordReaders(join(context.extensionPath, 'dist', 'recordThread.mjs'));
    this.watches = new RunWatches((error, directory) => {
      this.log.error(`${directory}: ${messageOf(error)}`);
    }, this.readers);
    this.watches.listen((run, change) => {
      this.headers.delete(run);
      this.newsEmitter.fire({ run, change });
    });
    this.subscriptions.push(
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('srft.runs')) void this.refresh();
        if (event.affectsConfiguration('srft.alerts')) this.forgetHeaders();
      }),
      workspace.onDidChangeWorkspaceFolders(() => void this.refresh()),
    );
  }

  /** Runs, the newest first. */
  get runs(): readonly RunWatch[] {
    return this.listed;
  }

  /** Folders that look like runs and could not be read, with the reason: another major version, a file that is broken. */
  get refused(): ReadonlyMap<string, string> {
    return this.refusals;
  }

  /** Where a new run of this window belongs; a run without a workspace lies in the extension's storage. */
  newRunFolder(): string {
    const [folder = 'runs'] = settings.runFolders();
    if (isAbsolute(folder)) return folder;
    const workspaceFolder = workspace.workspaceFolders?.[0];
    return workspaceFolder === undefined ? this.ownRunFolder : resolve(workspaceFolder.uri.fsPath, folder);
  }

  /** The demo's runs, and those made without a workspace. */
  get ownRunFolder(): string {
    return join(this.context.globalStorageUri.fsPath, 'runs');
  }

  /** The run of a directory, if it is known. */
  of(directory: string): RunWatch | undefined {
    return this.watches.of(directory);
  }

  /** Look for runs in all folders. */
  refresh(): Promise<void> {
    this.refreshing ??= this.findAll().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  /** Open a run that a person named, and remember it. */
  async open(directory: string): Promise<Read<RunWatch>> {
    const isNew = this.of(directory) === undefined;
    const opened = await this.watches.open(directory);
    if (isNew && opened.kind === 'read') this.list();
    if (opened.kind === 'read' && !this.opened.includes(directory)) {
      // A panel need not wait until this is remembered.
      void this.context.workspaceState.update(openedKey, [...this.opened, directory]);
    }
    return opened;
  }

  /** Know a run no longer; its files stay. */
  async forget(directory: string): Promise<void> {
    await this.watches.forget(directory);
    await this.context.workspaceState.update(
      openedKey,
      this.opened.filter((known) => known !== directory),
    );
    this.list();
  }

  /** Look at a run ten times a second until the result is disposed of. */
  attend(run: RunWatch): Disposable {
    return { dispose: this.watches.attend(run) };
  }

  /** Begin to read no long record until the result is called. */
  holdReaders(): () => void {
    return this.readers.hold();
  }

  /** Look at a run at once. */
  lookNow(run: RunWatch): void {
    this.watches.attend(run)();
  }

  /** The run as it stands; made once for each change. */
  header(run: RunWatch): RunHeader {
    const known = this.headers.get(run);
    if (known !== undefined) return known;
    const { store } = run;
    const made = runHeader({
      name: this.nameOf(run),
      manifest: store.manifest,
      model: store.model,
      status: store.status,
      presence: run.isReading ? 'reading' : run.presence,
      stillSeconds: run.stillSeconds,
      stages: run.stages,
      indexRows: store.index.length,
      restarts: run.restarts,
      thresholds: settings.thresholds(),
      dismissed: this.dismissed.get(store.directory) ?? new Set(),
      troubles: store.troubles,
      canControl: workspace.isTrusted && run.isAlive,
      canStart: workspace.isTrusted,
    });
    this.headers.set(run, made);
    return made;
  }

  /** What happens within the step, if the trainer is at work. */
  liveOf(run: RunWatch): Live | null {
    return run.isAlive ? run.store.live : null;
  }

  /** Show an alert no more in this window. */
  dismiss(run: RunWatch, alert: string): void {
    const known = this.dismissed.get(run.store.directory) ?? new Set();
    this.dismissed.set(run.store.directory, known.add(alert));
    this.touch(run);
  }

  /** Give a run another name on screen; its folder keeps its own. */
  async rename(run: RunWatch, name: string): Promise<void> {
    const names = this.context.globalState.get<Record<string, string>>(namesKey, {});
    await this.context.globalState.update(namesKey, { ...names, [run.store.manifest.run_id]: name });
    this.touch(run);
  }

  /** Was the pid in its status written on this machine? */
  isHere(run: RunWatch): boolean {
    const { status } = run.store;
    return status !== null && this.machine !== undefined && isSameMachine(status, this.machine);
  }

  /** What may be started depends on trust. */
  trustChanged(): void {
    this.forgetHeaders();
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
    void this.watches.close();
  }

  private get opened(): readonly string[] {
    return this.context.workspaceState.get<string[]>(openedKey, []);
  }

  private nameOf(run: RunWatch): string {
    const names = this.context.globalState.get<Record<string, string>>(namesKey, {});
    return names[run.store.manifest.run_id] ?? run.name;
  }

  private touch(run: RunWatch): void {
    this.headers.delete(run);
    this.newsEmitter.fire({ run, change: { events: true, live: false, presence: false, restarted: false } });
  }

  private forgetHeaders(): void {
    for (const run of this.watches.runs) this.touch(run);
  }

  private async findAll(): Promise<void> {
    this.machine ??= await thisMachine();
    // A run that is opened meanwhile is not yet in what is found.
    const before = this.watches.runs;
    const found = await findRuns([...this.folders(), this.ownRunFolder]);
    const wanted = [...new Set([...this.opened, ...found.map(({ directory }) => directory)])].slice(0, mostFollowed);
    const gone = before.filter(({ store }) => !wanted.includes(store.directory));
    await Promise.all(gone.map((run) => this.watches.forget(run.store.directory)));
    const refused = new Map<string, string>();
    let hasNew = false;
    for (const directory of wanted) {
      hasNew ||= this.of(directory) === undefined && !this.refusals.has(directory);
      const opened = await this.watches.open(directory);
      if (opened.kind === 'broken') refused.set(directory, opened.reason);
    }
    const isOther = refused.size !== this.refusals.size || gone.length > 0 || hasNew;
    for (const [directory, reason] of refused) if (!this.refusals.has(directory)) this.log.warn(reason);
    this.refusals = refused;
    if (isOther) this.list();
  }

  private list(): void {
    this.listed = this.watches.runs.toSorted((a, b) => b.store.manifest.created - a.store.manifest.created);
    this.listEmitter.fire();
  }

  private folders(): string[] {
    const workspaceFolders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    return settings
      .runFolders()
      .flatMap((folder) => (isAbsolute(folder) ? [folder] : workspaceFolders.map((base) => resolve(base, folder))));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
