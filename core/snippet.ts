import type { TextMatch } from './textMatch';

/** A match with a little of what stands around it. */
export interface Snippet {
  readonly before: string;
  readonly match: string;
  readonly after: string;
}

const charactersBefore = 32;
const charactersOfMatch = 120;
const charactersAfter = 80;

/** Cut out of a text, never through a character; what is left out is an ellipsis. */
export function snippetAt(text: string, { from, to }: TextMatch): Snippet {
  const start = boundary(text, Math.max(0, from - charactersBefore));
  const middle = to - from > charactersOfMatch ? boundary(text, from + charactersOfMatch) : to;
  const end = middle < to ? middle : boundary(text, Math.min(text.length, to + charactersAfter));
  return {
    before: (start > 0 ? '…' : '') + text.slice(start, from),
    match: text.slice(from, middle),
    after: text.slice(middle, end) + (end < text.length ? '…' : ''),
  };
}

/** The place at or before `at` that is between two characters. */
function boundary(text: string, at: number): number {
  const isWithin = isSurrogate(text, at, 0xdc00) && isSurrogate(text, at - 1, 0xd800);
  return isWithin ? at - 1 : at;
}

function isSurrogate(text: string, at: number, first: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= first && unit < first + 0x400;
}
