import { stripVTControlCharacters } from 'node:util';
import { widthOf } from './terminalText';

/** The part of a terminal stream that painting needs. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

const escape = '\u001b[';
// Terminals that know it show the frame at once; the others ignore it.
const beginFrame = `${escape}?2026h`;
const endFrame = `${escape}?2026l`;

/** Draws frames over one another at the end of the ordinary screen. Owns the cursor from its first frame to `finish`. */
export class Painter {
  private drawn: readonly string[] = [];
  private drawnColumns = 0;

  constructor(private readonly screen: Screen) {}

  /** Replace the last frame. Lines must fit the width; what does not fit the height is left out at the bottom. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, Math.max(1, this.screen.rows - 1));
    const fresh = this.drawn.length === 0 ? `${escape}?25l` : '';
    const body = shown.map((line, row) => (this.stands(line, row) ? '\n' : `${line}${escape}K\n`)).join('');
    this.screen.write(`${beginFrame}${fresh}${this.home()}${body}${escape}J${endFrame}`);
    this.drawn = shown;
    this.drawnColumns = this.screen.columns;
  }

  /** Leave the last frame standing and give the cursor back. */
  finish(): void {
    if (this.drawn.length > 0) this.screen.write(`${escape}?25h`);
    this.drawn = [];
  }

  /** Does this very line stand there already? Of a resized terminal nobody knows. */
  private stands(line: string, row: number): boolean {
    return this.drawn[row] === line && this.drawnColumns === this.screen.columns;
  }

  /** To the first line of the last frame. A terminal made narrower has wrapped its lines meanwhile. */
  private home(): string {
    const columns = Math.max(1, this.screen.columns);
    const rows = this.drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(unpainted(line)) / columns)), 0);
    const reachable = Math.min(rows, this.screen.rows - 1);
    return reachable > 0 ? `\r${escape}${reachable}A` : '\r';
  }
}

/** `line` without colours. */
export function unpainted(line: string): string {
  return stripVTControlCharacters(line);
}
