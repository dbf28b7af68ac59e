import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address, Live, RunManifest, Status } from '../../core/generated/wire';
import { lineBuffer, pushBytes, type LineBuffer } from '../../core/lines';
import { broken, read, type Read } from '../../core/read';
import type { RolloutColumns } from '../../core/rolloutColumns';
import { addressAt, appendLine, promptAddressAt, rolloutIndex, type RolloutIndex } from '../../core/rolloutIndex';
import type { RunModel } from '../../core/runModel';
import { parseIndexLine, parseLive, parseRunManifest, parseStatus } from '../../core/wireText';
import { EventLog, type FileRead } from './eventLog';
import type { RecordNews, RecordReaders, RecordReading } from './recordReader';
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

/** The events are being read on another thread. */
interface Elsewhere {
  readonly reading: RecordReading;
  readonly news: RecordNews[];
  error?: Error;
  /** Until it tells something. */
  told: Promise<void>;
  readonly fail: (error: Error) => void;
}

/** A run directory as it stands and as it grows: the fold of its events, its rollouts in columns, any trace at random. */
export class RunStore {
  index: RolloutIndex = rolloutIndex();

  /** Called when another thread has read on. */
  onReadOn: () => void = () => undefined;

  private indexLines: LineBuffer = lineBuffer();
  private readonly events: EventLog;
  private readonly indexFile: Tail;
  private readonly segments: Segments;
  private readonly statusFile: SmallFile<Status>;
  private readonly liveFile: SmallFile<Live>;
  private refreshing: Promise<Refreshed> | undefined;
  private elsewhere: Elsewhere | undefined;

  private constructor(
    readonly directory: string,
    readonly manifest: RunManifest,
    private readers: RecordReaders | undefined,
  ) {
    const rollouts = join(directory, 'rollouts');
    this.events = new EventLog(join(directory, 'events.jsonl'));
    this.indexFile = new Tail(join(rollouts, 'index.jsonl'));
    this.segments = new Segments(rollouts);
    this.statusFile = new SmallFile(join(directory, 'status.json'), parseStatus);
    this.liveFile = new SmallFile(join(directory, 'live.json'), parseLive);
  }

  /**
   * Open a run and read all there is, or what can be read in so many milliseconds; a long rest is then read by
   * `readers`, if there are any. A folder that is no run, or one of another major version, is refused in words.
   */
  static async open(directory: string, forMs = Infinity, readers?: RecordReaders): Promise<Read<RunStore>> {
    const text = await absentAsUndefined(readFile(join(directory, 'run.json'), 'utf8'));
    if (text === undefined)
      return broken(`${directory} has no run.json: it is no run directory, or its run has not begun`);
    const manifest = parseRunManifest(text);
    if (manifest.kind === 'broken') return broken(`${directory}: ${manifest.reason}`);
    const store = new RunStore(directory, manifest.value, readers);
    await store.refresh(forMs);
    return read(store);
  }

  /** The fold of the events read so far. */
  get model(): RunModel {
    return this.events.model;
  }

  /** Is another thread reading the events? */
  get isReadElsewhere(): boolean {
    return this.elsewhere !== undefined;
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
    while ((await this.refresh()).more) {
      const { elsewhere } = this;
      if (elsewhere?.news.length === 0 && elsewhere.error === undefined) await elsewhere.told;
    }
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
    this.elsewhere?.reading.cancel();
    // Who waits for the end of the record waits no longer.
    this.elsewhere?.fail(new Error(`${this.directory} was closed while it was read`));
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
    if (this.elsewhere !== undefined) return this.takeNews(this.elsewhere);
    const found = await this.events.read(end);
    if (found.restarted) await this.startOver();
    if (found.more && this.readers !== undefined && this.events.leftBytes > this.readers.fromBytes)
      this.readElsewhere(this.readers);
    return found;
  }

  private readElsewhere(readers: RecordReaders): void {
    const order = { path: join(this.directory, 'events.jsonl'), state: this.events.state };
    const news: RecordNews[] = [];
    let wake: () => void = () => undefined;
    const nextTold = (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
      });
    const tell = (): void => {
      wake();
      elsewhere.told = nextTold();
      this.onReadOn();
    };
    const reading = readers.read(
      order,
      (told) => {
        news.push(told);
        tell();
      },
      (error) => {
        elsewhere.fail(error);
      },
    );
    const elsewhere: Elsewhere = {
      reading,
      news,
      told: nextTold(),
      fail: (error) => {
        elsewhere.error = error;
        tell();
      },
    };
    this.elsewhere = elsewhere;
  }

  private async takeNews({ news, error }: Elsewhere): Promise<FileRead> {
    let count = 0;
    let restarted = false;
    let isOver = false;
    for (const told of news.splice(0)) {
      await this.events.adopt(told.state);
      count += told.count;
      restarted ||= told.restarted;
      isOver ||= told.isOver;
    }
    if (restarted) await this.startOver();
    if (isOver || error !== undefined) this.elsewhere = undefined;
    if (error !== undefined) {
      // What is left is read here.
      this.readers = undefined;
      throw error;
    }
    return { count, restarted, more: !isOver };
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
    this.forgetIndex();
    await Promise.all([this.indexFile.rewind(), this.segments.close()]);
  }

  private forgetIndex(): void {
    this.index = rolloutIndex();
    this.indexLines = lineBuffer();
  }
}
