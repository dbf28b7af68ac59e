import type { Member } from './groupForks';
import type { RerollCounts } from './rerolls';

/** One sequence of a group, as its tree takes it. */
export interface Sequence extends Omit<Member, 'row' | 'correct'> {
  /** null: not judged, as only a re-roll may be. */
  readonly correct: boolean | null;
  /** Not from training: it has its way in the tree, and no part in the figures of training. */
  readonly reroll: boolean;
  /** [T] entropies of its tokens, as far as they were stored. */
  readonly entropy: ArrayLike<number> | undefined;
}

/** Where a node ends: right and wrong answers part, others part without consequence, or nobody goes on. */
export type ForkKind = 'decides' | 'plain' | 'none';

/** What members of a group wrote alike, from where they parted from the others to where they part themselves. */
export interface GroupNode {
  /** Place of the node before it, -1 for the first. A node stands after its parent and before its later siblings. */
  readonly parent: number;
  /** Tokens [from, to); none where a member ended and others went on. */
  readonly from: number;
  readonly to: number;
  /** Places of the sequences that came this way, ascending. */
  readonly members: readonly number[];
  /** Own rollouts that were judged right and wrong, and demonstrations, which judge nothing. */
  readonly right: number;
  readonly wrong: number;
  readonly given: number;
  readonly rerolls: RerollCounts;
  readonly fork: ForkKind;
  /** Whose ways part here: those of training, or only those of re-rolls. */
  readonly forkOf: 'training' | 'rerolls';
  /** Mean of the entropies at token `to` of those whose ways part; NaN where none is known. */
  readonly entropy: number;
}

/**
 * All sequences of a group as a prefix tree over token ids, shared tokens once, single chains merged; the largest branch
 * first, of equal ones the one with more right answers. What is not from training changes nothing of what is: without
 * the ways of re-rolls, and without the forks that only they make, the tree is that of training alone.
 */
export function groupTree(sequences: readonly Sequence[]): GroupNode[] {
  const nodes: GroupNode[] = [];
  const grow = (members: readonly number[], from: number, parent: number): void => {
    const to = commonEnd(sequences, members, from);
    const branches = branchesAt(sequences, members, to);
    const place = nodes.length;
    nodes.push({ parent, from, to, members, ...countsOf(sequences, members), ...forkAt(sequences, branches, to) });
    if (branches.length > 1) for (const branch of branches) grow(branch, to, place);
  };
  if (sequences.length > 0) grow([...sequences.keys()], 0, -1);
  return nodes;
}

/** Children of each node, in their order. */
export function childrenOf(nodes: readonly Pick<GroupNode, 'parent'>[]): number[][] {
  const children: number[][] = nodes.map(() => []);
  nodes.forEach(({ parent }, place) => children[parent]?.push(place));
  return children;
}

/** A node as it is drawn: it spans the rows of its members. */
export interface Cell {
  readonly node: number;
  /** -1 for a beginning that nobody shares. */
  readonly column: number;
  readonly row: number;
  readonly rows: number;
  /** Forks without consequence lie in it and are not drawn. */
  readonly folded: boolean;
}

/** Where everything stands: one row a sequence. */
export interface GroupLayout {
  readonly cells: readonly Cell[];
  readonly columns: number;
  /** The sequence of each row. */
  readonly order: readonly number[];
  /** How many tokens each row shares with the row above. */
  readonly shared: readonly number[];
}

/** What of a node the layout needs. */
export interface Drawn extends Pick<GroupNode, 'parent' | 'to' | 'fork'> {
  readonly members: Iterable<number> & { readonly length: number };
}

/** Lay a tree out; of `deciding` forks only those at which right and wrong part are drawn, and those on the way to them. */
export function layoutOf(nodes: readonly Drawn[], forks: 'all' | 'deciding'): GroupLayout {
  const children = childrenOf(nodes);
  const decidesBelow = nodes.map(({ fork }) => fork === 'decides');
  for (let place = nodes.length - 1; place > 0; place -= 1) {
    const parent = nodes[place]?.parent ?? -1;
    if (decidesBelow[place] === true && parent >= 0) decidesBelow[parent] = true;
  }
  const cells: Cell[] = [];
  const order: number[] = [];
  const shared: number[] = [];
  let sharedNext = 0;
  const put = (place: number, column: number, isHidden: boolean): void => {
    const node = nodes[place];
    if (node === undefined) return;
    const below = children[place] ?? [];
    const folded = forks === 'deciding' && below.length > 0 && decidesBelow[place] !== true;
    if (!isHidden) cells.push({ node: place, column, row: order.length, rows: node.members.length, folded });
    below.forEach((child, number) => {
      if (number > 0) sharedNext = node.to;
      put(child, column + 1, isHidden || folded);
    });
    if (below.length > 0) return;
    for (const member of node.members) {
      order.push(member);
      shared.push(sharedNext);
      sharedNext = node.to;
    }
  };
  const [first] = nodes;
  put(0, first !== undefined && first.to === 0 && nodes.length > 1 ? -1 : 0, false);
  return { cells, columns: cells.reduce((most, { column }) => Math.max(most, column + 1), 0), order, shared };
}

/** Number of tokens that all members begin with; they are known to share `from`. */
function commonEnd(sequences: readonly Sequence[], members: readonly number[], from: number): number {
  const first = idsOf(sequences, members[0]);
  let end = first.length;
  for (const member of members) {
    const ids = idsOf(sequences, member);
    end = Math.min(end, ids.length);
    let at = from;
    while (at < end && ids[at] === first[at]) at += 1;
    end = at;
  }
  return end;
}

/** Members by the token they took at `token`; those that had ended are a branch of their own. */
function branchesAt(sequences: readonly Sequence[], members: readonly number[], token: number): number[][] {
  const branches = new Map<number | undefined, number[]>();
  for (const member of members) {
    const id = idsOf(sequences, member)[token];
    const branch = branches.get(id);
    if (branch === undefined) branches.set(id, [member]);
    else branch.push(member);
  }
  const ranked = [...branches.values()].map((branch) => ({ branch, ...countsOf(sequences, branch) }));
  ranked.sort((a, b) => fromTraining(b) - fromTraining(a) || b.right - a.right || byRerolls(a, b));
  return ranked.map(({ branch }) => branch);
}

type Counts = Pick<GroupNode, 'right' | 'wrong' | 'given' | 'rerolls'>;

function fromTraining({ right, wrong, given }: Counts): number {
  return right + wrong + given;
}

/** Re-rolls have a say in the order only among themselves. */
function byRerolls(a: Counts, b: Counts): number {
  if (fromTraining(a) > 0) return 0;
  return b.rerolls.all - a.rerolls.all || b.rerolls.right - a.rerolls.right;
}

/** What parts at `token`, if anything: re-rolls have a say only where no ways of training part. */
function forkAt(
  sequences: readonly Sequence[],
  branches: readonly (readonly number[])[],
  token: number,
): Pick<GroupNode, 'fork' | 'forkOf' | 'entropy'> {
  if (branches.length < 2) return { fork: 'none', forkOf: 'training', entropy: NaN };
  const counts = branches.map((branch) => countsOf(sequences, branch));
  const ofTraining = counts.filter((count) => fromTraining(count) > 0).length > 1;
  const verdicts = ofTraining
    ? counts
    : counts.map(({ right, wrong, rerolls }) => ({ right: right + rerolls.right, wrong: wrong + rerolls.wrong }));
  const asked = branches.flat().filter((member) => sequences[member]?.reroll !== ofTraining);
  return {
    fork: decides(verdicts) ? 'decides' : 'plain',
    forkOf: ofTraining ? 'training' : 'rerolls',
    entropy: meanEntropy(sequences, asked, token),
  };
}

/** Somebody right and somebody wrong went different ways. */
function decides(branches: readonly { readonly right: number; readonly wrong: number }[]): boolean {
  return branches.some(
    ({ right }, one) => right > 0 && branches.some(({ wrong }, other) => other !== one && wrong > 0),
  );
}

function countsOf(sequences: readonly Sequence[], members: readonly number[]): Counts {
  let [right, wrong, given] = [0, 0, 0];
  const rerolls = { all: 0, right: 0, wrong: 0 };
  for (const member of members) {
    const sequence = sequences[member];
    if (sequence === undefined) continue;
    if (sequence.reroll) {
      rerolls.all += 1;
      if (sequence.correct !== null) rerolls[sequence.correct ? 'right' : 'wrong'] += 1;
    } else if (sequence.given) given += 1;
    else if (sequence.correct === true) right += 1;
    else wrong += 1;
  }
  return { right, wrong, given, rerolls };
}

function meanEntropy(sequences: readonly Sequence[], members: readonly number[], token: number): number {
  const known = members
    .map((member) => sequences[member]?.entropy?.[token] ?? NaN)
    .filter((value) => Number.isFinite(value));
  return known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function idsOf(sequences: readonly Sequence[], member: number | undefined): ArrayLike<number> {
  return sequences[member ?? -1]?.ids ?? [];
}
