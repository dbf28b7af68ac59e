/**
 * Text that a model wrote, made harmless for a terminal: on one line, with every character that could move the cursor,
 * change colours, reorder or hide text shown as a visible sign. What is ordinary text stays as it is.
 */
export function oneLine(text: string): string {
  return neutralised(text.replace(/\r\n|\r|\n/g, ' ⏎ '));
}

/** The same, as the lines it has. */
export function manyLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/).map(neutralised);
}

/** `text` cut to `columns` columns, an ellipsis last where something was cut. The text must be harmless already. */
export function clipped(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return '';
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** `text` filled with spaces, or cut, to exactly `columns` columns. */
export function fitted(text: string, columns: number): string {
  const cut = clipped(text, columns);
  return cut + ' '.repeat(Math.max(0, columns - widthOf(cut)));
}

/** `text` in lines of at most `columns` columns. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  let width = 0;
  for (const character of text) {
    const wide = characterWidth(character);
    if (width + wide > Math.max(2, columns)) {
      lines.push(line);
      line = '';
      width = 0;
    }
    line += character;
    width += wide;
  }
  return [...lines, line];
}

/** Columns that harmless text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

// Controls, lone surrogates, format characters (bidi), private use, unassigned, line and paragraph separators, and what is
// drawn as nothing (zero width, variation selectors, tags): whatever a terminal might act on or hide.
const hostile = /[\p{Cc}\p{Cs}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

function neutralised(text: string): string {
  return text
    .replace(/\t/g, '  ')
    .replace(hostile, visibleSign)
    .replace(/(\p{M}{2})\p{M}+/gu, '$1');
}

function visibleSign(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`;
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/\p{M}/u.test(character)) return 0;
  return isWide(code) ? 2 : 1;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}
