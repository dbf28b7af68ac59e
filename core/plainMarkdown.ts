/**
 * A text as one line of Markdown that shows it and nothing else: no markup, no cell of a table, no HTML, and none of the
 * links that addresses become by themselves.
 */
export function plainMarkdown(text: string): string {
  return text
    .replaceAll(/[\\`*_{}[\]()<>#+!|~&$-]/g, '\\$&')
    .replaceAll(':', '&#58;')
    .replaceAll('@', '&#64;')
    .replaceAll(/(www)\./gi, '$1&#46;')
    .replaceAll(/[\t\r\n]+/g, ' ')
    .replaceAll(/ (?= )/g, '&nbsp;');
}
