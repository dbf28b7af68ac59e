import { computed, effect, signal } from '@preact/signals';
import type { ChooseSample, GroupBranch, GroupMessage, GroupSample } from '../core/generated/group';
import { childrenOf, layoutOf, type Cell } from '../core/groupTree';
import { listen, post } from './groupHost';
import { keepState, keptState } from './vsCodeApi';

/** What the view shows as a whole. */
export type GroupPage =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'trouble'; readonly reason: string }
  | { readonly kind: 'group'; readonly group: GroupMessage };

export const page = signal<GroupPage>({ kind: 'waiting' });

/** What a person chose; survives hiding the view. */
interface Choice {
  /** The sample that the group was opened from. */
  readonly opened: number;
  /** Only forks at which right and wrong part. */
  readonly only: boolean;
  readonly branch: number;
  readonly sample: number;
}

export const choice = signal<Choice>({ opened: -1, only: false, branch: 0, sample: 0 });

const none: readonly never[] = [];
const now = computed(() => (page.value.kind === 'group' ? page.value.group : null));

export const samples = computed<readonly GroupSample[]>(() => now.value?.samples ?? none);
export const branches = computed<readonly GroupBranch[]>(() => now.value?.branches ?? none);
export const children = computed(() => childrenOf(branches.value));

const isOnly = computed(() => choice.value.only);

/** Where everything stands; the sequences of its rows are places of samples. */
export const layout = computed(() => layoutOf(branches.value, isOnly.value ? 'deciding' : 'all'));

/** Samples in the order they are shown: those of the tree, then those whose tokens were not kept. */
export const shownOrder = computed(() => {
  const { order } = layout.value;
  return [...order, ...samples.value.map((_, place) => place).filter((place) => !order.includes(place))];
});

/** Cells whose forks are drawn, in the order of their tokens. */
export const forks = computed(() =>
  layout.value.cells
    .filter(({ node, folded }) => !folded && branches.value[node]?.fork !== 'none')
    .sort((a, b) => tokenOf(a.node) - tokenOf(b.node) || a.row - b.row),
);

/** The sample that is read where one of the chosen branch is meant: the chosen one, or the first of the branch. */
export const reader = computed(() => {
  const { branch, sample } = choice.value;
  const members = branches.value[branch]?.members;
  return members === undefined || members.includes(sample) ? sample : (firstOf(branch) ?? sample);
});

/** Token of a branch: the one at which its samples part, or the first of those that nobody else wrote. */
export function tokenOf(branch: number): number {
  const { from = 0, to = 0, fork = 'none' } = branches.value[branch] ?? {};
  return fork === 'none' ? from : to;
}

/** Entropies of a sample's tokens. */
export function entropyOf(sample: number): Float32Array {
  const group = now.value;
  if (group === null) return new Float32Array(0);
  return group.entropy.subarray(sample === 0 ? 0 : group.ends[sample - 1], group.ends[sample]);
}

/** The branch of a sample that has a token; the last one behind its end. */
export function branchAt(sample: number, token: number): number {
  let found = 0;
  branches.value.forEach(({ from, members }, place) => {
    if (from <= token && members.includes(sample)) found = place;
  });
  return found;
}

export function chooseBranch(branch: number): void {
  choice.value = { ...choice.peek(), branch };
}

/** Choose a sample, and where the chosen branch is another's, the end of its own. */
export function chooseSample(sample: number): void {
  const { branch } = choice.peek();
  const isOn = branches.peek()[branch]?.members.includes(sample) === true;
  choice.value = { ...choice.peek(), sample, branch: isOn ? branch : shown(branchAt(sample, Infinity)) };
}

/** Draw all forks, or only those with a consequence. */
export function showOnly(only: boolean): void {
  choice.value = { ...choice.peek(), only };
  choice.value = { ...choice.peek(), branch: shown(choice.peek().branch) };
}

/** The trace of a sample at a token; by default what is chosen. */
export function openToken(sample = reader.peek(), token = tokenOf(choice.peek().branch)): void {
  post({ kind: 'openToken', sample, token });
}

/** Let a checkpoint go on from a token of a sample; by default from what is chosen. */
export function reroll(sample = reader.peek(), token = tokenOf(choice.peek().branch)): void {
  post({ kind: 'reroll', sample, token });
}

/** Cut off what is being written. */
export function stopRerolls(): void {
  post({ kind: 'stopRerolls' });
}

/** Remove all re-rolls of the group. */
export function forgetRerolls(): void {
  post({ kind: 'forgetRerolls' });
}

/** The fork before or after what is chosen. */
export function goToFork(by: 1 | -1): void {
  const place = forks.peek().findIndex(({ node }) => node === choice.peek().branch);
  const next = forks.peek()[place === -1 && by === -1 ? forks.peek().length - 1 : place + by];
  if (next !== undefined) chooseBranch(next.node);
}

/** Column that a way up and down keeps to. */
let wantedColumn = 0;

/** Move as an arrow says; false where nothing lies there. */
export function move(way: 'left' | 'right' | 'up' | 'down'): boolean {
  const { cells } = layout.peek();
  const cell = cells.find(({ node }) => node === choice.peek().branch) ?? cells[0];
  const target = cell === undefined ? undefined : neighbour(cells, cell, way);
  if (target === undefined) return false;
  if (way === 'left' || way === 'right') wantedColumn = target.column;
  chooseBranch(target.node);
  return true;
}

/** Listen to the host and say that we do. */
export function connect(): void {
  listen((message) => {
    if (message.kind === 'trouble') {
      page.value = { kind: 'trouble', reason: message.message };
      return;
    }
    if (message.kind === 'choose') {
      chooseTold(message);
      return;
    }
    const before = kept ?? choice.peek();
    const place = kept === undefined ? placeOf(before.branch) : undefined;
    kept = undefined;
    page.value = { kind: 'group', group: message };
    const isSame = before.opened === message.opened && before.sample < message.samples.length;
    const branch = place === undefined ? before.branch : branchAt(place.sample, place.token);
    choice.value =
      isSame && branch < message.branches.length ? { ...before, branch } : firstChoice(message, before.only);
    // What a person had chosen may be folded into another now.
    choice.value = { ...choice.peek(), branch: shown(choice.peek().branch) };
  });
  effect(() => {
    // Kept at once, so that a reload during the first reading brings the view back too.
    keepState({ choice: page.value.kind === 'group' ? choice.value : kept });
  });
  tellChosen();
  post({ kind: 'ready' });
}

/** Choose a sample, or the fork that leads to a token of it. */
function chooseTold({ sample, token }: ChooseSample): void {
  if (sample >= samples.peek().length) return;
  if (token === null) chooseSample(sample);
  else choice.value = { ...choice.peek(), sample, branch: shown(branchAt(sample, token - 1)) };
}

/** What names a branch in a tree that grows: somebody who came that way, and the last token of it. */
function placeOf(branch: number): { readonly sample: number; readonly token: number } | undefined {
  const { members, from = 0, to = 0 } = branches.peek()[branch] ?? {};
  const sample = members?.[0];
  return sample === undefined ? undefined : { sample, token: Math.max(from, to - 1) };
}

/** Say which sample is read, once it is another than the one that the view began with. */
function tellChosen(): void {
  let told: number | undefined;
  effect(() => {
    const sample = page.value.kind === 'group' ? reader.value : undefined;
    if (sample !== undefined && told !== undefined && sample !== told) post({ kind: 'chosen', sample });
    told = sample;
  });
}

/** What was chosen before the view was hidden, until it is told its group. */
let kept = restored(keptState());

/** The first fork on the way of the sample at which right and wrong part, else the first of all. */
function firstChoice({ opened, branches: all }: GroupMessage, only: boolean): Choice {
  const onWay = all.findIndex(({ fork, members }) => fork === 'decides' && members.includes(opened));
  const first = onWay === -1 ? all.findIndex(({ fork }) => fork !== 'none') : onWay;
  return { opened, only, branch: Math.max(0, first), sample: Math.max(0, opened) };
}

function restored(state: unknown): Choice | undefined {
  if (typeof state !== 'object' || state === null || !('choice' in state)) return undefined;
  const { choice: values } = state;
  if (typeof values !== 'object' || values === null) return undefined;
  const { opened, only, branch, sample } = { opened: NaN, only: NaN, branch: NaN, sample: NaN, ...values } as Record<
    keyof Choice,
    unknown
  >;
  if (typeof opened !== 'number' || typeof branch !== 'number' || typeof sample !== 'number') return undefined;
  return { opened, only: only === true, branch, sample };
}

/** The branch, or the one that it is folded into. */
function shown(branch: number): number {
  const drawn = new Set(layout.peek().cells.map(({ node }) => node));
  let at = branch;
  while (at > 0 && !drawn.has(at)) at = branches.peek()[at]?.parent ?? 0;
  return at;
}

function firstOf(branch: number): number | undefined {
  const members = branches.value[branch]?.members;
  const inOrder = layout.value.order.filter((place) => members?.includes(place));
  return inOrder.find((place) => samples.value[place]?.given === false) ?? inOrder[0];
}

function neighbour(cells: readonly Cell[], cell: Cell, way: 'left' | 'right' | 'up' | 'down'): Cell | undefined {
  switch (way) {
    case 'left':
      return cells.find(({ node }) => node === branches.peek()[cell.node]?.parent);
    case 'right': {
      const below = cells.filter(({ node }) => branches.peek()[node]?.parent === cell.node);
      return below.find(({ node }) => branches.peek()[node]?.members.includes(reader.peek())) ?? below[0];
    }
    case 'up':
    case 'down': {
      const row = way === 'up' ? cell.row - 1 : cell.row + cell.rows;
      const column = Math.max(wantedColumn, cell.column);
      return cells
        .filter((other) => other.row <= row && row < other.row + other.rows && other.column <= column)
        .sort((a, b) => b.column - a.column)[0];
    }
  }
}
