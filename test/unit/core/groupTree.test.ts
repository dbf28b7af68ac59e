import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sharedPrefix } from '../../../core/groupForks';
import { childrenOf, groupTree, layoutOf, type GroupNode, type Sequence } from '../../../core/groupTree';

const sequence = fc.record({
  ids: fc.array(fc.nat(2), { maxLength: 6 }),
  correct: fc.boolean(),
  given: fc.boolean(),
  reroll: fc.constant(false),
  entropy: fc.option(fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 6, maxLength: 6 }), {
    nil: undefined,
  }),
});
const groups = fc.array(sequence, { minLength: 1, maxLength: 9 });
const rerolls = fc.array(
  fc.record({
    ...{ ids: fc.array(fc.nat(2), { maxLength: 6 }), correct: fc.option(fc.boolean()) },
    ...{ given: fc.constant(false), reroll: fc.constant(true) },
    entropy: fc.constant([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
  }),
  { maxLength: 9 },
);

/**
 * The tree of training within one that has re-rolls, a line a node: nodes that only re-rolls came to are left out, and a
 * node before a fork that only they make goes on in the one of training behind it.
 */
function trainingLines(nodes: readonly GroupNode[], sequences: readonly Sequence[]): string[] {
  const isTraining = ({ right, wrong, given }: GroupNode): boolean => right + wrong + given > 0;
  const kept = nodes.filter((node) => isTraining(node) && (node.fork === 'none' || node.forkOf === 'training'));
  return linesOf(
    kept.map((node) => ({ ...node, members: node.members.filter((member) => sequences[member]?.reroll === false) })),
    sequences,
  );
}

/** What a tree says, a line for each fork and each end: who came along which tokens, and what it is. */
function linesOf(nodes: readonly GroupNode[], sequences: readonly Sequence[]): string[] {
  return nodes.map(({ to, members, right, wrong, given, fork, entropy }) => {
    const ids = Array.from(sequences[members[0] ?? -1]?.ids ?? []).slice(0, to);
    return `${ids.join()} by ${members.join()}: ${right} ${wrong} ${given} ${fork} ${entropy.toFixed(9)}`;
  });
}

/** The same by looking at every prefix there is. */
function linesByForce(sequences: readonly Sequence[]): string[] {
  const lines: string[] = [];
  const places = sequences.map((_, place) => place);
  const idsOf = (place: number): number[] => Array.from(sequences[place]?.ids ?? []);
  const prefixes = new Set(places.flatMap((place) => idsOf(place).map((_, end) => idsOf(place).slice(0, end).join())));
  for (const whole of places.map((place) => idsOf(place).join())) prefixes.add(whole);
  for (const key of prefixes) {
    const prefix = key === '' ? [] : key.split(',').map(Number);
    const here = places.filter((place) => idsOf(place).slice(0, prefix.length).join() === key);
    const next = (place: number): number | undefined => idsOf(place)[prefix.length];
    const line = (members: readonly number[], fork: string, entropy: number): string => {
      const own = members.filter((place) => sequences[place]?.given === false);
      const right = own.filter((place) => sequences[place]?.correct).length;
      return `${key} by ${members.join()}: ${right} ${own.length - right} ${members.length - own.length} ${fork} ${entropy.toFixed(9)}`;
    };
    if (new Set(here.map(next)).size > 1) {
      const decides = here.some((one) =>
        here.some((other) => {
          const [a, b] = [sequences[one], sequences[other]];
          return (
            next(one) !== next(other) &&
            a?.given === false &&
            b?.given === false &&
            a.correct === true &&
            b.correct === false
          );
        }),
      );
      const known = here.flatMap((place) => sequences[place]?.entropy?.[prefix.length] ?? []);
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      lines.push(line(here, decides ? 'decides' : 'plain', mean));
    }
    const ended = here.filter((place) => next(place) === undefined);
    if (ended.length > 0) lines.push(line(ended, 'none', NaN));
  }
  return lines;
}

describe('the tree of a group', () => {
  it('is the one that is found by looking at every prefix', () => {
    fc.assert(
      fc.property(groups, (sequences) => {
        const nodes = groupTree(sequences);
        assert.deepEqual(linesOf(nodes, sequences).sort(), linesByForce(sequences).sort());
        nodes.forEach(({ parent, from }, place) => {
          assert.ok(parent < place);
          assert.equal(from, nodes[parent]?.to ?? 0);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('has the largest branch first, of equal ones the one with more right answers', () => {
    fc.assert(
      fc.property(groups, (sequences) => {
        const nodes = groupTree(sequences);
        for (const below of childrenOf(nodes)) {
          const ranks = below.map((place) => (nodes[place]?.members.length ?? 0) * 100 + (nodes[place]?.right ?? 0));
          assert.deepEqual(
            ranks,
            [...ranks].sort((a, b) => b - a),
          );
        }
      }),
    );
  });

  it('is drawn with one row a sequence, cells within their parents’ rows and none over another', () => {
    fc.assert(
      fc.property(groups, fc.constantFrom('all' as const, 'deciding' as const), (sequences, forks) => {
        const nodes = groupTree(sequences);
        const { cells, columns, order, shared } = layoutOf(nodes, forks);
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          sequences.map((_, place) => place),
        );
        order.forEach((member, row) => {
          const above = sequences[order[row - 1] ?? -1]?.ids ?? [];
          assert.equal(shared[row], sharedPrefix(above, sequences[member]?.ids ?? []));
        });
        const taken = new Set<string>();
        for (const { node, column, row, rows } of cells) {
          assert.ok(column < columns);
          assert.deepEqual(
            order.slice(row, row + rows).sort((a, b) => a - b),
            nodes[node]?.members,
          );
          for (let at = row; at < row + rows; at += 1) {
            assert.ok(!taken.has(`${column} ${at}`));
            taken.add(`${column} ${at}`);
          }
          const parent = cells.find((cell) => cell.node === nodes[node]?.parent);
          assert.equal(parent?.column ?? column - 1, column - 1);
        }
      }),
    );
  });

  it('folds what has no consequence, and keeps every fork that has', () => {
    fc.assert(
      fc.property(groups, (sequences) => {
        const nodes = groupTree(sequences);
        const shown = new Set(layoutOf(nodes, 'deciding').cells.map(({ node }) => node));
        nodes.forEach(({ fork }, place) => {
          if (fork === 'decides') assert.ok(shown.has(place));
        });
        for (const { node, folded } of layoutOf(nodes, 'deciding').cells) {
          const isOpen = nodes.some(({ parent }, place) => parent === node && shown.has(place));
          assert.equal(folded, nodes[node]?.fork === 'plain' && !isOpen);
        }
      }),
    );
  });

  it('a small one by hand', () => {
    const of = (ids: number[], correct: boolean, given = false): Sequence => ({
      ids,
      correct,
      given,
      reroll: false,
      entropy: ids.map((_, token) => token / 10),
    });
    const nodes = groupTree([
      of([1, 2, 3], false),
      of([1, 2, 4, 5], true),
      of([1, 2, 4], true),
      of([1, 9], true, true),
    ]);
    assert.deepEqual(
      nodes.map(({ parent, from, to, members, fork }) => [parent, from, to, members.join(), fork]),
      [
        [-1, 0, 1, '0,1,2,3', 'plain'],
        [0, 1, 2, '0,1,2', 'decides'],
        [1, 2, 3, '1,2', 'plain'],
        [2, 3, 4, '1', 'none'],
        [2, 3, 3, '2', 'none'],
        [1, 2, 3, '0', 'none'],
        [0, 1, 2, '3', 'none'],
      ],
    );
    assert.ok(Math.abs((nodes[1]?.entropy ?? NaN) - 0.2) < 1e-9);
  });

  it('of training is the same with re-rolls beside it: nodes, counts, forks, entropies and order', () => {
    fc.assert(
      fc.property(groups, rerolls, (training, others) => {
        const all = [...training, ...others];
        const alone = groupTree(training);
        const nodes = groupTree(all);
        assert.deepEqual(trainingLines(nodes, all), trainingLines(alone, training));
        const orderOf = (tree: readonly GroupNode[]): readonly number[] => layoutOf(tree, 'all').order;
        assert.deepEqual(
          orderOf(nodes).filter((member) => member < training.length),
          orderOf(alone),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('counts re-rolls by themselves, and lets them part only where training does not', () => {
    fc.assert(
      fc.property(groups, rerolls, (training, others) => {
        const all = [...training, ...others];
        for (const { members, rerolls: counts, fork, forkOf, to } of groupTree(all)) {
          const here = members.flatMap((member) => all[member] ?? []);
          const told = here.filter(({ reroll }) => reroll).map(({ correct }) => correct);
          assert.deepEqual(counts, {
            all: told.length,
            right: told.filter((correct) => correct === true).length,
            wrong: told.filter((correct) => correct === false).length,
          });
          const ways = new Set(here.filter(({ reroll }) => !reroll).map(({ ids }) => Array.from(ids)[to]));
          if (fork !== 'none') assert.equal(forkOf, ways.size > 1 ? 'training' : 'rerolls');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a re-roll that is right parts from a rollout that is wrong, one that is not judged does not', () => {
    const of = (ids: number[], correct: boolean | null, reroll: boolean): Sequence => ({
      ...{ ids, correct, given: false, reroll, entropy: undefined },
    });
    const forks = (correct: boolean | null): (readonly [string, string])[] =>
      groupTree([of([1, 2, 3], false, false), of([1, 4, 5], correct, true)]).map(({ fork, forkOf }) => [fork, forkOf]);
    assert.deepEqual(forks(true)[0], ['decides', 'rerolls']);
    assert.deepEqual(forks(false)[0], ['plain', 'rerolls']);
    assert.deepEqual(forks(null)[0], ['plain', 'rerolls']);
  });
});
