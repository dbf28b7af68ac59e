import { readdirSync, readFileSync } from 'node:fs';

/** A process of this machine, as Linux tells of it. */
export interface Process {
  readonly pid: number;
  readonly words: readonly string[];
}

/** Processes with such a text in their environment: a workbench of a test has a home of its own. Linux only. */
export function processesWithin(text: string): Process[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && read(pid, 'environ').includes(text))
    .map((pid) => ({ pid, words: read(pid, 'cmdline').split('\0').filter(Boolean) }));
}

/** Trainers of a run, whoever started them. */
export function trainersOf(directory: string): Process[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid))
    .map((pid) => ({ pid, words: read(pid, 'cmdline').split('\0') }))
    .filter(({ words }) => words.includes('srft.cli') && words.includes(directory));
}

function read(pid: number, name: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
