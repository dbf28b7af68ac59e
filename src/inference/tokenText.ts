import { utf8Stream } from '../../core/utf8';
import type { TextTokenizer } from './tokenizer';

/** The text that a list of ids spells, and where each of its N tokens lies. */
export interface SpelledText {
  /** Bytes that are no UTF-8 are U+FFFD. It differs from a text that was encoded where the tokenizer normalises. */
  readonly text: string;
  /** [N + 1] where the raw bytes of each token begin, and their end. */
  readonly byteStarts: Uint32Array;
  /**
   * [N + 1] where each token begins in `text`, in UTF-16 units, and its end. A character whose bytes are spread over tokens is
   * the last one's; the others are empty.
   */
  readonly starts: Uint32Array;
}

/** Gives the text of tokens as they are written, never half a character. */
export interface TextStream {
  /** Text that became whole with this token; often empty within a character. */
  readonly push: (id: number) => string;
  /** What is left over at the end: U+FFFD where a character was begun, else nothing. */
  readonly end: () => string;
}

/** Together its pieces are the text of `spelled`. */
export function textStream(tokenizer: TextTokenizer): TextStream {
  const stream = utf8Stream();
  return {
    push: (id) => stream(tokenizer.bytesOf(id), false),
    end: () => stream(new Uint8Array(0), true),
  };
}

/** Spell ids. What the last one leaves over is its own. */
export function spelled(tokenizer: TextTokenizer, ids: ArrayLike<number>): SpelledText {
  const stream = textStream(tokenizer);
  const byteStarts = new Uint32Array(ids.length + 1);
  const starts = new Uint32Array(ids.length + 1);
  const pieces: string[] = [];
  for (let token = 0; token < ids.length; token += 1) {
    const id = ids[token] ?? 0;
    const piece = token === ids.length - 1 ? stream.push(id) + stream.end() : stream.push(id);
    pieces.push(piece);
    byteStarts[token + 1] = (byteStarts[token] ?? 0) + tokenizer.bytesOf(id).length;
    starts[token + 1] = (starts[token] ?? 0) + piece.length;
  }
  return { text: pieces.join(''), byteStarts, starts };
}
