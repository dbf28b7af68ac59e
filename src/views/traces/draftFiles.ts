import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  EventEmitter,
  FileChangeType,
  FileSystemError,
  FileType,
  workspace,
  type Disposable,
  type FileChangeEvent,
  type FileStat,
  type FileSystemProvider,
  type Uri,
} from 'vscode';
import { judgedText } from '../../../core/judgeAgain';
import { absentAsUndefined } from '../../runs/tail';
import { judgeQuestion } from './judgeQuestion';
import { addressOf, draftScheme } from './traceAddress';
import { TextFiles } from './textFiles';
import { fileOf, type TraceLibrary } from './traceLibrary';

/** Drafts of demonstrations as files: at first what the model wrote, and what a person saved from then on. */
export class DraftFiles extends TextFiles implements FileSystemProvider, Disposable {
  private readonly changed = new EventEmitter<FileChangeEvent[]>();
  private readonly registration: Disposable;
  readonly onDidChangeFile = this.changed.event;

  /** `folder` is the extension's own. */
  constructor(
    private readonly traces: TraceLibrary,
    private readonly folder: string,
  ) {
    super();
    this.registration = workspace.registerFileSystemProvider(draftScheme, this, { isCaseSensitive: true });
  }

  async stat(uri: Uri): Promise<FileStat> {
    const saved = await absentAsUndefined(stat(this.pathOf(uri)));
    return { type: FileType.File, ctime: saved?.ctimeMs ?? 0, mtime: saved?.mtimeMs ?? 0, size: saved?.size ?? 0 };
  }

  async readFile(uri: Uri): Promise<Uint8Array> {
    const saved = await absentAsUndefined(readFile(this.pathOf(uri)));
    if (saved !== undefined) return saved;
    const address = addressOf(uri);
    if (address === undefined) throw FileSystemError.FileNotFound(uri);
    const found = await this.traces.find(address);
    if (found.kind === 'broken') throw FileSystemError.Unavailable(found.reason);
    const { run, row } = found.value;
    const question = await judgeQuestion(run, row);
    if (question.kind === 'broken') throw FileSystemError.Unavailable(question.reason);
    return fileOf(judgedText(question.value.trace, run.store.index.stops[row]));
  }

  async writeFile(uri: Uri, content: Uint8Array): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeFile(this.pathOf(uri), content);
    this.changed.fire([{ type: FileChangeType.Changed, uri }]);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }

  protected override refusal(): FileSystemError {
    return FileSystemError.NoPermissions('A draft belongs to its trace; its text can be changed, and nothing else.');
  }

  /** An id of a run may hold anything, so a file is named by its hash. */
  private pathOf(uri: Uri): string {
    return join(this.folder, `${createHash('sha256').update(uri.query).digest('hex')}.txt`);
  }
}
