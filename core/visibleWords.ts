// Control, bidirectional, zero-width and other format characters: they hide or reorder what a model wrote.
const hidden = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Where a text has characters that hide or reorder others; line feeds and tabs are none. */
export function hiddenCharacters(text: string): { readonly index: number; readonly character: string }[] {
  return [...text.matchAll(hidden)]
    .map(({ index, 0: character }) => ({ index, character }))
    .filter(({ character }) => character !== '\n' && character !== '\t');
}

/** Text of a model or a file on one line, with every character that hides or reorders others shown by its number. */
export function visibleWords(text: string): string {
  return text.replace(hidden, (character) => (character === '\n' || character === '\t' ? ' ' : escapeOf(character)));
}

/** The same for messages in which the editor would make a link of `[words](command:…)`. */
export function visibleMessage(text: string): string {
  return visibleWords(text).replaceAll('](', '] (');
}

/** The number of a character, as it is shown in its place. */
export function escapeOf(character: string): string {
  const number = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `⟨U+${number}⟩`;
}
