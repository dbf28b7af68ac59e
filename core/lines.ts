import { decodeUtf8 } from './utf8';

/** Bytes of a file that grows, cut into lines as they become complete. Owned by one reader. */
export interface LineBuffer {
  pending: Uint8Array[];
  pendingBytes: number;
  /** The line now arriving is longer than the limit: its bytes are dropped up to its newline. */
  skipping: boolean;
  /** Lines given up because they were longer than the limit. */
  tooLong: number;
  readonly maxLineBytes: number;
}

const newline = 0x0a;

/** A line longer than `maxLineBytes` is dropped and counted, so that no file can fill the memory. */
export function lineBuffer(maxLineBytes = 64 * 1024 * 1024): LineBuffer {
  return { pending: [], pendingBytes: 0, skipping: false, tooLong: 0, maxLineBytes };
}

/** Lines that `chunk` completes, without their newline. A last line without newline is not there yet: it waits. */
export function pushBytes(buffer: LineBuffer, chunk: Uint8Array): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
    const line = completeLine(buffer, chunk.subarray(start, end));
    if (line !== undefined) lines.push(line);
    start = end + 1;
  }
  hold(buffer, chunk.subarray(start));
  return lines;
}

function completeLine(buffer: LineBuffer, tail: Uint8Array): string | undefined {
  const whole = buffer.pending.length === 0 ? tail : joined([...buffer.pending, tail]);
  const dropped = buffer.skipping || whole.length > buffer.maxLineBytes;
  clear(buffer);
  if (!dropped) return decodeUtf8(whole);
  buffer.tooLong += 1;
  return undefined;
}

function hold(buffer: LineBuffer, tail: Uint8Array): void {
  if (tail.length === 0 || buffer.skipping) return;
  if (buffer.pendingBytes + tail.length > buffer.maxLineBytes) {
    clear(buffer);
    buffer.skipping = true;
    return;
  }
  // The chunk may be a view of a buffer its reader uses again.
  buffer.pending.push(tail.slice());
  buffer.pendingBytes += tail.length;
}

function clear(buffer: LineBuffer): void {
  buffer.pending = [];
  buffer.pendingBytes = 0;
  buffer.skipping = false;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
