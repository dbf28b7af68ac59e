import { tokenTexts, type RolloutColumns } from './rolloutColumns';
import { rolloutText } from './rolloutColumns';

/** A place in a document: line and column count from 0, columns in UTF-16 units, as editors count. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * One rollout as a document: the prompt and what the model wrote after it, nothing between and nothing changed. T is its
 * number of tokens; offsets count UTF-16 units from the beginning of `text`.
 */
export interface Trace {
  readonly record: RolloutColumns;
  /** Prompt and response; bytes that are no UTF-8 are U+FFFD. */
  readonly text: string;
  /** Offset of the response. */
  readonly responseStart: number;
  /**
   * [T + 1] where each token begins, and the end. A character whose bytes are spread over tokens is the last one's; the
   * others are empty.
   */
  readonly starts: Uint32Array;
  /** [lines] offset of each line's first character. */
  readonly lineStarts: Uint32Array;
  /** Why tokens cannot be told apart; their text is whole all the same. */
  readonly trouble: string | null;
}

/** Make the document of a record and of its prompt, whose text may be unknown. */
export function traceOf(record: RolloutColumns, prompt: string): Trace {
  const texts = tokenTexts(record);
  const response = texts.kind === 'read' ? texts.value.join('') : rolloutText(record);
  const starts = new Uint32Array(texts.kind === 'read' ? texts.value.length + 1 : 1);
  starts[0] = prompt.length;
  if (texts.kind === 'read')
    texts.value.forEach((text, token) => {
      starts[token + 1] = (starts[token] ?? 0) + text.length;
    });
  const text = prompt + response;
  return {
    record,
    text,
    responseStart: prompt.length,
    starts,
    lineStarts: lineStartsOf(text),
    trouble: texts.kind === 'read' ? null : texts.reason,
  };
}

/** Number of tokens that can be told apart. */
export function tokenCount({ starts }: Trace): number {
  return starts.length - 1;
}

/** The text of a token; empty for one that holds a part of a character only. */
export function tokenText({ text, starts }: Trace, token: number): string {
  return text.slice(starts[token] ?? 0, starts[token + 1] ?? 0);
}

/** The raw bytes of a token, which may be no UTF-8 by themselves. */
export function tokenBytes({ record }: Trace, token: number): Uint8Array {
  const lengths = record.columns.get('byte_length')?.values;
  if (lengths === undefined) return new Uint8Array(0);
  let from = 0;
  for (let before = 0; before < token; before += 1) from += lengths[before] ?? 0;
  return record.text.subarray(from, from + (lengths[token] ?? 0));
}

/** The token that shows the character at `offset`; -1 in the prompt and after the end. */
export function tokenAt({ starts }: Trace, offset: number): number {
  const token = lastAtMost(starts, offset);
  return token < starts.length - 1 ? token : -1;
}

/** Where an offset stands. Within a line's end it is the column after the last character. */
export function placeAt({ lineStarts }: Trace, offset: number): Place {
  const line = Math.max(0, lastAtMost(lineStarts, offset));
  return { line, column: offset - (lineStarts[line] ?? 0) };
}

/** The offset of a place; beyond the end of a line it is the end of its text. */
export function offsetAt(trace: Trace, { line, column }: Place): number {
  const { lineStarts, text } = trace;
  if (line >= lineStarts.length) return text.length;
  return Math.min((lineStarts[line] ?? 0) + column, lineEnd(trace, line));
}

/** Offset behind the last character of a line, before its end mark. */
export function lineEnd({ lineStarts, text }: Trace, line: number): number {
  let end = lineStarts[line + 1] ?? text.length;
  if (line + 1 >= lineStarts.length) return end;
  if (text.charCodeAt(end - 1) === lineFeed) end -= 1;
  if (text.charCodeAt(end - 1) === carriageReturn && end > (lineStarts[line] ?? 0)) end -= 1;
  return end;
}

/** Tokens of a line: the first that begins in it, and the one after the last. */
export function tokensOfLine(trace: Trace, line: number): readonly [number, number] {
  const { starts, lineStarts, text } = trace;
  const from = firstAtLeast(starts, lineStarts[line] ?? text.length);
  const to = line + 1 < lineStarts.length ? firstAtLeast(starts, lineStarts[line + 1] ?? 0) : starts.length - 1;
  return [Math.min(from, starts.length - 1), Math.min(to, starts.length - 1)];
}

/** Values of a column of the record, one a token; undefined when it was not stored. */
export function column({ record }: Trace, name: string): Float32Array | undefined {
  const found = record.columns.get(name);
  if (found === undefined || found.per !== 'token') return undefined;
  return found.values instanceof Float32Array ? found.values : Float32Array.from(found.values);
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** An editor ends a line at \n, at \r\n and at a lone \r, whatever the others of the document are. */
function lineStartsOf(text: string): Uint32Array {
  const starts = [0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === lineFeed || (code === carriageReturn && text.charCodeAt(at + 1) !== lineFeed)) starts.push(at + 1);
  }
  return Uint32Array.from(starts);
}

/** Place of the last value of an ascending array that is at most `limit`; -1 when there is none. */
function lastAtMost(ascending: Uint32Array, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Place of the first value of an ascending array that is at least `limit`. */
function firstAtLeast(ascending: Uint32Array, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
