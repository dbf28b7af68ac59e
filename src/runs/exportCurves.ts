import { open } from 'node:fs/promises';
import type { RunModel } from '../../core/runModel';
import { writeAside } from './aside';
import { stepColumns } from './panelAnswers';

/** What was written. */
export type Exported =
  { readonly kind: 'written'; readonly rows: number; readonly bytes: number } | { readonly kind: 'cancelled' };

/** How an export is followed and broken off. */
export interface ExportOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (rows: number, of: number) => void;
}

const rowsAtOnce = 1000;

/** All steps and metrics as CSV (RFC 4180): numbers with every digit that tells them apart, empty where there is none. */
export async function exportCurves(model: RunModel, file: string, options: ExportOptions = {}): Promise<Exported> {
  // Copies: the run may grow meanwhile.
  const columns = stepColumns(model);
  const rows = columns[0]?.values.length ?? 0;
  return cancellable(options.signal, () =>
    writeAside(file, async (aside) => {
      const handle = await open(aside, 'w');
      let bytes = 0;
      try {
        const write = async (lines: readonly string[]): Promise<void> => {
          bytes += (await handle.write(lines.map((line) => `${line}\r\n`).join(''))).bytesWritten;
        };
        await write([columns.map(({ name }) => quoted(name)).join(',')]);
        for (let from = 0; from < rows; from += rowsAtOnce) {
          options.signal?.throwIfAborted();
          const lines: string[] = [];
          for (let row = from; row < Math.min(rows, from + rowsAtOnce); row += 1) {
            lines.push(columns.map(({ values }) => cell(values[row])).join(','));
          }
          await write(lines);
          options.onProgress?.(Math.min(rows, from + rowsAtOnce), rows);
        }
      } finally {
        await handle.close();
      }
      return { kind: 'written', rows, bytes };
    }),
  );
}

/** A cancelled export is an outcome; anything else that is thrown is not. */
export async function cancellable(signal: AbortSignal | undefined, work: () => Promise<Exported>): Promise<Exported> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted === true && error === signal.reason) return { kind: 'cancelled' };
    throw error;
  }
}

function cell(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : `${value}`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
