import { readFile, stat } from 'node:fs/promises';
import type { Read } from '../../core/read';
import { absentAsUndefined } from './tail';

const largestBytes = 16 * 1024 * 1024;

/** A small file that its writer replaces as a whole; read again only when it changed. */
export class SmallFile<T> {
  /** The newest value that could be read; null before the first. */
  value: T | null = null;
  /** Why the file as it stands now could not be read. */
  trouble: string | null = null;
  private seen = '';

  constructor(
    private readonly path: string,
    private readonly parse: (text: string) => Read<T>,
  ) {}

  /** Look again; true when there is a new value. A file that went away leaves its last value standing. */
  async refresh(): Promise<boolean> {
    const stats = await absentAsUndefined(stat(this.path, { bigint: true }));
    if (stats === undefined) return false;
    const seen = [stats.dev, stats.ino, stats.size, stats.mtimeNs].join(':');
    if (seen === this.seen) return false;
    if (stats.size > largestBytes) return this.give(`it is larger than ${largestBytes} bytes`, seen);
    const text = await absentAsUndefined(readFile(this.path, 'utf8'));
    if (text === undefined) return false;
    const parsed = this.parse(text);
    if (parsed.kind === 'broken') return this.give(parsed.reason, seen);
    this.seen = seen;
    this.trouble = null;
    this.value = parsed.value;
    return true;
  }

  private give(trouble: string, seen: string): false {
    this.seen = seen;
    this.trouble = trouble;
    return false;
  }
}
