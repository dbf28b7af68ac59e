import type { ComponentChildren } from 'preact';

// Control, bidirectional, zero-width and other format characters: they hide or reorder what a model wrote.
const hidden = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Text of a model, with every character that hides or reorders others shown by its number. */
export function visibleText(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const found of text.matchAll(hidden)) {
    if (found[0] === '\n' || found[0] === '\t') continue;
    parts.push(text.slice(end, found.index), <span class="escape">{escapeOf(found[0])}</span>);
    end = found.index + found[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

/** The same as plain text, for titles. */
export function visibleWords(text: string): string {
  return text.replace(hidden, (character) => (character === '\n' || character === '\t' ? ' ' : escapeOf(character)));
}

function escapeOf(character: string): string {
  const number = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `⟨U+${number}⟩`;
}
