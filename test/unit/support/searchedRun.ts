import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { emptyRun, type Attempt } from '../../../core/runModel';
import { encodeHeader, encodeSequence } from '../../../src/cli/recordWriter';
import type { SearchedRun } from '../../../src/runs/searchRollouts';
import { indexOf, type Line } from '../core/indexOf';
import { columns } from './writtenRun';

/** A rollout whose bytes need not be text. */
export interface SearchedRow {
  readonly bytes: Uint8Array;
  /** Default: one of the first segment. */
  readonly segment?: number;
  readonly isKept?: boolean;
  readonly line?: Line;
}

/** Writes the segments of a run, ascending as a trainer does, and returns what a search needs of it. */
export async function writeSearchedRun(
  directory: string,
  rows: readonly SearchedRow[],
  attempts: readonly Attempt[] = [],
): Promise<SearchedRun> {
  await mkdir(join(directory, 'rollouts'), { recursive: true });
  const header = encodeHeader(columns);
  const segments = new Map<number, Uint8Array[]>();
  const lines = rows.map(({ bytes, segment = 1, isKept = true, line }): Line => {
    if (!isKept) return { address: null, ...line };
    const parts = segments.get(segment) ?? [header];
    segments.set(segment, parts);
    const offset = parts.reduce((sum, part) => sum + part.length, 0);
    // Tokens of a few bytes each, so that characters are spread over them.
    const tokenBytes = Array.from(
      { length: Math.min(50, bytes.length) },
      (_, token, count = Math.min(50, bytes.length)) =>
        bytes.subarray(Math.floor((bytes.length * token) / count), Math.floor((bytes.length * (token + 1)) / count)),
    );
    const numbers = tokenBytes.map((_, number) => number);
    const record = encodeSequence(columns, { kind: 2, tokenBytes, values: { id: numbers, logprob: numbers } });
    parts.push(record);
    return { address: { segment, offset, length: record.length }, ...line };
  });
  for (const [segment, parts] of segments) {
    await writeFile(join(directory, 'rollouts', `${String(segment).padStart(6, '0')}.seg`), Buffer.concat(parts));
  }
  return { directory, index: indexOf(lines), model: { ...emptyRun(), attempts: [...attempts] } };
}

/** A rollout that is this text. */
export function textRow(text: string, more: Omit<SearchedRow, 'bytes'> = {}): SearchedRow {
  return { bytes: new TextEncoder().encode(text), ...more };
}
