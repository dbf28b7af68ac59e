import { close, constants, open, read as readFile } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Address, Column } from '../../core/generated/wire';
import { broken, read, type Read } from '../../core/read';
import {
  frameBytes,
  readRollout,
  readSegmentHeader,
  recordLength,
  type RolloutColumns,
} from '../../core/rolloutColumns';

const openFile = promisify(open);
const closeFile = promisify(close);

/** The file of a segment, and what its records are made of. */
export interface OpenSegment {
  readonly descriptor: number;
  readonly columns: readonly Column[];
}

const mostOpen = 64;
const largestRecordBytes = 512 * 1024 * 1024;

/** Random reads from the segments of one run. Files stay open, the newest used last to be closed. */
export class Segments {
  private readonly openSegments = new Map<number, Promise<Read<OpenSegment>>>();

  constructor(private readonly folder: string) {}

  /** The record at `address`; what is wrong with it is a value, never thrown. */
  async read(address: Address): Promise<Read<RolloutColumns>> {
    const segment = await this.segment(address.segment);
    if (segment.kind === 'broken') return segment;
    const bytes = await readExactly(segment.value.descriptor, address.offset, address.length);
    return bytes.kind === 'broken' ? bytes : readRollout(bytes.value, segment.value.columns);
  }

  /** Close every file. Reads under way fail. */
  async close(): Promise<void> {
    const opened = [...this.openSegments.values()];
    this.openSegments.clear();
    await Promise.all(opened.map(closeSegment));
  }

  private segment(number: number): Promise<Read<OpenSegment>> {
    const known = this.openSegments.get(number);
    if (known !== undefined) {
      // Maps remember the order of insertion: the one used longest ago comes first.
      this.openSegments.delete(number);
      this.openSegments.set(number, known);
      return known;
    }
    const opening = this.openSegment(number);
    this.openSegments.set(number, opening);
    this.closeOldest();
    return opening;
  }

  private closeOldest(): void {
    const oldest = this.openSegments.entries().next();
    if (this.openSegments.size <= mostOpen || oldest.done === true) return;
    this.openSegments.delete(oldest.value[0]);
    void closeSegment(oldest.value[1]);
  }

  private async openSegment(number: number): Promise<Read<OpenSegment>> {
    const opened = await openSegmentFile(join(this.folder, segmentName(number)));
    // A segment that could not be opened may be there the next time.
    if (opened.kind === 'broken') this.openSegments.delete(number);
    return opened;
  }
}

/** Name of a segment's file. */
export function segmentName(number: number): string {
  return `${String(number).padStart(6, '0')}.seg`;
}

/** Open a segment by itself; its descriptor is the caller's to close. */
export async function openSegmentFile(path: string): Promise<Read<OpenSegment>> {
  let descriptor: number;
  try {
    descriptor = await openFile(path, constants.O_RDONLY);
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return broken(isGone ? `the segment ${basename(path)} is gone` : messageOf(error));
  }
  const columns = await readColumnList(descriptor);
  if (columns.kind === 'read') return read({ descriptor, columns: columns.value });
  await closeFile(descriptor);
  return broken(`${path}: ${columns.reason}`);
}

async function readColumnList(descriptor: number): Promise<Read<readonly Column[]>> {
  const start = await readExactly(descriptor, 0, frameBytes);
  if (start.kind === 'broken') return start;
  const length = recordLength(start.value);
  if (length.kind === 'broken') return length;
  const header = await readExactly(descriptor, 0, length.value);
  return header.kind === 'broken' ? header : readSegmentHeader(header.value);
}

function readExactly(descriptor: number, offset: number, length: number): Promise<Read<Uint8Array>> {
  if (!(length >= frameBytes && length <= largestRecordBytes)) {
    return Promise.resolve(broken(`a record of ${length} bytes cannot be`));
  }
  // A buffer of its own: columns are views on it, which must begin at a multiple of 8.
  const bytes = new Uint8Array(length);
  return new Promise((resolve) => {
    readFile(descriptor, bytes, 0, length, offset, (error, bytesRead) => {
      if (error !== null) resolve(broken(messageOf(error)));
      else if (bytesRead < length) resolve(broken(`the segment ends within the record at ${offset}`));
      else resolve(read(bytes));
    });
  });
}

async function closeSegment(opening: Promise<Read<OpenSegment>>): Promise<void> {
  const segment = await opening;
  if (segment.kind === 'read') await closeFile(segment.value.descriptor);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
