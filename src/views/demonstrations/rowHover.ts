import { Hover, MarkdownString, type HoverProvider, type Position, type TextDocument } from 'vscode';
import { rowParts, type Columns } from '../../../core/demonstrations';

const mostShown = 4000;

/** A row in readable form. Its texts are others' words: they come as code blocks, never as Markdown. */
export class RowHover implements HoverProvider {
  constructor(private readonly columnsOf: (document: TextDocument) => Columns | undefined) {}

  provideHover(document: TextDocument, position: Position): Hover | undefined {
    const columns = this.columnsOf(document);
    const line = document.lineAt(position.line);
    const row = columns === undefined ? undefined : rowParts(line.text, columns);
    if (row === undefined) return undefined;
    const text = new MarkdownString('', false);
    text.isTrusted = false;
    text.supportHtml = false;
    for (const { role, content } of row.messages)
      section(text, role === 'user' ? 'Prompt' : `Prompt (${role})`, content);
    if (row.demonstration !== null) section(text, 'Demonstration', row.demonstration);
    if (row.answer !== null) section(text, 'Answer', row.answer);
    return new Hover(text, line.range);
  }
}

function section(text: MarkdownString, title: string, content: string): void {
  const rest = content.length - mostShown;
  text.appendText(`${title}\n`);
  text.appendCodeblock(rest > 0 ? `${content.slice(0, mostShown)} … (${rest} more)` : content, 'text');
}
