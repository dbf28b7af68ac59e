import type { BigIntStats } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { CheckpointProblem } from '../inference/problem';
import { shown } from '../inference/shown';

/** A file of a checkpoint as it was when it was opened. */
export interface SeenFile {
  /** Absolute. */
  readonly path: string;
  /** Where its bytes lie, links followed. */
  readonly real: string;
  readonly name: string;
  readonly bytes: number;
  /** Of device, inode and the time of the last change, in nanoseconds: another file of the same name differs. */
  readonly identity: string;
}

/** An open file and how it was when it was opened. */
export interface OpenFile {
  readonly seen: SeenFile;
  readonly handle: FileHandle;
}

/** A file with its content. */
export interface ReadFile {
  readonly seen: SeenFile;
  readonly content: Buffer;
}

/**
 * Does `use` with a file of a folder, and closes it.
 *
 * @param folder absolute, with its own links followed
 * @param name of a file directly in it; a link that leads out of the folder is refused, but for the cache of the Hub
 * @returns undefined where there is no such file
 */
export async function withFile<T>(
  folder: string,
  name: string,
  use: (file: OpenFile) => Promise<T>,
): Promise<T | undefined> {
  const path = join(folder, name);
  const real = await absentAsUndefined(realpath(path));
  if (real === undefined) return undefined;
  if (!isBelow(folder, real) && dirname(real) !== blobsOf(folder)) {
    throw new CheckpointProblem('is a link that leads out of the folder', path, 'copy the file itself there');
  }
  // A pipe of that name would keep whoever opens it waiting for ever.
  if (!(await stat(real)).isFile()) throw new CheckpointProblem('is no file', path, 'choose another checkpoint');
  const handle = await open(real, 'r');
  try {
    const stats = await handle.stat({ bigint: true });
    return await use({ handle, seen: { path, real, name, bytes: Number(stats.size), identity: identityOf(stats) } });
  } finally {
    await handle.close();
  }
}

function isBelow(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

/**
 * The cache of the Hub keeps the files of a model in one folder, and links them from a folder for each revision:
 * `models--<owner>--<name>/{blobs,snapshots/<commit>}`. Undefined for any other folder.
 */
function blobsOf(folder: string): string | undefined {
  const model = dirname(dirname(folder));
  const isSnapshot = basename(dirname(folder)) === 'snapshots' && basename(model).startsWith('models--');
  return isSnapshot ? join(model, 'blobs') : undefined;
}

/** A small file of a folder as a whole; undefined where there is none. */
export function readSmall(folder: string, name: string, mostBytes: number): Promise<ReadFile | undefined> {
  return withFile(folder, name, async ({ seen, handle }) => {
    if (mostBytes < seen.bytes) {
      const fault = `has ${seen.bytes} bytes, more than the ${mostBytes} that are read`;
      throw new CheckpointProblem(fault, seen.path, 'choose another checkpoint');
    }
    return { seen, content: await readAt(handle, seen, 0, seen.bytes) };
  });
}

/** Bytes [offset, offset + length) of a file that was long enough when it was opened. */
export async function readAt(handle: FileHandle, seen: SeenFile, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new CheckpointProblem('became shorter while it was read', seen.path, openAgain);
    done += bytesRead;
  }
  return bytes;
}

/** What has happened to a file since it was opened; undefined when nothing has. */
export async function changeOf(seen: SeenFile): Promise<CheckpointProblem | undefined> {
  const stats = await absentAsUndefined(stat(seen.path, { bigint: true }));
  if (stats === undefined)
    return new CheckpointProblem('was removed meanwhile', seen.path, 'choose another checkpoint');
  const bytes = Number(stats.size);
  if (bytes !== seen.bytes) {
    const what = seen.bytes < bytes ? 'grew' : 'was cut';
    return new CheckpointProblem(`${what} from ${seen.bytes} to ${bytes} bytes meanwhile`, seen.path, openAgain);
  }
  if (identityOf(stats) === seen.identity) return undefined;
  return new CheckpointProblem('was replaced or written to meanwhile', seen.path, openAgain);
}

/** A name out of a file of the checkpoint, before it becomes a part of a path. */
export function checkWeightsName(name: string, where: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9_. -]{0,200}\.safetensors$/.test(name)) return;
  const fault = `names the file ${shown(name)}, which is no plain name of a .safetensors file in the same folder`;
  throw new CheckpointProblem(fault, where, 'download the checkpoint once more, from a source you trust');
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

/** Whether an error says that a file or its folder is not there. */
export function isAbsence(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESTALE';
}

/** The system's name of what went wrong, such as EACCES; undefined for errors that are not the system's. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error && 'syscall' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

const openAgain = 'open the checkpoint once more';

function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.mtimeNs}`;
}
