import { createHash, type Hash } from 'node:crypto';
import { readAt, withFile, type ReadFile } from './folderFile';
import { CheckpointProblem } from '../inference/problem';
import type { WeightFile } from './weightFiles';

/** A folder of a checkpoint: its small files, and its weights. */
export interface FolderContent {
  /** Absolute, with its own links followed. */
  readonly folder: string;
  readonly small: readonly ReadFile[];
  readonly weights: readonly WeightFile[];
}

/** Files up to this size are hashed as a whole: a tenth of a second. */
const wholeBytes = 64 * 1024 * 1024;
const blockBytes = 8 * 1024;
/** Pieces that are read at the same time: most of the time of a small read is the way to another thread and back. */
const atOnce = 32;

/**
 * What a result was computed with, for storing it under: SHA-256 over configuration, tokenizer (it decides the ids),
 * headers and weights. Checkpoints of one run have equal headers, so the weights themselves are in.
 *
 * Of a large file, that is the first and the last block of every tensor, its size and the time of its last change.
 * Training moves all of a tensor or none, so the blocks see it; the time is for whoever changes single numbers by hand.
 * A copy with another time gets another hash: results are then computed once more, and never mistaken.
 */
export async function hashOf(folders: readonly FolderContent[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { folder, small, weights } of folders) {
    add(hash, Buffer.from(`folder of ${small.length} and ${weights.length} files`));
    for (const { seen, content } of small) {
      add(hash, Buffer.from(seen.name));
      add(hash, content);
    }
    for (const file of weights) await addWeights(hash, folder, file);
  }
  return hash.digest('hex');
}

async function addWeights(hash: Hash, folder: string, { seen, header, tensors }: WeightFile): Promise<void> {
  add(hash, Buffer.from(`${seen.name} ${seen.bytes}`));
  add(hash, header);
  const whole = seen.bytes <= wholeBytes;
  if (!whole) add(hash, Buffer.from(seen.identity.slice(seen.identity.lastIndexOf(':'))));
  const done = await withFile(folder, seen.name, async ({ handle, seen: now }) => {
    if (now.bytes !== seen.bytes || now.identity !== seen.identity) return false;
    const pieces = whole ? inPieces(seen.bytes) : [...tensors.values()].flatMap(blocksOf);
    for (let begin = 0; begin < pieces.length; begin += atOnce) {
      const some = pieces.slice(begin, begin + atOnce);
      const read = await Promise.all(some.map(([offset, length]) => readAt(handle, seen, offset, length)));
      for (const bytes of read) hash.update(bytes);
    }
    return true;
  });
  if (done !== true) {
    const fault = 'was replaced or removed while it was opened';
    throw new CheckpointProblem(fault, seen.path, 'open the checkpoint once more');
  }
}

type Piece = readonly [offset: number, length: number];

/** The first bytes of a tensor and its last; all of a small one. */
function blocksOf({ offset, length }: { readonly offset: number; readonly length: number }): readonly Piece[] {
  if (length <= 2 * blockBytes) return [[offset, length]];
  return [
    [offset, blockBytes],
    [offset + length - blockBytes, blockBytes],
  ];
}

/** All of a file, a megabyte at a time. */
function inPieces(bytes: number): readonly Piece[] {
  const piece = 1024 * 1024;
  const offsets = Array.from({ length: Math.ceil(bytes / piece) }, (_, index) => index * piece);
  return offsets.map((offset) => [offset, Math.min(piece, bytes - offset)] as const);
}

/** With its length before it, so that two neighbours cannot pass for others. */
function add(hash: Hash, bytes: Uint8Array): void {
  hash.update(`${bytes.length}:`);
  hash.update(bytes);
}
