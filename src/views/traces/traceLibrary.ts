import {
  EventEmitter,
  FileChangeType,
  FilePermission,
  FileSystemError,
  FileType,
  workspace,
  type Disposable,
  type FileChangeEvent,
  type FileStat,
  type FileSystemProvider,
  type TextDocument,
  type Uri,
} from 'vscode';
import { broken, read, type Read } from '../../../core/read';
import { valueAt } from '../../../core/columns';
import { rolloutText } from '../../../core/rolloutColumns';
import { isCurrent } from '../../../core/rolloutIndex';
import { rolloutRow } from '../../../core/rolloutList';
import type { ForeignTrace } from '../../../core/foreignTraces';
import { overlaysOf, type Overlay } from '../../../core/traceOverlays';
import type { TraceScores } from '../../../core/traceScores';
import { sectionsOf, type Section } from '../../../core/traceSections';
import { traceOf, type Trace } from '../../../core/trace';
import type { RunWatch } from '../../runs/runWatch';
import type { RunLibrary } from '../library';
import type { Log } from '../log';
import { readOfFile } from './foreignFile';
import { TextFiles } from './textFiles';
import {
  addressOf,
  filePlaceOf,
  textPlaceOf,
  traceScheme,
  uriOf,
  type FilePlace,
  type TraceAddress,
} from './traceAddress';

/** A rollout of a run this window knows. */
export interface RunOrigin {
  readonly kind: 'run';
  readonly address: TraceAddress;
  readonly run: RunWatch;
  /** In the index of the run. */
  readonly row: number;
}

/** A line of a file that another program wrote. */
export interface FileOrigin {
  readonly kind: 'file';
  readonly place: FilePlace;
  readonly facts: ForeignTrace['facts'];
  readonly missing: string | null;
}

/** A text of a person's that a checkpoint was asked about. */
export interface TextOrigin {
  readonly kind: 'text';
  /** Of the document it came from. */
  readonly name: string;
  /** Of the checkpoint whose tokenizer made its tokens. */
  readonly checkpoint: string;
  /** [prompt's tokens] */
  readonly promptIds: Int32Array;
}

/** A trace as it is shown. */
export interface OpenTrace {
  readonly origin: RunOrigin | FileOrigin | TextOrigin;
  readonly trace: Trace;
  readonly overlays: readonly Overlay[];
  readonly sections: readonly Section[];
  /** What checkpoints said of it, in the order they were asked. */
  readonly scores: readonly TraceScores[];
}

/** What the library needs besides runs. */
export interface TraceLibraryParts {
  /** Where texts that were scored are kept. */
  readonly textFolder: string;
  /** Told of a document whose trace was read; what is known besides may be shown then. */
  readonly onRead: (uri: Uri) => void;
}

/**
 * Traces as read-only files, so that the editor restores their documents after a reload; reads them, and keeps those that
 * are open.
 */
export class TraceLibrary extends TextFiles implements FileSystemProvider, Disposable {
  private readonly known = new Map<string, OpenTrace>();
  /** How often a document was told to read anew: its time of change. */
  private readonly versions = new Map<string, number>();
  private readonly changed = new EventEmitter<FileChangeEvent[]>();
  private readonly loaded = new EventEmitter<OpenTrace>();
  private readonly subscriptions: readonly Disposable[];

  readonly onDidChangeFile = this.changed.event;
  /** Told when a trace was read. */
  readonly onLoaded = this.loaded.event;

  constructor(
    private readonly library: RunLibrary,
    private readonly log: Log,
    private readonly parts: TraceLibraryParts,
  ) {
    super();
    this.subscriptions = [
      workspace.registerFileSystemProvider(traceScheme, this, { isCaseSensitive: true, isReadonly: true }),
      workspace.onDidCloseTextDocument(({ uri }) => {
        // A document that gets its language is closed and opened; it is there all the while.
        const isThere = workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
        if (!isThere) this.known.delete(uri.toString());
      }),
      // A document that a reload restored may be of a run that is found a moment later.
      library.onList(() => {
        this.readAgain((open) => open === undefined);
      }),
      // Rows of a run that began again are others.
      library.onNews(({ run, change }) => {
        if (change.restarted) this.readAgain((open) => open?.origin.kind === 'run' && open.origin.run === run);
      }),
      this.changed,
      this.loaded,
    ];
  }

  stat(uri: Uri): FileStat {
    const mtime = this.versions.get(uri.toString()) ?? 0;
    return { type: FileType.File, ctime: 0, mtime, size: 0, permissions: FilePermission.Readonly };
  }

  /** The text of a document: the trace, or one sentence on why there is none. */
  async readFile(uri: Uri): Promise<Uint8Array> {
    const key = uri.toString();
    const start = performance.now();
    const opened = await this.read(uri);
    if (opened.kind === 'broken') {
      this.known.delete(key);
      this.log.warn(`${key}: ${opened.reason}`);
      return new TextEncoder().encode(`${opened.reason}\n`);
    }
    this.known.set(key, opened.value);
    this.loaded.fire(opened.value);
    this.parts.onRead(uri);
    const bytes = fileOf(opened.value.trace.text);
    // Figures of `npm run bench:ui`.
    this.log.debug(`opened ${key} in ${(performance.now() - start).toFixed(1)} ms`);
    return bytes;
  }

  writeFile(): never {
    throw this.refusal();
  }

  /** The trace of a document that is open and was read. */
  of(document: TextDocument): OpenTrace | undefined {
    return this.known.get(document.uri.toString());
  }

  /** The trace of an address, where its document is open. */
  ofUri(uri: Uri): OpenTrace | undefined {
    return this.known.get(uri.toString());
  }

  /** Show a trace with more than was read of it, if its document is still open. */
  enrich(uri: Uri, enriched: OpenTrace): void {
    const key = uri.toString();
    if (!this.known.has(key)) return;
    this.known.set(key, enriched);
    this.loaded.fire(enriched);
  }

  /** The document of a row. */
  uriOfRow(run: RunWatch, row: number): Uri {
    const line = rolloutRow(run.store.index, row);
    const { kinds, numbers } = run.store.index;
    const number = valueAt(numbers.index, row);
    return uriOf(
      { runId: run.store.manifest.run_id, id: line.id },
      {
        run: this.library.header(run).name,
        step: line.step,
        prompt: line.prompt,
        rollout: `${kinds[row] ?? ''} ${number}`,
      },
    );
  }

  /** Where an address leads to now: a run this window knows, and a row that counts. */
  async find({ runId, id }: TraceAddress): Promise<Read<{ readonly run: RunWatch; readonly row: number }>> {
    const run = this.runOf(runId) ?? (await this.library.refresh(), this.runOf(runId));
    if (run === undefined)
      return broken(
        `The run ${runId} of this trace is not open here: open its folder, or choose it with SRFT: Open Run.`,
      );
    const { store } = run;
    if (!store.index.rowOfId.has(id)) await store.readAll();
    const row = store.index.rowOfId.get(id);
    if (row === undefined) return broken(`The run has no rollout ${id}.`);
    return read({ run, row });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  protected override refusal(): FileSystemError {
    return FileSystemError.NoPermissions('A trace is what a model wrote; it cannot be changed.');
  }

  private runOf(runId: string): RunWatch | undefined {
    return this.library.runs.find(({ store }) => store.manifest.run_id === runId);
  }

  private async read(uri: Uri): Promise<Read<OpenTrace>> {
    const text = textPlaceOf(uri);
    if (text !== undefined) {
      const { readOfText } = await import('./scoredTexts');
      return readOfText(this.parts.textFolder, text);
    }
    const place = filePlaceOf(uri);
    return place === undefined ? this.readOfRun(addressOf(uri)) : readOfFile(place);
  }

  private async readOfRun(address: TraceAddress | undefined): Promise<Read<OpenTrace>> {
    if (address === undefined) return broken('This is no address of a trace: it names no run and no rollout.');
    const found = await this.find(address);
    if (found.kind === 'broken') return found;
    const { run, row } = found.value;
    const { store } = run;
    const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
    if (record.kind === 'broken') {
      const head = store.index.heads[row] ?? '';
      return broken(`There is no trace to show: ${record.reason}. Its first words: ${head}`);
    }
    const trace = traceOf(record.value, prompt.kind === 'read' ? rolloutText(prompt.value) : '');
    if (!isCurrent(store.index, row, store.model.attempts))
      this.log.info(`${address.id} was dropped by a resumed attempt`);
    return read({
      origin: { kind: 'run', address, run, row },
      trace,
      overlays: overlaysOf(trace, valueAt(store.index.numbers.advantage, row)),
      sections: sectionsOf(trace.text, trace.responseStart),
      scores: [],
    });
  }

  private readAgain(isDue: (open: OpenTrace | undefined) => boolean): void {
    for (const document of workspace.textDocuments) {
      const { uri } = document;
      if (uri.scheme !== traceScheme || !isDue(this.of(document))) continue;
      this.versions.set(uri.toString(), (this.versions.get(uri.toString()) ?? 0) + 1);
      this.changed.fire([{ type: FileChangeType.Changed, uri }]);
    }
  }
}

const byteOrderMark = '\uFEFF';

/** An editor takes a file with NUL for no text, and eats a mark at its beginning: neither moves a character here. */
export function fileOf(text: string): Uint8Array {
  const shown = text.replaceAll('\0', '\u2400');
  return new TextEncoder().encode(shown.startsWith(byteOrderMark) ? byteOrderMark + shown : shown);
}
