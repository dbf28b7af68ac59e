import { isSameGroup } from '../../core/rolloutIndex';
import { valueAt, type NumberColumn } from '../../core/columns';
import type { GroupBranch, GroupMessage, GroupSample } from '../../core/generated/group';
import { groupTree, type GroupNode, type Sequence } from '../../core/groupTree';
import { rerollName, rerollSource, type Reroll } from '../../core/rerolls';
import { rolloutText } from '../../core/rolloutColumns';
import { rolloutRow } from '../../core/rolloutList';
import { column, traceOf, type Trace } from '../../core/trace';
import { summed } from '../../core/traceOverlays';
import { flattened, sectionsOf } from '../../core/traceSections';
import { shownToken } from '../../core/traceWords';
import type { RunStore } from './runStore';

/** A sequence of a group as its view is told of it, and what the host needs to open its trace. */
export interface GroupMember {
  /** A rollout by its id within the run, a re-roll by its number within the group. */
  readonly name:
    { readonly kind: 'training'; readonly id: string } | { readonly kind: 'reroll'; readonly number: number };
  /** The response by itself, where its tokens were kept. */
  readonly trace: Trace | undefined;
  readonly sample: GroupSample;
  /** As the tree takes it. */
  readonly sequence: Sequence | undefined;
}

/** What training wrote to one prompt in one step. */
export interface TrainingGroup {
  readonly facts: Omit<GroupMessage, 'samples' | 'branches' | 'entropy' | 'ends'>;
  readonly members: readonly GroupMember[];
}

/** A group as its view is told of it; the members stand in the order of its samples. */
export interface ReadGroup {
  readonly message: GroupMessage;
  readonly samples: readonly GroupMember[];
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

/** Names the group of a row: its run and the first of its rollouts. */
export function groupKey(store: RunStore, row: number): string {
  const [first = row] = rowsOfGroup(store, row);
  return `${store.manifest.run_id} ${store.index.ids[first] ?? ''}`;
}

/** Read the group of a row: its samples with their figures, and the tree of those whose tokens were kept. */
export async function readGroup(store: RunStore, row: number, run: string): Promise<ReadGroup> {
  return groupWith(await readTraining(store, row, run), []);
}

/** Read what training wrote to the prompt of a row in its step. */
export async function readTraining(store: RunStore, row: number, run: string): Promise<TrainingGroup> {
  const { index } = store;
  const all = rowsOfGroup(store, row);
  const rows = all.length <= mostSequences ? all : firstOf(all, row);
  const records = await Promise.all(rows.map((one) => store.readRollout(one)));
  const traces = records.map((record) => (record.kind === 'read' ? traceOf(record.value, '') : undefined));
  const prompt = await store.readPrompt(row);
  const text = prompt.kind === 'read' ? rolloutText(prompt.value) : '';
  const own = all.filter((one) => index.kinds[one] !== 'demonstration');
  const missing = records.flatMap((record) => (record.kind === 'broken' ? [record.reason] : []));
  return {
    facts: {
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
      notes: notesOf(all.length, rows.length, missing),
    },
    members: rows.map((one, place) => ({
      name: { kind: 'training', id: index.ids[one] ?? '' },
      trace: traces[place],
      sample: sampleOf(store, one, traces[place]),
      sequence: sequenceOf(store, one, traces[place]),
    })),
  };
}

/** The group with re-rolls beside what training wrote, whose figures stay as they are. */
export function groupWith({ facts, members }: TrainingGroup, rerolls: readonly Reroll[]): ReadGroup {
  const samples = [...members, ...rerolls.map(memberOf)];
  const drawn = samples.flatMap(({ sequence }, place) => (sequence === undefined ? [] : [{ place, sequence }]));
  const tree = groupTree(drawn.map(({ sequence }) => sequence));
  const places = drawn.map(({ place }) => place);
  const message: GroupMessage = {
    ...facts,
    samples: samples.map(({ sample }) => sample),
    branches: tree.map((node) => branchOf(node, places, samples)),
    ...entropiesOf(samples.map(({ trace }) => trace)),
    notes: [...facts.notes, ...unjudgedNotes(rerolls)],
  };
  return { message, samples };
}

function memberOf(reroll: Reroll): GroupMember {
  const { number, record, state, verdict } = reroll;
  const trace = traceOf(record, '');
  const correct = verdict.kind === 'judged' ? verdict.correct : null;
  const sample: GroupSample = {
    label: rerollName(reroll),
    origin: 'reroll',
    detail: rerollSource(reroll),
    state,
    given: false,
    correct,
    isWaiting: verdict.kind === 'waiting',
    boxed: boxedIn(trace),
    reward: verdict.kind === 'judged' ? verdict.reward : null,
    advantage: null,
    tokens: record.tokens,
    truncated: state === 'limit',
  };
  const ids = record.columns.get('id')?.values ?? [];
  const entropy = column(trace, 'entropy');
  return {
    name: { kind: 'reroll', number },
    trace,
    sample,
    sequence: { ids, correct, given: false, reroll: true, entropy },
  };
}

/** Each reason once; of what was cut off its row says that. */
function unjudgedNotes(rerolls: readonly Reroll[]): string[] {
  const reasons = rerolls.flatMap(({ verdict, state }) =>
    verdict.kind === 'not judged' && state !== 'cut off' ? [verdict.reason] : [],
  );
  return [...new Set(reasons)].map((reason) => `Re-rolls are not judged: ${reason}.`);
}

/** The first of a large group, and the one that was asked for. */
function firstOf(all: readonly number[], row: number): number[] {
  const first = all.slice(0, mostSequences);
  return first.includes(row) ? first : [...first.slice(0, -1), row];
}

function sequenceOf({ index }: RunStore, row: number, trace: Trace | undefined): Sequence | undefined {
  const ids = trace?.record.columns.get('id')?.values;
  if (trace === undefined || ids === undefined) return undefined;
  return {
    ids,
    reroll: false,
    correct: valueAt(index.correct, row) === 1,
    given: index.kinds[row] === 'demonstration',
    entropy: column(trace, 'entropy'),
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
  return {
    ...{ label, origin: 'training', detail: null, state: 'ended', isWaiting: false },
    ...{ given, correct, boxed: boxedIn(trace), reward, advantage, tokens, truncated },
  };
}

function boxedIn(trace: Trace | undefined): string | null {
  if (trace === undefined) return null;
  const box = flattened(sectionsOf(trace.text, 0)).findLast(({ kind }) => kind === 'boxed');
  return box === undefined ? null : box.name.replace(/^\\boxed\s*\{(.*)\}$/, '$1');
}

function branchOf(node: GroupNode, places: readonly number[], samples: readonly GroupMember[]): GroupBranch {
  const { parent, from, to, right, wrong, given, rerolls, fork, forkOf } = node;
  const members = Int32Array.from(node.members, (member) => places[member] ?? -1);
  // What training recorded is not mixed with what a checkpoint says later.
  const isAsked = ({ name }: GroupMember): boolean => (name.kind === 'reroll') === (right + wrong + given === 0);
  const holders = Array.from(members, (place) => samples[place])
    .filter((sample) => sample !== undefined && isAsked(sample))
    .flatMap((sample) => sample?.trace ?? []);
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
    rerolls: rerolls.all,
    rerollsRight: rerolls.right,
    rerollsWrong: rerolls.wrong,
    fork,
    forkOf,
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
