import { decodeUtf8 } from './utf8';

/** Where the pages of a long text file begin. Owned by one reader. */
export interface PageIndex {
  readonly linesPerPage: number;
  /** Byte offset of each page's first line. */
  readonly starts: number[];
  lines: number;
  bytes: number;
  /** The last byte so far ended a line. */
  atLineStart: boolean;
}

/** A line of a page. */
export interface PageLine {
  readonly text: string;
  /** Bytes that are not shown. */
  readonly cut: number;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/** An index of nothing, to be given the file's bytes in order. */
export function pageIndex(linesPerPage: number): PageIndex {
  return { linesPerPage, starts: [0], lines: 0, bytes: 0, atLineStart: true };
}

/** Index the next bytes of the file. A last line without newline counts as one. */
export function indexBytes(index: PageIndex, chunk: Uint8Array): void {
  let start = 0;
  while (start < chunk.length) {
    if (index.atLineStart) {
      const isFirstOfPage = index.lines > 0 && index.lines % index.linesPerPage === 0;
      if (isFirstOfPage) index.starts.push(index.bytes + start);
      index.lines += 1;
    }
    const end = chunk.indexOf(newline, start);
    index.atLineStart = end !== -1;
    start = end === -1 ? chunk.length : end + 1;
  }
  index.bytes += chunk.length;
}

/** Bytes of a page: from, and up to without. */
export function pageBytes(index: PageIndex, page: number): { readonly from: number; readonly to: number } {
  const from = index.starts[page] ?? index.bytes;
  return { from, to: index.starts[page + 1] ?? index.bytes };
}

/** Cuts the bytes of a page into lines of which at most `mostBytes` each are kept. */
export class PageCutter {
  private readonly done: PageLine[] = [];
  private parts: Uint8Array[] = [];
  private kept = 0;
  private dropped = 0;

  constructor(private readonly mostBytes: number) {}

  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.keep(chunk.subarray(start, end));
      this.endLine();
      start = end + 1;
    }
    this.keep(chunk.subarray(start));
  }

  /** All lines, the last one without newline included. */
  lines(): readonly PageLine[] {
    if (this.kept + this.dropped > 0) this.endLine();
    return this.done;
  }

  private keep(bytes: Uint8Array): void {
    const room = Math.max(0, this.mostBytes - this.kept);
    // The chunk may be a view of a buffer its reader uses again.
    if (room > 0 && bytes.length > 0) this.parts.push(bytes.slice(0, room));
    this.kept += Math.min(room, bytes.length);
    this.dropped += Math.max(0, bytes.length - room);
  }

  private endLine(): void {
    const whole = new Uint8Array(this.kept);
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    const end = this.dropped === 0 && whole.at(-1) === carriageReturn ? whole.length - 1 : whole.length;
    // Half a character at the cut, and bytes that are no text, become U+FFFD.
    this.done.push({ text: decodeUtf8(whole.subarray(0, end)), cut: this.dropped });
    this.parts = [];
    this.kept = 0;
    this.dropped = 0;
  }
}
