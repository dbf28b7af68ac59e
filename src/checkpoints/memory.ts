import { readFile } from 'node:fs/promises';
import { freemem, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { CheckpointProblem } from '../inference/problem';
import type { DecoderParts, TensorPlace } from '../inference/model';
import { absentAsUndefined } from './folderFile';

/** What is to be computed at most. */
export interface Load {
  /** Tokens of the longest text. */
  readonly tokens: number;
  /** Continuations written side by side. */
  readonly rows: number;
  /** Tokens that are scored in one call. */
  readonly chunk: number;
}

/** Bytes of each part of what a loaded checkpoint takes. */
export interface MemoryNeed {
  /** As float32, whatever they are stored as. */
  readonly weights: number;
  /** While it loads: a matrix as it is stored beside its copy for the processor. */
  readonly loading: number;
  /** Keys and values of all layers. */
  readonly cache: number;
  /** Logits of a chunk, and what is computed from them. */
  readonly logits: number;
  /** The program itself. */
  readonly program: number;
  readonly total: number;
}

const floatBytes = 4;
const programBytes = 150 * 1024 * 1024;
/** Logits, their log-probs, the products for the entropy. */
const logitCopies = 3;
/** Small tensors, padding of packed matrices, the graph. */
const overhead = 1.05;

/**
 * Memory that a checkpoint takes once it is loaded and computes.
 *
 * Stored float32 weights are mapped and then packed for the processor; half precision is cast first, so that the larger
 * of its copies stands beside the packed one until loading is over.
 */
export function memoryNeed({ config, tensors, adapter }: DecoderParts, { tokens, rows, chunk }: Load): MemoryNeed {
  const places = [...tensors.values(), ...adapterPlaces(adapter)];
  const embedding = config.tied ? config.vocabulary * config.hiddenSize * floatBytes : 0;
  // A tied matrix is looked up by rows and multiplied packed: two copies.
  const weights = Math.ceil((places.reduce((sum, place) => sum + asFloats(place), 0) + embedding) * overhead);
  const loading = places.reduce((most, place) => Math.max(most, asFloats(place) + place.length), 0);
  const cache = 2 * config.layers * config.keyValueHeads * config.headSize * tokens * rows * floatBytes;
  const logits = logitCopies * Math.max(chunk, rows) * config.vocabulary * floatBytes;
  const total = weights + loading + cache + logits + programBytes;
  return { weights, loading, cache, logits, program: programBytes, total };
}

/** Refuses with figures what cannot fit; undefined when it fits. */
export function whyItCannotFit(need: MemoryNeed, freeBytes: number, folder: string): CheckpointProblem | undefined {
  if (need.total <= freeBytes) return undefined;
  const { weights, cache, total } = need;
  const parts = `${memoryText(weights)} of weights, ${memoryText(cache)} for the texts`;
  const fault = `needs ${memoryText(total)} of memory (${parts}), and ${memoryText(freeBytes)} are free`;
  return new CheckpointProblem(fault, folder, 'close other programs, or choose a smaller model or shorter texts');
}

/** Where Linux tells of the group of processes that this one is in. */
export const linuxGroup = '/sys/fs/cgroup';

/**
 * Bytes that a new process can take: what the system has left, or less where the limit of its group of processes is
 * nearer, as in a container. Files that the system merely keeps in memory count as free: they give way.
 */
export async function freeMemory(group = linuxGroup): Promise<number> {
  const inSystem = freeInSystem();
  const limit = await numberIn(join(group, 'memory.max'));
  const used = await numberIn(join(group, 'memory.current'));
  if (limit === undefined || used === undefined) return inSystem;
  return Math.min(inSystem, Math.max(0, limit - used + (await keptFiles(group))));
}

/** `512 MB`, `12.3 GB`. */
export function memoryText(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** macOS calls nothing free that holds a file or could be compressed, so that a machine at rest has next to nothing. */
function freeInSystem(): number {
  return platform() === 'darwin' ? Math.max(freemem(), totalmem() / 2) : freemem();
}

async function keptFiles(group: string): Promise<number> {
  const text = (await absentAsUndefined(readFile(join(group, 'memory.stat'), 'utf8'))) ?? '';
  return [...text.matchAll(/^(?:in)?active_file (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** The number that a file of the system holds; undefined where there is none, or no limit ("max"). */
async function numberIn(path: string): Promise<number | undefined> {
  const text = await absentAsUndefined(readFile(path, 'utf8'));
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

function asFloats({ shape }: TensorPlace): number {
  return shape.reduce((product, size) => product * size, floatBytes);
}

function adapterPlaces(adapter: DecoderParts['adapter']): readonly TensorPlace[] {
  return [...(adapter?.layers.values() ?? [])].flatMap(({ down, up }) => [down, up]);
}
