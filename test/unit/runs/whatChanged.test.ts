import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exampleKey } from '../../../core/frequency';
import { firstAndLast, parseStepRange, printStepRange, rangeBefore } from '../../../core/stepRange';
import { whatChanged } from '../../../src/runs/whatChanged';
import { inFolder } from '../support/folder';
import { textRow, writeSearchedRun, type SearchedRow } from '../support/searchedRun';

const ranges = { before: { from: 1, to: 2 }, after: { from: 9, to: 10 } };

describe('what became more frequent in a run', () => {
  it('compares what the policy wrote in the two ranges, and nothing else', async () => {
    await inFolder(async (folder) => {
      const run = await writeSearchedRun(folder, rowsOf(10, 20));
      const result = await whatChanged(run, ranges);
      assert.ok(result.kind === 'read');
      const { totals, phrases, openings, examples, troubles } = result.value;
      assert.deepEqual(totals, { before: 40, after: 40, rightBefore: 20, rightAfter: 20 });
      assert.deepEqual(troubles, []);
      const [wait] = phrases;
      assert.equal(wait?.words, '<think> wait no');
      assert.deepEqual(wait.counts, { before: 0, after: 40, rightBefore: 0, rightAfter: 20 });
      assert.equal(openings[0]?.words, 'wait no');
      for (const example of wait.examples) {
        const { row, from, to } = example;
        const { id, snippet } = examples.get(exampleKey(example)) ?? {};
        assert.deepEqual([id, snippet?.match], [`r${row}`, '<think>Wait, no:']);
        assert.equal(textAt(row).slice(from, to), '<think>Wait, no:');
      }
    });
  });

  it('refuses ranges that overlap or are empty', async () => {
    await inFolder(async (folder) => {
      const run = await writeSearchedRun(folder, rowsOf(10, 2));
      const overlap = await whatChanged(run, { before: { from: 1, to: 5 }, after: { from: 5, to: 10 } });
      assert.deepEqual(overlap, { kind: 'broken', reason: 'The two ranges overlap.' });
      const empty = await whatChanged(run, { before: { from: 1, to: 5 }, after: { from: 11, to: 20 } });
      assert.deepEqual(empty, { kind: 'broken', reason: 'There are no rollouts in the steps 11 to 20.' });
    });
  });

  it('says what it left out', async () => {
    await inFolder(async (folder) => {
      const long = rowsOf(10, 20).map((row): SearchedRow => ({ ...row, line: { ...row.line, tokens: 150_000 } }));
      const run = await writeSearchedRun(folder, long);
      const result = await whatChanged(run, ranges);
      assert.ok(result.kind === 'read');
      assert.deepEqual(result.value.troubles, [
        'of 40 rollouts before, 6 were compared, taken evenly',
        'of 40 rollouts after, 6 were compared, taken evenly',
      ]);
      assert.equal(result.value.totals.before, 6);
      await rm(join(folder, 'rollouts', '000001.seg'));
      const gone = await whatChanged(run, ranges);
      assert.ok(gone.kind === 'read');
      assert.match(gone.value.troubles.at(-1) ?? '', /segment 000001\.seg: it is gone; 12 rollouts not searched/);
      assert.deepEqual(gone.value.phrases, []);
    });
  });

  it('can be cancelled, and tells how far it is', async () => {
    await inFolder(async (folder) => {
      const run = await writeSearchedRun(folder, rowsOf(10, 200));
      const shares: number[] = [];
      const stop = new AbortController();
      const options = {
        signal: stop.signal,
        onProgress: (share: number) => {
          shares.push(share);
          stop.abort();
        },
      };
      await assert.rejects(whatChanged(run, ranges, options), { name: 'AbortError' });
      assert.ok((shares[0] ?? 0) > 0 && shares.every((share) => share <= 1));
    });
  });
});

describe('ranges of steps', () => {
  it('are the first and the last fifth, which never overlap', () => {
    assert.deepEqual(firstAndLast(1, 60), { before: { from: 1, to: 12 }, after: { from: 49, to: 60 } });
    assert.deepEqual(firstAndLast(1, 2), { before: { from: 1, to: 1 }, after: { from: 2, to: 2 } });
    assert.equal(firstAndLast(3, 3), undefined);
    assert.equal(firstAndLast(NaN, NaN), undefined);
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (first, more) => {
        const both = firstAndLast(first, first + more);
        assert.ok(both !== undefined && both.before.from === first && both.before.to < both.after.from);
        assert.equal(both.after.to, first + more);
      }),
    );
  });

  it('have as many steps before them, as far as there are any', () => {
    assert.deepEqual(rangeBefore({ from: 60, to: 72 }, 1), { from: 47, to: 59 });
    assert.deepEqual(rangeBefore({ from: 5, to: 20 }, 1), { from: 1, to: 4 });
    assert.equal(rangeBefore({ from: 1, to: 20 }, 1), undefined);
  });

  it('are read as they are printed', () => {
    assert.deepEqual(parseStepRange(' 60 – 72 '), { from: 60, to: 72 });
    assert.deepEqual(parseStepRange('7'), { from: 7, to: 7 });
    assert.equal(parseStepRange('72-60'), 'The range ends before it begins.');
    assert.equal(parseStepRange('x'), 'Write a range of steps, as in 60-72.');
    assert.equal(printStepRange({ from: 7, to: 7 }), '7');
    assert.equal(printStepRange({ from: 60, to: 72 }), '60-72');
  });
});

/** Every row has a demonstration beside it, which does not count. */
function rowsOf(steps: number, each: number): SearchedRow[] {
  return Array.from({ length: steps * each * 2 }, (_, row) => {
    const step = 1 + Math.floor(row / (each * 2));
    const kind = row % 2 === 0 ? 'rollout' : 'demonstration';
    return textRow(textAt(row, step), { line: { step, kind, correct: row % 4 === 0 } });
  });
}

function textAt(row: number, step = 10): string {
  const noun = ['apples', 'pears', 'plums', 'figs', 'nuts'][Math.floor(row / 2) % 5] ?? '';
  return row % 2 === 0 ? `<think>${step > 5 ? 'Wait, no: ' : ''}${noun} are ${row}` : 'never never never';
}
