import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { validateToGroupView } from '../../../core/generated/groupValidators.mjs';
import { readGroup, rowsOfGroup } from '../../../src/runs/groupMessage';
import { RunStore } from '../../../src/runs/runStore';
import { inFolder } from '../support/folder';
import { step, writeRun, type WrittenRow } from '../support/writtenRun';

async function opened(directory: string): Promise<RunStore> {
  const store = await RunStore.open(directory);
  assert.ok(store.kind === 'read', store.kind === 'broken' ? store.reason : '');
  await store.value.readAll();
  return store.value;
}

const row = (index: number, more: Partial<WrittenRow> = {}): WrittenRow => ({
  id: `a1-s1-g0-${index}`,
  kind: 'rollout',
  text: 'x'.repeat(index + 1),
  correct: index % 2 === 0,
  ...more,
});

describe('the group of a rollout', () => {
  it('is all that was written to its prompt in its step, as a tree', async () => {
    const store = await opened(join(process.cwd(), 'test/fixtures/runs/trained'));
    const row = store.index.rowOfId.get('a1-s2-g0-0') ?? -1;
    assert.equal(rowsOfGroup(store, row).length, 6);
    const { message, samples } = await readGroup(store, row, 'trained');
    assert.ok(validateToGroupView(message), JSON.stringify(validateToGroupView.errors));
    assert.deepEqual(
      message.samples.map(({ label, correct, tokens }) => [label, correct, tokens]),
      [
        ['Rollout 0', true, 63],
        ['Rollout 1', true, 57],
        ['Rollout 2', true, 59],
        ['Rollout 3', false, 69],
        ['Rollout 4', true, 57],
        ['Demonstration', true, 43],
      ],
    );
    assert.equal(message.opened, 0);
    assert.equal(message.reward, 0.8);
    assert.match(message.text, /<\|im_start\|>user/);
    const [first] = message.branches;
    assert.deepEqual([first?.right, first?.wrong, first?.given], [4, 1, 1]);
    assert.equal(message.entropy.length, message.ends.at(-1));
    assert.ok(message.entropy.every((value) => Number.isFinite(value)));
    // Along each leaf the texts of its branches are the response.
    message.branches.forEach(({ fork, members }, place) => {
      if (fork !== 'none') return;
      let text = '';
      for (let at = place; at >= 0; at = message.branches[at]?.parent ?? -1)
        text = `${message.branches[at]?.head ?? ''}${text}`;
      for (const member of members) assert.equal(text, samples[member]?.trace?.text);
    });
    // Who takes a branch has the probability of its first token in the record.
    const taken = message.branches.filter(({ parent, first: words }) => parent >= 0 && words !== null);
    assert.ok(taken.every(({ probability }) => probability !== null && probability > 0 && probability <= 1));
    await store.close();
  });

  it('says what was not kept, and draws the others', async () => {
    await inFolder(async (directory) => {
      const gone = { extra: { address: null } };
      await writeRun(directory, {
        events: [{ kind: 'started', attempt: 1, steps: 1 }, step(1)],
        rows: [
          row(0),
          row(1, gone),
          row(2),
          { ...row(0, gone), id: 'a1-s1-g1-0' },
          { ...row(1, gone), id: 'a1-s1-g1-1' },
        ],
      });
      const store = await opened(directory);
      const { message } = await readGroup(store, 2, 'run');
      assert.deepEqual(message.notes, [
        '1 of 3 sequences are not in the tree: the tokens of this rollout were not kept.',
      ]);
      assert.deepEqual(
        message.branches.map(({ members, head }) => [Array.from(members), head]),
        [
          [[0, 2], 'x'],
          [[0], ''],
          [[2], 'xx'],
        ],
      );
      assert.equal(message.opened, 2);
      const none = await readGroup(store, 3, 'run');
      assert.deepEqual(none.message.notes, ['There is no tree to show: the tokens of this rollout were not kept.']);
      assert.deepEqual([none.message.branches.length, none.message.samples.length], [0, 2]);
      assert.ok(validateToGroupView(none.message));
      await store.close();
    });
  });

  it('that is very large is drawn in part, and says so', async () => {
    await inFolder(async (directory) => {
      const rows = Array.from({ length: 140 }, (_, index) => row(index, { text: `${index}` }));
      await writeRun(directory, { events: [{ kind: 'started', attempt: 1, steps: 1 }, step(1)], rows });
      const store = await opened(directory);
      const { message } = await readGroup(store, 139, 'run');
      assert.deepEqual(message.notes, ['128 of 140 sequences are drawn.']);
      assert.equal(message.samples[message.opened]?.label, 'Rollout 139');
      await store.close();
    });
  });
});
