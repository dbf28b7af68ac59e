import { decodeUtf8 } from './utf8';
import { visibleWords } from './visibleWords';

/** A token as people read it, from its bytes: in quotes, what hides or breaks a line by its name; parts of characters as bytes. */
export function tokenWords(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes.subarray(0, mostShown));
  return text.includes('\ufffd') ? hexOf(bytes) : `"${shownBreaks(text)}${bytes.length > mostShown ? '…' : ''}"`;
}

/** What hides or breaks a line is shown by its name. */
export function shownBreaks(text: string): string {
  return visibleWords(text.replaceAll(/[\n\t]/g, (character) => (character === '\n' ? '⏎' : '⇥')));
}

/** Bytes in hexadecimal, the first of many. */
export function hexOf(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, mostBytes), (byte) => byte.toString(16).toUpperCase().padStart(2, '0'));
  return `${shown.join(' ')}${bytes.length > mostBytes ? ` … (${bytes.length})` : ''}`;
}

const mostBytes = 32;
/** A token of spaces may be long. */
const mostShown = 96;
