import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Write a file under another name beside it and rename it when it is whole, so that nobody ever sees a part of it. */
export async function writeAside<T>(file: string, write: (aside: string) => Promise<T>): Promise<T> {
  const aside = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    const result = await write(aside);
    await rename(aside, file);
    return result;
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
