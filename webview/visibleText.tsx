import type { ComponentChildren } from 'preact';
import { escapeOf, hiddenCharacters } from '../core/visibleWords';

export { visibleWords } from '../core/visibleWords';

/** Text of a model, with every character that hides or reorders others shown by its number. */
export function visibleText(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const { index, character } of hiddenCharacters(text)) {
    parts.push(text.slice(end, index), <span class="escape">{escapeOf(character)}</span>);
    end = index + character.length;
  }
  parts.push(text.slice(end));
  return parts;
}
