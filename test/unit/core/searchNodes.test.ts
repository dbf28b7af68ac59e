import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FrequencyChange, FrequencyChanges, FrequencyExample } from '../../../core/frequency';
import { changeNodes, hitNode, stepNode, type ShownHit } from '../../../core/searchNodes';
import { snippetAt } from '../../../core/snippet';
import { hiddenCharacters, visibleMessage } from '../../../core/visibleWords';

describe('a row of what was found', () => {
  it('is one visible line with the match in it, whatever the text', () => {
    const places = fc
      .string({ unit: 'binary', maxLength: 400 })
      .chain((text) =>
        fc
          .tuple(fc.nat(text.length), fc.nat(text.length))
          .map(([a, b]) => ({ text, from: Math.min(a, b), to: Math.max(a, b) })),
      );
    fc.assert(
      fc.property(places, ({ text, from, to }) => {
        const snippet = snippetAt(text, { from, to, count: 1 });
        assert.ok(text.slice(from, to).startsWith(snippet.match));
        const { label, highlights } = hitNode(hitOf({ snippet, from, to }));
        assert.ok(label.length > 0 && label.length <= 241);
        assert.deepEqual(hiddenCharacters(label), []);
        assert.ok(!/[\n\r]/.test(label));
        for (const [start, end] of highlights) assert.ok(start >= 0 && start < end && end <= label.length);
      }),
    );
  });

  it('highlights the match and says how the rollout went', () => {
    const text = `${'so '.repeat(20)}Wait,\nno${' and on'.repeat(30)}`;
    const snippet = snippetAt(text, { from: 60, to: 68, count: 2 });
    const node = hitNode(hitOf({ snippet, from: 60, to: 68, count: 2, reward: 0.25, correct: false }));
    assert.ok(node.label.startsWith('…') && node.label.endsWith('…'));
    assert.deepEqual(
      node.highlights.map(([start, end]) => node.label.slice(start, end)),
      ['Wait, no'],
    );
    assert.equal(node.description, 'reward 0.25 · 2 ×');
    assert.equal(node.icon, 'wrong');
    assert.deepEqual(node.opens, { id: 'a1-s1-g0-0', from: 60, to: 68 });
  });

  it('counts under its step', () => {
    const hits = [hitNode(hitOf({})), hitNode(hitOf({ correct: false }))];
    const node = stepNode(7, hits, true);
    assert.deepEqual([node.label, node.description, node.isOpen], ['Step 7', '2 rollouts, 1 right', true]);
  });
});

describe('a message about a query', () => {
  it('is no link, whatever the names in it', () => {
    const message = visibleMessage('There is no figure “[so](command:workbench.action.quit)\u202e”');
    assert.equal(message, 'There is no figure “[so] (command:workbench.action.quit)⟨U+202E⟩”');
  });
});

describe('rows of what became more frequent', () => {
  it('show shares before and after, right and wrong, and what may be chance', () => {
    const changes: FrequencyChanges = {
      totals: { before: 200, after: 100, rightBefore: 50, rightAfter: 60 },
      openings: [],
      phrases: [
        change({
          words: 'wait no',
          counts: { before: 1, after: 50, rightBefore: 1, rightAfter: 20 },
          score: 9,
          isSure: true,
        }),
        change({
          words: 'the \u202eanswer',
          counts: { before: 20, after: 0, rightBefore: 5, rightAfter: 0 },
          score: -3,
        }),
      ],
    };
    const [up, down, ...more] = changeNodes(changes, exampleOf);
    assert.deepEqual(more, []);
    assert.equal(up?.label, 'Phrases, more frequent');
    assert.deepEqual(
      [up.children[0]?.label, up.children[0]?.description],
      ['wait no', '0.5 % → 50 % · right 100 % → 40 %'],
    );
    assert.deepEqual(
      up.children[0]?.children.map(({ opens }) => opens),
      [{ id: 'r3', from: 4, to: 9 }],
    );
    assert.equal(down?.children[0]?.label, 'the ⟨U+202E⟩answer');
    assert.equal(down.children[0].description, '10 % → 0 % · right 25 % → – · may be chance');
  });

  it('have names of their own', () => {
    const both = { openings: [change({})], phrases: [change({}), change({ score: -9 })] };
    const nodes = changeNodes({ totals: { before: 9, after: 9, rightBefore: 1, rightAfter: 1 }, ...both }, exampleOf);
    const names = nodes.flatMap(({ id, children }) => [
      id,
      ...children.flatMap((child) => [child.id, ...child.children.map((one) => one.id)]),
    ]);
    assert.equal(new Set(names).size, names.length);
  });
});

function exampleOf({ row, from, to }: FrequencyExample): ShownHit {
  return hitOf({ id: `r${row}`, from, to });
}

function hitOf(some: Partial<ShownHit>): ShownHit {
  const snippet = { before: '', match: 'a', after: '' };
  return { id: 'a1-s1-g0-0', step: 1, reward: 1, correct: true, snippet, from: 0, to: 1, count: 1, ...some };
}

function change(some: Partial<FrequencyChange>): FrequencyChange {
  const counts = { before: 0, after: 9, rightBefore: 0, rightAfter: 1 };
  return {
    words: 'so',
    counts,
    score: 9,
    isSure: false,
    folded: ['of'],
    examples: [{ row: 3, from: 4, to: 9 }],
    ...some,
  };
}
