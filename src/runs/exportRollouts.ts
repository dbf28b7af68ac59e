import { open } from 'node:fs/promises';
import type { BasicType, ColumnSource } from 'hyparquet-writer';
import { valueAt, type NumberColumn } from '../../core/columns';
import { rolloutText } from '../../core/rolloutColumns';
import { isCurrent, type RolloutIndex } from '../../core/rolloutIndex';
import { writeAside } from './aside';
import { cancellable, type Exported, type ExportOptions } from './exportCurves';
import type { RunStore } from './runStore';

/** Rows of a group are held in memory until it is written; a text may have 100 KB. */
const rowsInGroup = 2000;
const charactersInGroup = 32e6;

/**
 * Every row of the rollout index as Parquet, with its whole text and its prompt's where the tokens were kept. `current` is
 * false for rows that a resumed attempt dropped.
 */
export async function exportRollouts(store: RunStore, file: string, options: ExportOptions = {}): Promise<Exported> {
  const { index } = store;
  // Rows that come meanwhile are the next export's; so are their parts and weights.
  const end = index.length;
  const columns = columnsOf(store);
  // A file of its own in the bundle: who exports nothing need not load it.
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  return cancellable(options.signal, () =>
    writeAside(file, async (aside) => {
      const handle = await open(aside, 'w');
      try {
        const writer = new ByteWriter();
        const flush = async (): Promise<void> => {
          await handle.write(writer.getBytes());
          writer.index = 0;
        };
        const parquet = new ParquetWriter({
          writer,
          schema: schemaFromColumnData({ columnData: columns.map(({ name, type }) => ({ name, type, data: [] })) }),
        });
        for (let row = 0; row < end;) {
          const texts = await textsFrom(store, row, end, options.signal);
          await parquet.write({
            columnData: columns.map((column) => filled(column, row, texts)),
            rowGroupSize: rowsInGroup,
          });
          await flush();
          row += texts.length;
          options.onProgress?.(row, end);
        }
        await parquet.finish();
        await flush();
        return { kind: 'written', rows: end, bytes: writer.offset };
      } finally {
        await handle.close();
      }
    }),
  );
}

interface Texts {
  readonly text: string | null;
  readonly prompt: string | null;
}

interface ExportColumn {
  readonly name: string;
  readonly type: BasicType;
  readonly value: (row: number, texts: Texts) => string | number | boolean | null;
}

function columnsOf({ index, model }: RunStore): readonly ExportColumn[] {
  const { numbers } = index;
  const string = (name: string, value: ExportColumn['value']): ExportColumn => ({ name, type: 'STRING', value });
  const whole = (name: string, column: NumberColumn): ExportColumn => numeric(name, 'INT32', column);
  const real = (name: string, column: NumberColumn): ExportColumn => numeric(name, 'DOUBLE', column);
  return [
    string('id', (row) => index.ids[row] ?? null),
    whole('attempt', numbers.attempt),
    { name: 'current', type: 'BOOLEAN', value: (row) => isCurrent(index, row, model.attempts) },
    whole('step', numbers.step),
    whole('group', numbers.group),
    whole('index', numbers.index),
    string('kind', (row) => index.kinds[row] ?? null),
    string('prompt_id', (row) => index.promptIds[row] ?? null),
    real('reward', numbers.reward),
    ...named(index.parts).map(([name, column]) => real(`part/${name}`, column)),
    real('advantage', numbers.advantage),
    flag('correct', index.correct),
    flag('truncated', index.truncated),
    string('stop', (row) => index.stops[row] ?? null),
    whole('tokens', numbers.tokens),
    real('temperature', numbers.temperature),
    real('entropy', numbers.entropy),
    whole('policy_version', numbers.policy_version),
    ...named(index.weights).map(([name, column]) => real(`weight/${name}`, column)),
    string('note', (row) => index.notes.get(row) ?? null),
    string('head', (row) => index.heads[row] ?? null),
    string('prompt', (_, { prompt }) => prompt),
    string('text', (_, { text }) => text),
  ];
}

function numeric(name: string, type: 'INT32' | 'DOUBLE', column: NumberColumn): ExportColumn {
  return {
    name,
    type,
    value: (row) => {
      const value = valueAt(column, row);
      return Number.isNaN(value) ? null : value;
    },
  };
}

function flag(name: string, column: NumberColumn): ExportColumn {
  return { name, type: 'BOOLEAN', value: (row) => valueAt(column, row) === 1 };
}

function named(columns: RolloutIndex['parts']): [string, NumberColumn][] {
  return [...columns].sort(([a], [b]) => a.localeCompare(b));
}

function filled({ name, type, value }: ExportColumn, from: number, texts: readonly Texts[]): ColumnSource {
  return { name, type, data: texts.map((text, place) => value(from + place, text)) };
}

/** The texts of one group of rows, beginning at `from`. */
async function textsFrom(
  store: RunStore,
  from: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<readonly Texts[]> {
  const texts: Texts[] = [];
  let characters = 0;
  for (let row = from; row < end && texts.length < rowsInGroup && characters < charactersInGroup; row += 1) {
    signal?.throwIfAborted();
    const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
    const both = {
      text: record.kind === 'read' ? rolloutText(record.value) : null,
      prompt: prompt.kind === 'read' ? rolloutText(prompt.value) : null,
    };
    characters += (both.text?.length ?? 0) + (both.prompt?.length ?? 0);
    texts.push(both);
  }
  return texts;
}
