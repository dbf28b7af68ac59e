import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEventLine } from '../../core/events';
import type { Address, Live, RunManifest, Status } from '../../core/generated/wire';
import { lineBuffer, pushBytes, type LineBuffer } from '../../core/lines';
import { broken, read, type Read } from '../../core/read';
import type { RolloutColumns } from '../../core/rolloutColumns';
import { addressAt, appendLine, promptAddressAt, rolloutIndex, type RolloutIndex } from '../../core/rolloutIndex';
import { emptyRun, fold, type RunModel } from '../../core/runModel';
import { parseIndexLine, parseLive, parseRunManifest, parseStatus } from '../../core/wireText';
import { Segments } from './segments';
import { SmallFile } from './smallFile';
import { absentAsUndefined, Tail } from './tail';

/** What a refresh brought. `restarted`: the files were made anew, the model began again. */
export interface Refreshed {
  readonly events: number;
  readonly rollouts: number;
  readonly status: boolean;
  readonly live: boolean;
  readonly restarted: boolean;
  /** There is more than was read in the time. */
  readonly more: boolean;
}

interface FileRead {
  readonly count: number;
  readonly restarted: boolean;
  readonly more: boolean;
}

/** A run directory as it stands and as it grows: the fold of its events, its rollouts in columns, any trace at random. */
export class RunStore {
  model: RunModel = emptyRun();
  index: RolloutIndex = rolloutIndex();

  private eventLines: LineBuffer = lineBuffer();
  private indexLines: LineBuffer = lineBuffer();
  private readonly events: Tail;
  private readonly indexFile: Tail;
  private readonly segments: Segments;
  private readonly statusFile: SmallFile<Status>;
  private readonly liveFile: SmallFile<Live>;
  private refreshing: Promise<Refreshed> | undefined;

  private constructor(
    readonly directory: string,
    readonly manifest: RunManifest,
  ) {
    const rollouts = join(directory, 'rollouts');
    this.events = new Tail(join(directory, 'events.jsonl'));
    this.indexFile = new Tail(join(rollouts, 'index.jsonl'));
    this.segments = new Segments(rollouts);
    this.statusFile = new SmallFile(join(directory, 'status.json'), parseStatus);
    this.liveFile = new SmallFile(join(directory, 'live.json'), parseLive);
  }

  /**
   * Open a run and read all there is, or what can be read in so many milliseconds. A folder that is no run, or one of
   * another major version, is refused in words.
   */
  static async open(directory: string, forMs = Infinity): Promise<Read<RunStore>> {
    const text = await absentAsUndefined(readFile(join(directory, 'run.json'), 'utf8'));
    if (text === undefined) return broken(`${directory} has no run.json: it is no run directory, or its run has not begun`);
    const manifest = parseRunManifest(text);
    if (manifest.kind === 'broken') return broken(`${directory}: ${manifest.reason}`);
    const store = new RunStore(directory, manifest.value);
    await store.refresh(forMs);
    return read(store);
  }

  /** `status.json` as last read. */
  get status(): Status | null {
    return this.statusFile.value;
  }

  /** `live.json` as last read. */
  get live(): Live | null {
    return this.liveFile.value;
  }

  /** What could not be read, in words; empty when all is well. */
  get troubles(): readonly string[] {
    const { malformedLines, lastMalformed } = this.model.oddities;
    return [
      this.statusFile.trouble,
      this.liveFile.trouble,
      malformedLines === 0 ? null : `events.jsonl: ${malformedLines} lines unreadable (${lastMalformed ?? ''})`,
      this.index.malformedLines === 0 ? null : `index.jsonl: ${this.index.malformedLines} lines unreadable`,
    ].filter((trouble) => trouble !== null);
  }

  /** Read what is new; at least something of it, and no more once the time is over. Calls while one is under way share it. */
  refresh(forMs = Infinity): Promise<Refreshed> {
    this.refreshing ??= this.readNew(performance.now() + forMs).finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  /** Read to the end, however much that is. */
  async readAll(): Promise<void> {
    while ((await this.refresh()).more);
  }

  /** The tokens of an index row, or why there are none. */
  readRollout(row: number): Promise<Read<RolloutColumns>> {
    return this.readAt(addressAt(this.index, row), 'the tokens of this rollout were not kept');
  }

  /** The prompt of a row's group. */
  readPrompt(row: number): Promise<Read<RolloutColumns>> {
    return this.readAt(promptAddressAt(this.index, row), 'the prompt of this group was not kept');
  }

  /** Let go of all files. */
  async close(): Promise<void> {
    await this.refreshing?.catch(() => undefined);
    await Promise.all([this.events.close(), this.indexFile.close(), this.segments.close()]);
  }

  private readAt(address: Address | undefined, otherwise: string): Promise<Read<RolloutColumns>> {
    return address === undefined ? Promise.resolve(broken(otherwise)) : this.segments.read(address);
  }

  private async readNew(end: number): Promise<Refreshed> {
    const events = await this.readEvents(end);
    const rollouts = await this.readIndex(end);
    const status = await this.statusFile.refresh();
    const live = await this.liveFile.refresh();
    return {
      events: events.count,
      rollouts: rollouts.count,
      status,
      live,
      restarted: events.restarted || rollouts.restarted,
      more: events.more || rollouts.more,
    };
  }

  private async readEvents(end: number): Promise<FileRead> {
    let count = 0;
    let restarted = false;
    for (;;) {
      const step = await this.events.next();
      if (step.kind === 'nothing') return { count, restarted, more: false };
      if (step.kind === 'restarted') {
        restarted = true;
        await this.startOver();
        if (step.reason === 'vanished') return { count, restarted, more: false };
        continue;
      }
      const lines = pushBytes(this.eventLines, step.bytes);
      for (const line of lines) fold(this.model, readEventLine(line));
      count += lines.length;
      if (!step.more || performance.now() >= end) return { count, restarted, more: step.more };
    }
  }

  private async readIndex(end: number): Promise<FileRead> {
    let count = 0;
    let restarted = false;
    for (;;) {
      // Lines beyond what an event acknowledged may still be cut off by a resuming trainer.
      const step = await this.indexFile.next(this.model.indexBytes);
      if (step.kind === 'nothing') return { count, restarted, more: false };
      if (step.kind === 'restarted') {
        restarted = true;
        this.forgetIndex();
        if (step.reason === 'vanished') return { count, restarted, more: false };
        continue;
      }
      const lines = pushBytes(this.indexLines, step.bytes);
      for (const line of lines) this.takeIndexLine(line);
      count += lines.length;
      if (!step.more || performance.now() >= end) return { count, restarted, more: step.more };
    }
  }

  private takeIndexLine(text: string): void {
    const line = parseIndexLine(text);
    if (line.kind === 'read') appendLine(this.index, line.value);
    else this.index.malformedLines += 1;
  }

  private async startOver(): Promise<void> {
    this.model = emptyRun();
    this.eventLines = lineBuffer();
    this.forgetIndex();
    await Promise.all([this.indexFile.rewind(), this.segments.close()]);
  }

  private forgetIndex(): void {
    this.index = rolloutIndex();
    this.indexLines = lineBuffer();
  }
}
