import { append, numberColumn, padTo, valueAt, type NumberColumn } from './columns';
import type { Address } from './generated/wire';
import { knownKeys } from './generated/wireFacts';
import type { Attempt } from './runModel';
import type { ReadIndexLine } from './wireText';

/** The lines of `rollouts/index.jsonl` in columns, one row a line, in the order of the file. */
export interface RolloutIndex {
  length: number;
  readonly ids: string[];
  readonly promptIds: string[];
  readonly kinds: string[];
  readonly stops: ReadIndexLine['stop'][];
  readonly heads: string[];
  readonly notes: Map<number, string>;
  readonly numbers: Readonly<Record<NumberName, NumberColumn>>;
  /** 0 or 1. */
  readonly correct: NumberColumn;
  readonly truncated: NumberColumn;
  /** Reward parts and weights by name; as long as the index, NaN where a line has none. */
  readonly parts: Map<string, NumberColumn>;
  readonly weights: Map<string, NumberColumn>;
  readonly address: AddressColumns;
  readonly prompt: AddressColumns;
  readonly rowOfId: Map<string, number>;
  /** Keys of later releases, by row. */
  readonly extras: Map<number, Readonly<Record<string, unknown>>>;
  malformedLines: number;
}

/** Numbers of a line that stand under their own name; null is NaN. */
export type NumberName = (typeof numberNames)[number];

/** Addresses in columns; a segment of 0 means that the tokens were not kept. */
interface AddressColumns {
  readonly segment: NumberColumn;
  readonly offset: NumberColumn;
  readonly length: NumberColumn;
}

const numberNames = [
  'attempt',
  'step',
  'group',
  'index',
  'reward',
  'advantage',
  'tokens',
  'temperature',
  'entropy',
  'policy_version',
] as const;

/** An index without lines. */
export function rolloutIndex(): RolloutIndex {
  return {
    length: 0,
    ids: [],
    promptIds: [],
    kinds: [],
    stops: [],
    heads: [],
    notes: new Map(),
    numbers: {
      attempt: numberColumn(),
      step: numberColumn(),
      group: numberColumn(),
      index: numberColumn(),
      reward: numberColumn(),
      advantage: numberColumn(),
      tokens: numberColumn(),
      temperature: numberColumn(),
      entropy: numberColumn(),
      policy_version: numberColumn(),
    },
    correct: numberColumn(),
    truncated: numberColumn(),
    parts: new Map(),
    weights: new Map(),
    address: addressColumns(),
    prompt: addressColumns(),
    rowOfId: new Map(),
    extras: new Map(),
    malformedLines: 0,
  };
}

/** Append one line. */
export function appendLine(index: RolloutIndex, line: ReadIndexLine): void {
  const row = index.length;
  index.ids.push(line.id);
  index.promptIds.push(line.prompt_id);
  index.kinds.push(line.kind);
  index.stops.push(line.stop);
  index.heads.push(line.head);
  if (line.note !== null) index.notes.set(row, line.note);
  for (const name of numberNames) append(index.numbers[name], line[name] ?? NaN);
  append(index.correct, Number(line.correct));
  append(index.truncated, Number(line.truncated));
  appendNamed(index.parts, line.parts, row);
  appendNamed(index.weights, line.weights, row);
  appendAddress(index.address, line.address);
  appendAddress(index.prompt, line.prompt);
  index.rowOfId.set(line.id, row);
  const extra = unknownPart(line);
  if (extra !== undefined) index.extras.set(row, extra);
  index.length = row + 1;
}

/** Where the tokens of a row lie; undefined when they were not kept. */
export function addressAt(index: RolloutIndex, row: number): Address | undefined {
  return readAddress(index.address, row);
}

/** Where the prompt of a row's group lies. */
export function promptAddressAt(index: RolloutIndex, row: number): Address | undefined {
  return readAddress(index.prompt, row);
}

/** Did no later attempt drop this row? Attempts resumed from a step drop what earlier ones wrote after it. */
export function isCurrent(index: RolloutIndex, row: number, attempts: readonly Attempt[]): boolean {
  const attempt = valueAt(index.numbers.attempt, row);
  const step = valueAt(index.numbers.step, row);
  return attempts.every((later) => later.attempt <= attempt || later.fromStep === null || step <= later.fromStep);
}

/** Are two rows of the same group? Evaluations, probes and the step before them number their groups alike. */
export function isSameGroup(index: RolloutIndex, one: number, other: number): boolean {
  return groupName(index, one) === groupName(index, other);
}

/** What names the group of a row within its run. */
export function groupName({ kinds, numbers, promptIds }: RolloutIndex, row: number): string {
  const kind = kinds[row] ?? '';
  const pass = kind === 'evaluation' || kind === 'probe' ? kind : 'training';
  const places = [numbers.attempt, numbers.step, numbers.group].map((values) => valueAt(values, row));
  return `${pass} ${places.join(' ')} ${promptIds[row] ?? ''}`;
}

function addressColumns(): AddressColumns {
  return { segment: numberColumn(), offset: numberColumn(), length: numberColumn() };
}

function appendAddress(columns: AddressColumns, address: Address | null): void {
  append(columns.segment, address?.segment ?? 0);
  append(columns.offset, address?.offset ?? 0);
  append(columns.length, address?.length ?? 0);
}

function readAddress(columns: AddressColumns, row: number): Address | undefined {
  const segment = valueAt(columns.segment, row);
  if (!(segment > 0)) return undefined;
  return { segment, offset: valueAt(columns.offset, row), length: valueAt(columns.length, row) };
}

function appendNamed(
  columns: Map<string, NumberColumn>,
  values: Readonly<Record<string, number | null>>,
  row: number,
): void {
  for (const [name, value] of Object.entries(values)) {
    let column = columns.get(name);
    if (column === undefined) {
      column = numberColumn();
      columns.set(name, column);
    }
    padTo(column, row);
    append(column, value ?? NaN);
  }
  for (const column of columns.values()) padTo(column, row + 1);
}

const knownLineKeys: ReadonlySet<string> = new Set(knownKeys.IndexLine);

function unknownPart(line: ReadIndexLine): Record<string, unknown> | undefined {
  let unknown: [string, unknown][] | undefined;
  for (const key of Object.keys(line)) {
    if (!knownLineKeys.has(key)) (unknown ??= []).push([key, (line as Readonly<Record<string, unknown>>)[key]]);
  }
  return unknown === undefined ? undefined : Object.fromEntries(unknown);
}
