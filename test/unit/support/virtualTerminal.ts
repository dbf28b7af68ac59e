import { widthOf } from '../../../src/cli/terminalText';

/** A terminal as far as the painter uses one: it wraps long lines, scrolls, and forgets nothing that scrolled away. */
export class VirtualTerminal {
  columns: number;
  rows: number;
  cursorHidden = false;
  /** All lines, those scrolled away first. */
  lines: string[] = [''];
  private row = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** Narrower or wider: what stands there is wrapped anew, as terminals do. */
  resize(columns: number): void {
    this.columns = columns;
    this.lines = this.lines.flatMap((line) => {
      const count = Math.max(1, Math.ceil(line.length / columns));
      return Array.from({ length: count }, (_, part) => line.slice(part * columns, (part + 1) * columns));
    });
    this.row = this.lines.length - 1;
  }

  write(text: string): void {
    // eslint-disable-next-line no-control-regex -- The sequences are what is to be understood.
    for (const [part] of text.matchAll(/\u001b\[[?0-9;]*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) this.take(part);
  }

  private take(part: string): void {
    if (part === '\n') this.down();
    else if (part.startsWith('\u001b[')) this.command(part);
    else if (part !== '\r') this.put(part);
  }

  private command(part: string): void {
    const top = Math.max(0, this.lines.length - this.rows);
    if (part.endsWith('A')) this.row = Math.max(top, this.row - Number(part.slice(2, -1)));
    else if (part === '\u001b[J') this.lines = [...this.lines.slice(0, this.row), ''];
    else if (part === '\u001b[?25l') this.cursorHidden = true;
    else if (part === '\u001b[?25h') this.cursorHidden = false;
  }

  private put(text: string): void {
    if (widthOf(text) > this.columns) throw new Error(`a line of ${widthOf(text)} columns would wrap`);
    this.lines[this.row] = text;
  }

  private down(): void {
    this.row += 1;
    if (this.row === this.lines.length) this.lines.push('');
  }
}
