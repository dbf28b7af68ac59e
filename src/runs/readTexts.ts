import { close, read as readFile } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { valueAt } from '../../core/columns';
import { broken } from '../../core/read';
import { textPlace, textPlaceBytes } from '../../core/rolloutColumns';
import type { RolloutIndex } from '../../core/rolloutIndex';
import { openSegmentFile, segmentName, type OpenSegment } from './segments';

/** Texts of some rows as they lie in a buffer, which is used again once the next batch is asked for. */
export interface TextBatch {
  readonly bytes: Buffer;
  readonly rows: readonly number[];
  /** Places in `bytes`, one a row. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** What could not be read. */
export interface TextTroubles {
  /** Rows whose tokens were not kept. */
  notKept: number;
  /** Texts of which only the first `longestText` bytes were looked at. */
  cut: number;
  /** Rows by what is wrong with their segment. */
  readonly unreadable: Map<string, number>;
}

/** All is well so far. */
export function noTroubles(): TextTroubles {
  return { notKept: 0, cut: 0, unreadable: new Map() };
}

/** Larger texts are cut: bounded memory, and no slice of work that takes long. */
export const longestText = 4 * 1024 * 1024;

const chunkBytes = 4 * 1024 * 1024;
const mostRows = 1000;
/** To read over less than this is quicker than to read again. */
const largestGap = 128 * 1024;
const closeFile = promisify(close);

/**
 * Texts of ascending rows in the order of the file: large reads one behind the other, the next under way while a batch is
 * looked at, and of each record nothing but the place of its text. No checksum is computed: bytes that a disk mangled are
 * found, or not found, as they are, and whoever opens the trace is told. What cannot be read is put into `troubles`.
 */
export async function* readTexts(
  directory: string,
  index: RolloutIndex,
  rows: Iterable<number>,
  troubles: TextTroubles,
  signal?: AbortSignal,
): AsyncGenerator<TextBatch, void, undefined> {
  const reader = new ChunkReader(join(directory, 'rollouts'), index, troubles);
  const chunks = planChunks(index, rows, troubles);
  const buffers = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)] as const;
  const begin = (turn: number): Promise<TextBatch> | undefined => {
    const next = chunks.next();
    if (next.done === true) return undefined;
    const reading = reader.read(next.value, buffers[turn % 2 === 0 ? 0 : 1]);
    // It may fail while nobody waits for it yet; who does is told.
    reading.catch(() => undefined);
    return reading;
  };
  let pending = begin(0);
  try {
    for (let turn = 1; pending !== undefined; turn += 1) {
      signal?.throwIfAborted();
      const batch: TextBatch = await pending;
      pending = begin(turn);
      if (batch.rows.length > 0) yield batch;
    }
    signal?.throwIfAborted();
  } finally {
    // A descriptor must not be closed, and given to another file, under a read.
    await pending?.catch(() => undefined);
    await reader.close();
  }
}

/** What could not be read, in words. */
export function troubleSentences(troubles: TextTroubles): string[] {
  const sentences = [...troubles.unreadable].map(([reason, rows]) => `${reason}; ${rowsOf(rows)} not searched`);
  if (troubles.notKept > 0) sentences.push(`${rowsOf(troubles.notKept)} not searched: their tokens were not kept`);
  if (troubles.cut > 0) sentences.push(`${rowsOf(troubles.cut)} searched up to their first 4 MB`);
  return sentences;
}

function rowsOf(count: number): string {
  return count === 1 ? '1 rollout' : `${count.toLocaleString('en')} rollouts`;
}

/** Records of one segment that one read covers. */
interface Chunk {
  readonly segment: number;
  readonly from: number;
  to: number;
  readonly rows: number[];
}

function* planChunks(index: RolloutIndex, rows: Iterable<number>, troubles: TextTroubles): Generator<Chunk, void> {
  const { segment, offset, length } = index.address;
  let chunk: Chunk | undefined;
  for (const row of rows) {
    const number = valueAt(segment, row);
    if (!(number > 0)) {
      troubles.notKept += 1;
      continue;
    }
    const from = valueAt(offset, row);
    const to = from + valueAt(length, row);
    const joins =
      chunk !== undefined &&
      chunk.segment === number &&
      from >= chunk.to &&
      from - chunk.to <= largestGap &&
      to - chunk.from <= chunkBytes &&
      chunk.rows.length < mostRows;
    if (chunk !== undefined && joins) {
      chunk.to = to;
      chunk.rows.push(row);
      continue;
    }
    if (chunk !== undefined) yield chunk;
    chunk = { segment: number, from, to, rows: [row] };
  }
  if (chunk !== undefined) yield chunk;
}

class ChunkReader {
  private reason = '';
  private open: { readonly number: number; readonly segment: OpenSegment | undefined } | undefined;

  constructor(
    private readonly folder: string,
    private readonly index: RolloutIndex,
    private readonly troubles: TextTroubles,
  ) {}

  async read(chunk: Chunk, buffer: Buffer): Promise<TextBatch> {
    const segment = await this.segmentOf(chunk);
    const batch = { bytes: buffer, rows: [] as number[], from: [] as number[], to: [] as number[] };
    if (segment === undefined) return batch;
    if (chunk.to - chunk.from > chunkBytes) await this.readLong(chunk, segment, batch);
    else await this.readWhole(chunk, segment, batch);
    return batch;
  }

  async close(): Promise<void> {
    const descriptor = this.open?.segment?.descriptor;
    this.open = undefined;
    if (descriptor !== undefined) await closeFile(descriptor);
  }

  private async readWhole(chunk: Chunk, segment: OpenSegment, batch: Filled): Promise<void> {
    const { there, reason } = await bytesAt(segment, batch.bytes, chunk.from, chunk.to - chunk.from);
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, there);
    for (const row of chunk.rows) {
      const at = valueAt(this.index.address.offset, row) - chunk.from;
      const length = valueAt(this.index.address.length, row);
      const place = at + length <= there ? textPlace(view, at, length, segment.columns) : broken(reason);
      if (place.kind === 'broken') this.unreadable(inSegment(chunk, place.reason));
      else put(batch, row, at + place.value.from, at + place.value.to);
    }
  }

  /** A record that is longer than the buffer stands alone; its text is read by itself. */
  private async readLong(chunk: Chunk, segment: OpenSegment, batch: Filled): Promise<void> {
    const [row = 0] = chunk.rows;
    const start = await bytesAt(segment, batch.bytes, chunk.from, textPlaceBytes);
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, textPlaceBytes);
    const place =
      start.there < textPlaceBytes ? broken(start.reason) : textPlace(view, 0, chunk.to - chunk.from, segment.columns);
    if (place.kind === 'broken') {
      this.unreadable(inSegment(chunk, place.reason));
      return;
    }
    const length = place.value.to - place.value.from;
    const wanted = Math.min(length, longestText);
    const text = await bytesAt(segment, batch.bytes, chunk.from + place.value.from, wanted);
    if (text.there < wanted) this.unreadable(inSegment(chunk, text.reason));
    else put(batch, row, 0, wanted);
    if (text.there === wanted && wanted < length) this.troubles.cut += 1;
  }

  private async segmentOf(chunk: Chunk): Promise<OpenSegment | undefined> {
    let { open } = this;
    if (open?.number !== chunk.segment) {
      await this.close();
      const path = join(this.folder, segmentName(chunk.segment));
      const opened = await openSegmentFile(path);
      open = { number: chunk.segment, segment: opened.kind === 'read' ? opened.value : undefined };
      this.open = open;
      if (opened.kind === 'broken') this.reason = await reasonOf(path, opened.reason);
    }
    if (open.segment === undefined) this.unreadable(inSegment(chunk, this.reason), chunk.rows.length);
    return open.segment;
  }

  private unreadable(reason: string, rows = 1): void {
    const { unreadable } = this.troubles;
    unreadable.set(reason, (unreadable.get(reason) ?? 0) + rows);
  }
}

/** Fills `buffer` as far as the file goes; `reason` says why it does not go further. */
async function bytesAt(
  { descriptor }: OpenSegment,
  buffer: Buffer,
  offset: number,
  length: number,
): Promise<{ readonly there: number; readonly reason: string }> {
  let there = 0;
  while (there < length) {
    const got = await new Promise<number | NodeJS.ErrnoException>((resolve) => {
      readFile(descriptor, buffer, there, length - there, offset + there, (error, bytesRead) => {
        resolve(error ?? bytesRead);
      });
    });
    if (typeof got !== 'number') return { there: 0, reason: got.message };
    if (got === 0) break;
    there += got;
  }
  return { there, reason: 'it ends early' };
}

type Filled = { readonly bytes: Buffer; readonly rows: number[]; readonly from: number[]; readonly to: number[] };

function put(batch: Filled, row: number, from: number, to: number): void {
  batch.rows.push(row);
  batch.from.push(from);
  batch.to.push(to);
}

async function reasonOf(path: string, reason: string): Promise<string> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  return isThere ? reason.replace(`${path}: `, '') : 'it is gone';
}

function inSegment({ segment }: Chunk, reason: string): string {
  return `segment ${segmentName(segment)}: ${reason}`;
}
