import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Status } from '../../core/generated/wire';
import { broken, type Read } from '../../core/read';
import { parseStatus } from '../../core/wireText';
import { absentAsUndefined } from './tail';

/** The status of a run, read once. */
export async function readStatus(runDirectory: string): Promise<Read<Status>> {
  const text = await absentAsUndefined(readFile(join(runDirectory, 'status.json'), 'utf8'));
  return text === undefined ? broken(`${runDirectory} has no status.json`) : parseStatus(text);
}
