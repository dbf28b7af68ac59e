import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  CodeLens,
  EventEmitter,
  Range,
  Uri,
  window,
  workspace,
  type CodeLensProvider,
  type Disposable,
  type TextDocument,
  type TextDocumentContentProvider,
} from 'vscode';
import { columnsOf, rowParts, usualColumns, type Columns } from '../../../core/demonstrations';
import { formatCount } from '../../../core/format';
import { indexBytes, PageCutter, pageBytes, pageIndex, type PageIndex } from '../../../core/pageIndex';
import { cancellable } from '../recipes/cancellable';

interface Book {
  readonly file: string;
  readonly index: PageIndex;
  /** Size and time of the file that was indexed. */
  readonly stamp: string;
  page: number;
}

/** The scheme of paged documents. */
export const pagesScheme = 'srft-demonstrations';
/** Turns to a page; its arguments are the document and the page's number. */
export const pageCommand = 'srft.demonstrations.page';

const linesPerPage = 200;
const mostLineBytes = 20_000;

/** Files of any size, 200 lines at a time, read where a page lies. */
export class Pages implements TextDocumentContentProvider, CodeLensProvider, Disposable {
  private readonly changed = new EventEmitter<Uri>();
  private readonly books = new Map<string, Book>();
  private readonly closing: Disposable;
  readonly onDidChange = this.changed.event;

  constructor() {
    this.closing = workspace.onDidCloseTextDocument(({ uri }) => this.books.delete(uri.toString()));
  }

  /** Open a file at its first page. */
  async open(file: string): Promise<void> {
    const uri = Uri.from({ scheme: pagesScheme, path: `/${basename(file)}`, query: encodeURIComponent(file) });
    const book = await this.bookOf(uri);
    if (book === undefined) return;
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: false });
  }

  /** Turn to a page. */
  async turn(uri: Uri, page: number): Promise<void> {
    const book = await this.bookOf(uri);
    if (book === undefined) return;
    book.page = Math.min(Math.max(0, page), book.index.starts.length - 1);
    this.changed.fire(uri);
    const editor = window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
    editor?.revealRange(new Range(0, 0, 0, 0));
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const book = await this.bookOf(uri);
    return book === undefined ? '' : pageText(book);
  }

  provideCodeLenses({ uri }: TextDocument): CodeLens[] {
    const book = this.books.get(uri.toString());
    if (book === undefined) return [];
    const { page, index } = book;
    const top = new Range(0, 0, 0, 0);
    const last = index.starts.length - 1;
    const from = page * linesPerPage;
    const place = `Lines ${formatCount(from + 1)}–${formatCount(Math.min(index.lines, from + linesPerPage))} of ${formatCount(index.lines)}`;
    const link = (title: string, to: number): CodeLens =>
      new CodeLens(top, { title, command: pageCommand, arguments: [uri, to] });
    return [
      ...(page > 0 ? [link('$(chevron-left) Previous page', page - 1)] : []),
      ...(page < last ? [link('Next page $(chevron-right)', page + 1)] : []),
      new CodeLens(top, { title: place, command: '' }),
    ];
  }

  /** The columns of a page, by its own rows. */
  columnsOf(document: TextDocument): Columns | undefined {
    const lines = document.getText(new Range(0, 0, 20, 0)).split('\n');
    const rows = lines.map((line) => rowParts(line, usualColumns)).filter((row) => row !== undefined);
    return columnsOf(rows.map(({ columns }) => columns));
  }

  dispose(): void {
    this.closing.dispose();
    this.changed.dispose();
  }

  private async bookOf(uri: Uri): Promise<Book | undefined> {
    const file = decodeURIComponent(uri.query);
    const known = this.books.get(uri.toString());
    const { size, mtimeMs } = await stat(file);
    const stamp = `${size} ${mtimeMs}`;
    if (known?.stamp === stamp) return known;
    const index = await cancellable(`SRFT: counting the lines of ${basename(file)}`, async (step, signal) => {
      const made = pageIndex(linesPerPage);
      let told = 0;
      for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
        if (signal.aborted) return undefined;
        indexBytes(made, chunk as Buffer);
        const percent = Math.floor((100 * made.bytes) / Math.max(1, size));
        if (percent > told) step.report({ message: `${percent} %`, increment: percent - told });
        told = Math.max(told, percent);
      }
      return made;
    });
    if (index === undefined) return undefined;
    const book: Book = { file, index, stamp, page: Math.min(known?.page ?? 0, index.starts.length - 1) };
    this.books.set(uri.toString(), book);
    return book;
  }
}

async function pageText({ file, index, page }: Book): Promise<string> {
  const { from, to } = pageBytes(index, page);
  if (to <= from) return '';
  const cutter = new PageCutter(mostLineBytes);
  for await (const chunk of createReadStream(file, { start: from, end: to - 1 })) cutter.push(chunk as Buffer);
  const lines = cutter
    .lines()
    .map(({ text, cut }) => (cut === 0 ? text : `${text} … (${formatCount(cut)} more bytes)`));
  return `${lines.join('\n')}\n`;
}
