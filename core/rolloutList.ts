import { valueAt, type NumberColumn } from './columns';
import type {
  Grouping,
  RolloutFilter,
  RolloutGroup,
  RolloutRow,
  RolloutsAnswer,
  RolloutsRequest,
  SortKey,
} from './generated/panel';
import { broken, read, type Read } from './read';
import { isCurrent, type RolloutIndex } from './rolloutIndex';
import type { Attempt } from './runModel';

/** The rollouts a request asks for, grouped and sorted. A filter that is no regular expression is refused in words. */
export function listRollouts(
  index: RolloutIndex,
  attempts: readonly Attempt[],
  request: RolloutsRequest,
): Read<Omit<RolloutsAnswer, 'kind' | 'request' | 'run'>> {
  const matches = textFilter(index, request.text);
  if (matches.kind === 'broken') return matches;
  const end = Math.min(index.length, request.upTo ?? index.length);
  const range = rowsBetween(index, attempts, request, request.fromStep, request.toStep, end);
  const counts = countsOf(index, range);
  const kept = range.filter((row) => passes(index, row, request.filter) && matches.value(row));
  const before = stepsBefore(index, attempts, request, end);
  const groups = groupsOf(index, kept, range.length, before, request);
  return read({
    indexRows: end,
    counts,
    groups: groups.map(({ group }) => group),
    rows: joined(groups.map(({ rows }) => rows)),
  });
}

/** The line of a row, as the list shows it. */
export function rolloutRow(index: RolloutIndex, row: number): RolloutRow {
  const { numbers } = index;
  return {
    row,
    id: index.ids[row] ?? '',
    step: valueAt(numbers.step, row),
    prompt: index.promptIds[row] ?? '',
    reward: nullable(numbers.reward, row),
    advantage: nullable(numbers.advantage, row),
    tokens: valueAt(numbers.tokens, row),
    entropy: nullable(numbers.entropy, row),
    correct: valueAt(index.correct, row) === 1,
    truncated: valueAt(index.truncated, row) === 1,
    head: index.heads[row] ?? '',
    stored: valueAt(index.address.segment, row) > 0,
  };
}

type Source = RolloutsRequest['sources'];

const kindsOf: Readonly<Record<Source, readonly string[]>> = {
  rollouts: ['rollout', 'hybrid'],
  demonstrations: ['demonstration'],
  evaluations: ['evaluation', 'probe'],
};

/** Rows are in the order of their steps, save for a resumed run, whose dropped rows do not count. */
function rowsBetween(
  index: RolloutIndex,
  attempts: readonly Attempt[],
  request: RolloutsRequest,
  fromStep: number,
  toStep: number,
  end: number,
): number[] {
  const kinds = kindsOf[request.sources];
  const mayBeDropped = attempts.length > 1;
  const rows: number[] = [];
  for (let row = 0; row < end; row += 1) {
    const step = index.numbers.step.values[row] ?? NaN;
    if (!(step >= fromStep && step <= toStep)) continue;
    if (!kinds.includes(index.kinds[row] ?? '')) continue;
    if (mayBeDropped && !isCurrent(index, row, attempts)) continue;
    rows.push(row);
  }
  return rows;
}

/** As many steps before the range as it has; none at the beginning of a run. */
function stepsBefore(
  index: RolloutIndex,
  attempts: readonly Attempt[],
  request: RolloutsRequest,
  end: number,
): readonly number[] | undefined {
  const length = request.toStep - request.fromStep + 1;
  const from = Math.max(1, request.fromStep - length);
  if (request.grouping !== 'opening' || from >= request.fromStep) return undefined;
  const rows = rowsBetween(index, attempts, request, from, request.fromStep - 1, end);
  return rows.length === 0 ? undefined : rows;
}

function countsOf(index: RolloutIndex, rows: readonly number[]): RolloutsAnswer['counts'] {
  const count = (filter: RolloutFilter): number =>
    rows.reduce((sum, row) => sum + Number(passes(index, row, filter)), 0);
  return { all: rows.length, right: count('right'), wrong: count('wrong'), truncated: count('truncated') };
}

function passes(index: RolloutIndex, row: number, filter: RolloutFilter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'right':
      return index.correct.values[row] === 1;
    case 'wrong':
      return index.correct.values[row] !== 1;
    case 'truncated':
      return index.truncated.values[row] === 1;
  }
}

function textFilter(index: RolloutIndex, text: string): Read<(row: number) => boolean> {
  if (text === '') return read(() => true);
  const pattern = /^\/(.*)\/([imsu]*)$/s.exec(text);
  if (pattern === null) {
    const wanted = text.toLowerCase();
    return read((row) => textOf(index, row).toLowerCase().includes(wanted));
  }
  try {
    const expression = new RegExp(pattern[1] ?? '', pattern[2]);
    return read((row) => expression.test(textOf(index, row)));
  } catch (error) {
    return broken(error instanceof Error ? error.message : 'no regular expression');
  }
}

function textOf(index: RolloutIndex, row: number): string {
  return `${index.promptIds[row] ?? ''} ${index.heads[row] ?? ''}`;
}

interface RowsOfGroup {
  readonly group: RolloutGroup;
  readonly rows: readonly number[];
}

function groupsOf(
  index: RolloutIndex,
  rows: readonly number[],
  rangeCount: number,
  before: readonly number[] | undefined,
  request: RolloutsRequest,
): RowsOfGroup[] {
  const labelOf = labeller(index, request.grouping);
  const byLabel = grouped(rows, labelOf);
  const ordered = orderedGroups(byLabel, request.grouping);
  const sharesBefore = before === undefined ? undefined : shares(before, labelOf, ordered);
  const compare = comparer(index, request.sort, request.descending);
  let first = 0;
  return ordered.map(([label, members]) => {
    const sorted = members.sort(compare);
    const group: RolloutGroup = {
      label,
      first,
      count: sorted.length,
      share: sorted.length / Math.max(1, rangeCount),
      shareBefore: sharesBefore?.get(label) ?? null,
      right: sorted.reduce((sum, row) => sum + valueAt(index.correct, row), 0) / sorted.length,
    };
    first += sorted.length;
    return { group, rows: sorted };
  });
}

function labeller(index: RolloutIndex, grouping: Grouping): (row: number) => string {
  switch (grouping) {
    case 'none':
      return () => '';
    case 'prompt':
      return (row) => index.promptIds[row] ?? '';
    case 'step':
      return (row) => `step ${valueAt(index.numbers.step, row)}`;
    case 'opening':
      return (row) => knownOpening(index, row);
  }
}

const openings = new WeakMap<RolloutIndex, string[]>();

/** The opening of a row, cut out once: a list of 100,000 rows is asked for again and again. */
function knownOpening(index: RolloutIndex, row: number): string {
  let known = openings.get(index);
  if (known === undefined) openings.set(index, (known = []));
  return (known[row] ??= openingOf(index.heads[row] ?? ''));
}

/** Tags and markup a response begins with say nothing of how it begins to reason. */
const leadingTag = /^(?:\s|<\|?[A-Za-z_]{1,20}\|?>)+/;
const openingWords = 3;
const openingCharacters = 32;

/** The first words of a response, without the tags before them; numbers are alike, so that a habit shows as one group. */
export function openingOf(head: string): string {
  const text = withoutLeadingTags(head);
  const firstLine = text.split('\n', 1)[0] ?? '';
  const words = firstLine.replaceAll(/\d+(?:[.,]\d+)*/g, '#').split(/\s+/, openingWords);
  return words.join(' ').slice(0, openingCharacters);
}

/** A head from where its words begin. */
export function withoutLeadingTags(head: string): string {
  return head.replace(leadingTag, '');
}

function grouped(rows: readonly number[], labelOf: (row: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const label = labelOf(row);
    const members = groups.get(label);
    if (members === undefined) groups.set(label, [row]);
    else members.push(row);
  }
  return groups;
}

/** What share of `rows` each of `groups` has; rows of no group of its own count for the last one, of others. */
function shares(
  rows: readonly number[],
  labelOf: (row: number) => string,
  groups: readonly [string, number[]][],
): Map<string, number> {
  const counts = new Map(groups.map(([label]) => [label, 0]));
  for (const row of rows) {
    const label = labelOf(row);
    const key = counts.has(label) ? label : otherOpenings;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new Map([...counts].map(([label, count]) => [label, count / rows.length]));
}

/** Openings that few share are one group, or the list would be as long as the rollouts. */
const mostOpenings = 20;
const otherOpenings = 'other openings';

function orderedGroups(groups: Map<string, number[]>, grouping: Grouping): [string, number[]][] {
  const entries = [...groups];
  // A map keeps the order of first appearance, which is the order of steps.
  if (grouping !== 'opening') return grouping === 'step' ? entries.reverse() : entries;
  entries.sort(([, a], [, b]) => b.length - a.length);
  const kept = entries.filter(([, rows], place) => place < mostOpenings && rows.length > 1);
  const others = entries.filter((entry) => !kept.includes(entry)).flatMap(([, rows]) => rows);
  return others.length === 0 ? kept : [...kept, [otherOpenings, others]];
}

function comparer(index: RolloutIndex, key: SortKey, descending: boolean): (a: number, b: number) => number {
  const sign = descending ? -1 : 1;
  if (key === 'prompt') {
    return (a, b) => sign * (index.promptIds[a] ?? '').localeCompare(index.promptIds[b] ?? '') || b - a;
  }
  const column = index.numbers[key];
  return (a, b) => {
    const first = valueAt(column, a);
    const second = valueAt(column, b);
    // Rows without a value stand last either way; among equals the newest first.
    if (Number.isNaN(first) || Number.isNaN(second))
      return Number(Number.isNaN(first)) - Number(Number.isNaN(second)) || b - a;
    return sign * (first - second) || b - a;
  };
}

function joined(parts: readonly (readonly number[])[]): Int32Array {
  const result = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function nullable(column: NumberColumn, row: number): number | null {
  const value = valueAt(column, row);
  return Number.isNaN(value) ? null : value;
}
