import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scores, ScoreRequest } from './languageModel';
import { decodeScores, digestBytes, encodeScores } from './scoreBytes';

/** Whether a result is kept, and why not. A full disk costs the cache, never the scores. */
export type Kept = { readonly kind: 'kept' } | { readonly kind: 'refused'; readonly reason: string };

const ending = '.scores';
const asideEnding = '.aside';
/** A file aside that is older was left behind by a window that ended. */
const leftBehindMs = 3_600_000;

/** To look at all files costs time: it is done once a window has added this part of what there may be. */
const tidyShare = 16;

/**
 * Results of scoring, one file each, in a folder that many windows may use at once. A file is written aside and renamed;
 * one that is damaged is not there. When all of them are too large, those that were not read for longest go.
 */
export class ScoreCache {
  private tidying: Promise<void> = Promise.resolve();
  /** Bytes; at first there may be anything. */
  private sinceTidied = Infinity;

  constructor(
    private readonly folder: string,
    /** Read each time, since it is a setting; 0 keeps nothing. */
    private readonly mostBytes: () => number,
  ) {}

  /** What a checkpoint said of the same tokens before; undefined if that is not known. `checkpoint`: its hash. */
  async get(checkpoint: string, request: ScoreRequest): Promise<Scores | undefined> {
    const digest = digestOf(checkpoint, request);
    const file = this.fileOf(digest);
    const bytes = await readFile(file).catch(absent);
    if (bytes === undefined) return undefined;
    const scores = decodeScores(bytes, digest);
    if (scores === undefined) {
      // It is written anew when it is known again.
      await rm(file, { force: true }).catch(absent);
      return undefined;
    }
    const now = new Date();
    // Another window may have removed it meanwhile.
    await utimes(file, now, now).catch(absent);
    return scores;
  }

  /** Keep a result. */
  async put(checkpoint: string, request: ScoreRequest, scores: Scores): Promise<Kept> {
    const digest = digestOf(checkpoint, request);
    const bytes = encodeScores(scores, digest);
    if (bytes.length > this.mostBytes()) return { kind: 'refused', reason: 'it is larger than the whole cache may be' };
    const aside = join(this.folder, `${randomUUID()}${asideEnding}`);
    try {
      await mkdir(this.folder, { recursive: true });
      await writeFile(aside, bytes, { flag: 'wx' });
      await rename(aside, this.fileOf(digest));
    } catch (error) {
      await rm(aside, { force: true }).catch(absent);
      return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) };
    }
    this.sinceTidied += bytes.length;
    if (this.sinceTidied * tidyShare >= this.mostBytes()) {
      this.sinceTidied = 0;
      this.tidying = this.tidying.then(() => this.tidy());
      await this.tidying;
    }
    return { kind: 'kept' };
  }

  private fileOf(digest: Uint8Array): string {
    return join(this.folder, `${Buffer.from(digest).toString('hex')}${ending}`);
  }

  /** Remove what was not used for longest until the rest may stay. */
  private async tidy(): Promise<void> {
    const names = (await readdir(this.folder).catch(absent)) ?? [];
    const found = await Promise.all(names.map((name) => this.fileNamed(name)));
    const files = found.filter((file) => file !== undefined).sort((one, other) => one.usedMs - other.usedMs);
    let left = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const most = this.mostBytes();
    const now = Date.now();
    for (const { path, bytes, usedMs, isAside } of files) {
      if (isAside ? now - usedMs < leftBehindMs : left <= most) continue;
      // What another window is reading on Windows stays until the next time.
      await rm(path, { force: true }).catch(absent);
      left -= bytes;
    }
  }

  private async fileNamed(name: string): Promise<CachedFile | undefined> {
    if (!name.endsWith(ending) && !name.endsWith(asideEnding)) return undefined;
    const path = join(this.folder, name);
    const facts = await stat(path).catch(absent);
    if (facts?.isFile() !== true) return undefined;
    return { path, bytes: facts.size, usedMs: facts.mtimeMs, isAside: name.endsWith(asideEnding) };
  }
}

interface CachedFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
  readonly isAside: boolean;
}

/** All that a result depends on; lengths stand before what they measure, so that no two questions are spelt alike. */
function digestOf(checkpoint: string, { ids, from, temperature, top }: ScoreRequest): Uint8Array {
  const name = Buffer.from(checkpoint, 'utf8');
  const numbers = Buffer.alloc(24);
  numbers.writeUInt32LE(name.length, 0);
  numbers.writeUInt32LE(ids.length, 4);
  numbers.writeUInt32LE(from, 8);
  numbers.writeUInt32LE(top, 12);
  numbers.writeDoubleLE(temperature, 16);
  const hash = createHash('sha256').update(numbers).update(name);
  for (let first = 0; first < ids.length; first += 4096) {
    const part = ids.subarray(first, first + 4096);
    const bytes = Buffer.alloc(part.length * 4);
    for (const [at, id] of part.entries()) bytes.writeInt32LE(id, at * 4);
    hash.update(bytes);
  }
  return new Uint8Array(hash.digest()).subarray(0, digestBytes);
}

/** A file that is not there, or that the system keeps to itself, is a miss. */
function absent(): undefined {
  return undefined;
}
