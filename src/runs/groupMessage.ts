import { isSameGroup } from '../../core/rolloutIndex';
import { valueAt, type NumberColumn } from '../../core/columns';
import type { GroupBranch, GroupMessage, GroupSample } from '../../core/generated/group';
import { groupTree, type GroupNode, type Sequence } from '../../core/groupTree';
import { rolloutText } from '../../core/rolloutColumns';
import { rolloutRow } from '../../core/rolloutList';
import { column, traceOf, type Trace } from '../../core/trace';
import { summed } from '../../core/traceOverlays';
import { flattened, sectionsOf } from '../../core/traceSections';
import { shownToken } from '../../core/traceWords';
import type { RunStore } from './runStore';

/** A group as its view is told of it, and what the host needs to open its traces. */
export interface ReadGroup {
  readonly message: GroupMessage;
  /** For each sample its id and, where its tokens were kept, the response by itself. */
  readonly samples: readonly { readonly id: string; readonly trace: Trace | undefined }[];
}

/** Sequences beyond these are not drawn. */
const mostSequences = 128;
const mostPromptCharacters = 4000;
const mostHeadCharacters = 400;
const tailCharacters = 120;

/** Rows of the group of a row: they stand side by side in the index. */
export function rowsOfGroup({ index }: RunStore, row: number): number[] {
  const isSame = (other: number): boolean => isSameGroup(index, other, row);
  let first = row;
  while (first > 0 && isSame(first - 1)) first -= 1;
  let end = row + 1;
  while (end < index.length && isSame(end)) end += 1;
  return Array.from({ length: end - first }, (_, place) => first + place);
}

/** Read the group of a row: its samples with their figures, and the tree of those whose tokens were kept. */
export async function readGroup(store: RunStore, row: number, run: string): Promise<ReadGroup> {
  const { index } = store;
  const all = rowsOfGroup(store, row);
  const rows = all.length <= mostSequences ? all : firstOf(all, row);
  const records = await Promise.all(rows.map((one) => store.readRollout(one)));
  const traces = records.map((record) => (record.kind === 'read' ? traceOf(record.value, '') : undefined));
  const prompt = await store.readPrompt(row);
  const text = prompt.kind === 'read' ? rolloutText(prompt.value) : '';
  const own = all.filter((one) => index.kinds[one] !== 'demonstration');
  const missing = records.flatMap((record) => (record.kind === 'broken' ? [record.reason] : []));
  const drawn = rows.flatMap((one, place) => {
    const ids = traces[place]?.record.columns.get('id')?.values;
    return ids === undefined ? [] : [{ place, sequence: sequenceOf(store, one, ids, traces[place]) }];
  });
  const tree = groupTree(drawn.map(({ sequence }) => sequence));
  const places = drawn.map(({ place }) => place);
  const message: GroupMessage = {
    kind: 'group',
    run,
    step: valueAt(index.numbers.step, row),
    prompt: index.promptIds[row] ?? '',
    text: cutEnd(text, mostPromptCharacters),
    characters: text.length,
    sequences: all.length,
    reward: meanOf(index.numbers.reward, own),
    meanEntropy: meanEntropy(rows.map((one, place) => (own.includes(one) ? traces[place] : undefined))),
    opened: rows.indexOf(row),
    samples: rows.map((one, place) => sampleOf(store, one, traces[place])),
    branches: tree.map((node) => branchOf(node, places, traces)),
    ...entropiesOf(traces),
    notes: notesOf(all.length, rows.length, missing),
  };
  return { message, samples: rows.map((one, place) => ({ id: index.ids[one] ?? '', trace: traces[place] })) };
}

/** The first of a large group, and the one that was asked for. */
function firstOf(all: readonly number[], row: number): number[] {
  const first = all.slice(0, mostSequences);
  return first.includes(row) ? first : [...first.slice(0, -1), row];
}

function sequenceOf({ index }: RunStore, row: number, ids: ArrayLike<number>, trace: Trace | undefined): Sequence {
  return {
    ids,
    correct: valueAt(index.correct, row) === 1,
    given: index.kinds[row] === 'demonstration',
    entropy: trace === undefined ? undefined : column(trace, 'entropy'),
  };
}

function sampleOf({ index }: RunStore, row: number, trace: Trace | undefined): GroupSample {
  const { reward, advantage, tokens, truncated, correct } = rolloutRow(index, row);
  const kind = index.kinds[row] ?? '';
  const number = valueAt(index.numbers.index, row);
  const given = kind === 'demonstration';
  const named = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
  // The number of a demonstration is that of its row; a group has one.
  const label = given ? named : `${named} ${number}`;
  return { label, given, correct, boxed: boxedIn(trace), reward, advantage, tokens, truncated };
}

function boxedIn(trace: Trace | undefined): string | null {
  if (trace === undefined) return null;
  const box = flattened(sectionsOf(trace.text, 0)).findLast(({ kind }) => kind === 'boxed');
  return box === undefined ? null : box.name.replace(/^\\boxed\s*\{(.*)\}$/, '$1');
}

function branchOf(node: GroupNode, places: readonly number[], traces: readonly (Trace | undefined)[]): GroupBranch {
  const { parent, from, to, right, wrong, given, fork } = node;
  const members = Int32Array.from(node.members, (member) => places[member] ?? -1);
  const holders = Array.from(members, (place) => traces[place]).filter((trace) => trace !== undefined);
  const trace = holders.find(({ trouble }) => trouble === null);
  const text = trace === undefined ? '' : trace.text.slice(trace.starts[from] ?? 0, trace.starts[to] ?? 0);
  const isLong = text.length > mostHeadCharacters + tailCharacters;
  // What is above 1 is no probability, whatever the record says.
  const probabilities = holders
    .map((holder) => Math.exp(column(holder, 'logprob')?.[from] ?? NaN))
    .filter((value) => value <= 1.001);
  return {
    parent,
    from,
    to,
    members,
    right,
    wrong,
    given,
    fork,
    entropy: Number.isFinite(node.entropy) ? node.entropy : null,
    first: to === from || trace === undefined ? null : shownToken(trace, from),
    probability: to === from ? null : meanOrNull(probabilities),
    head: isLong ? cutEnd(text, mostHeadCharacters) : text,
    tail: isLong ? cutBeginning(text, tailCharacters) : '',
  };
}

function entropiesOf(traces: readonly (Trace | undefined)[]): Pick<GroupMessage, 'entropy' | 'ends'> {
  const parts = traces.map((trace) => {
    if (trace === undefined) return new Float32Array(0);
    return column(trace, 'entropy') ?? new Float32Array(trace.record.tokens).fill(NaN);
  });
  const ends = new Int32Array(parts.length);
  const entropy = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  parts.forEach((part, place) => {
    entropy.set(part, at);
    at += part.length;
    ends[place] = at;
  });
  return { entropy, ends };
}

function notesOf(sequences: number, drawn: number, missing: readonly string[]): string[] {
  const [reason] = missing;
  return [
    ...(drawn < sequences ? [`${drawn} of ${sequences} sequences are drawn.`] : []),
    ...(reason === undefined
      ? []
      : missing.length === drawn
        ? [`There is no tree to show: ${reason}.`]
        : [`${missing.length} of ${drawn} sequences are not in the tree: ${reason}.`]),
  ];
}

function meanOf(values: NumberColumn, rows: readonly number[]): number | null {
  return meanOrNull(rows.map((row) => valueAt(values, row)).filter((value) => Number.isFinite(value)));
}

/** Over all tokens of the traces, each token once. */
function meanEntropy(traces: readonly (Trace | undefined)[]): number | null {
  const sums = traces.flatMap((trace) => {
    const values = trace === undefined ? undefined : column(trace, 'entropy');
    return values === undefined ? [] : [summed(values, 0, values.length)];
  });
  const count = sums.reduce((total, one) => total + one.count, 0);
  return count === 0 ? null : sums.reduce((total, { sum }) => total + sum, 0) / count;
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The first characters, without half of one. */
function cutEnd(text: string, most: number): string {
  return text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '');
}

function cutBeginning(text: string, most: number): string {
  return text.slice(-most).replace(/^[\uDC00-\uDFFF]/, '');
}
