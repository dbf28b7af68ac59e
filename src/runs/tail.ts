import { constants, type BigIntStats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

/** What one look at the file brought. */
export type TailStep =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly more: boolean }
  /** What was read before is no longer the beginning of the file: the reader starts over, and so does the tail. */
  | { readonly kind: 'restarted'; readonly reason: 'replaced' | 'truncated' | 'vanished' }
  | { readonly kind: 'nothing' };

const overlapBytes = 64;
/** What is parsed in one go: a panel's question waits no longer than that takes, some 10 ms. */
const chunkBytes = 1024 * 1024;

/** Where a tail stands, as plain values. */
export interface TailPlace {
  readonly identity: string;
  readonly position: number;
  readonly overlap: Uint8Array;
}

/** Reads a growing file by position, a bounded chunk at a time. The file may not be there yet, or go away. */
export class Tail {
  private handle: FileHandle | undefined;
  private identity = '';
  private position = 0;
  /** The newest bytes read, which must still stand before `position`: a file rewritten in place gives itself away. */
  private overlap = Buffer.alloc(0);
  private changed = -1n;
  /** Bytes that stood after `position` when it was last looked at. */
  leftBytes = 0;

  /** From the beginning, or from where another tail of the same file stands. */
  constructor(
    private readonly path: string,
    place?: TailPlace,
  ) {
    if (place === undefined) return;
    this.identity = place.identity;
    this.position = place.position;
    this.overlap = Buffer.from(place.overlap);
  }

  get place(): TailPlace {
    return { identity: this.identity, position: this.position, overlap: this.overlap };
  }

  /** The next bytes, at most up to `limit` in the file. Throws what the file system throws, absence apart. */
  async next(limit = Infinity): Promise<TailStep> {
    const now = await statIfThere(this.path);
    const isKnown = this.identity !== '';
    if (now === undefined) return isKnown ? this.restart('vanished') : { kind: 'nothing' };
    if (isKnown && identityOf(now) !== this.identity) return this.restart('replaced');
    if (Number(now.size) < this.position) return this.restart('truncated');
    const available = Math.min(Number(now.size), limit) - this.position;
    if (available <= 0 && now.mtimeNs === this.changed) return { kind: 'nothing' };
    this.handle ??= await this.openFile();
    if (this.handle === undefined) return { kind: 'nothing' };
    return this.read(this.handle, Math.max(0, available), now.mtimeNs);
  }

  /** Read from the beginning again. */
  async rewind(): Promise<void> {
    await this.close();
    this.identity = '';
    this.position = 0;
    this.overlap = Buffer.alloc(0);
    this.changed = -1n;
  }

  /** Let go of the file. */
  async close(): Promise<void> {
    const { handle } = this;
    this.handle = undefined;
    await handle?.close();
  }

  private async read(handle: FileHandle, available: number, mtimeNs: bigint): Promise<TailStep> {
    const wanted = Math.min(available, chunkBytes);
    const buffer = Buffer.allocUnsafe(this.overlap.length + wanted);
    const start = this.position - this.overlap.length;
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    if (bytesRead < this.overlap.length || !buffer.subarray(0, this.overlap.length).equals(this.overlap)) {
      return this.restart('truncated');
    }
    const bytes = buffer.subarray(this.overlap.length, bytesRead);
    this.position += bytes.length;
    this.overlap = Buffer.from(buffer.subarray(Math.max(0, bytesRead - overlapBytes), bytesRead));
    const more = bytes.length < available && bytes.length > 0;
    this.leftBytes = available - bytes.length;
    if (!more) this.changed = mtimeNs;
    return bytes.length === 0 ? { kind: 'nothing' } : { kind: 'bytes', bytes, more };
  }

  private async restart(reason: 'replaced' | 'truncated' | 'vanished'): Promise<TailStep> {
    await this.rewind();
    return { kind: 'restarted', reason };
  }

  private async openFile(): Promise<FileHandle | undefined> {
    const handle = await absentAsUndefined(open(this.path, constants.O_RDONLY));
    if (handle !== undefined) this.identity = identityOf(await handle.stat({ bigint: true }));
    return handle;
  }
}

/** What `promise` brings; undefined when the file is not there. */
export async function absentAsUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function statIfThere(path: string): Promise<BigIntStats | undefined> {
  return absentAsUndefined(stat(path, { bigint: true }));
}

function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function isAbsence(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
