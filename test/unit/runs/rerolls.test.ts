import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { validateToGroupView } from '../../../core/generated/groupValidators.mjs';
import { recordOfTokens, type RecordToken, type Reroll, type RerollVerdict } from '../../../core/rerolls';
import { column } from '../../../core/trace';
import { groupWith, readTraining } from '../../../src/runs/groupMessage';
import { mostKept, Rerolls } from '../../../src/runs/rerolls';
import { RunStore } from '../../../src/runs/runStore';

const made = (more: Partial<Reroll> = {}): Omit<Reroll, 'number'> => ({
  ...{ checkpoint: 'step 3', seed: 41, row: 1, origin: 'a1-s2-g0-0', shared: 4, record: recordOfTokens([]) },
  ...{ state: 'ended', verdict: { kind: 'waiting' } },
  ...more,
});

describe('re-rolls that a window keeps', () => {
  it('have numbers of their own group that are not given twice', () => {
    const rerolls = new Rerolls();
    assert.deepEqual(
      rerolls.add('a', [made(), made()]).map(({ number }) => number),
      [1, 2],
    );
    assert.deepEqual(
      rerolls.add('b', [made()]).map(({ number }) => number),
      [1],
    );
    rerolls.forget('a');
    assert.deepEqual(rerolls.of('a'), []);
    assert.deepEqual(
      rerolls.add('a', [made()]).map(({ number }) => number),
      [3],
    );
  });

  it('are bounded; the oldest that are finished go first', () => {
    const rerolls = new Rerolls();
    rerolls.add('a', [made({ state: 'writing' }), made()]);
    rerolls.add(
      'a',
      Array.from({ length: mostKept }, () => made()),
    );
    const numbers = rerolls.of('a').map(({ number }) => number);
    assert.equal(numbers.length, mostKept);
    assert.deepEqual(numbers.slice(0, 2), [1, 4]);
  });

  it('that were forgotten do not come back when their writing goes on', () => {
    const rerolls = new Rerolls();
    const [first] = rerolls.add('a', [made({ state: 'writing' })]);
    assert.ok(first !== undefined);
    const stop = new AbortController();
    const held = rerolls.hold('a', stop);
    rerolls.forget('a');
    assert.equal(stop.signal.aborted, true);
    rerolls.update('a', [{ ...first, state: 'ended' }]);
    assert.deepEqual(rerolls.of('a'), []);
    held.release();
  });

  it('tell of changes, and of none to what is gone', () => {
    const rerolls = new Rerolls();
    const told: string[] = [];
    const listening = rerolls.onChange((group) => told.push(group));
    const [first] = rerolls.add('a', [made()]);
    assert.ok(first !== undefined);
    rerolls.update('a', [{ ...first, seed: 42 }]);
    rerolls.update('b', [first]);
    listening.dispose();
    rerolls.forget('a');
    assert.deepEqual(told, ['a', 'a']);
  });
});

describe('a group with re-rolls', () => {
  it('has them beside what training wrote, whose figures stay', async () => {
    const store = await RunStore.open(join(process.cwd(), 'test/fixtures/runs/trained'));
    assert.ok(store.kind === 'read');
    await store.value.readAll();
    const row = store.value.index.rowOfId.get('a1-s2-g0-0') ?? -1;
    const training = await readTraining(store.value, row, 'trained');
    const alone = groupWith(training, []).message;
    const trace = training.members[0]?.trace;
    const ids = Array.from(trace?.record.columns.get('id')?.values ?? []);
    const token = (id: number): RecordToken => ({ id, logProb: -0.5, entropy: 0.75, bytes: new Uint8Array([65]) });
    const reroll = (number: number, last: number, verdict: RerollVerdict): Reroll => ({
      ...made({ verdict, record: recordOfTokens([...ids.slice(0, 30), last, 5, 6].map(token)) }),
      ...{ number, row: number },
    });
    const other = ((ids[30] ?? 0) + 1) % 60;
    const rerolls = [
      reroll(1, other, { kind: 'judged', correct: false, reward: 0, note: null }),
      reroll(2, other, { kind: 'not judged', reason: 'no Python' }),
      reroll(3, other, { kind: 'not judged', reason: 'no Python' }),
    ];
    const { message, samples } = groupWith(training, rerolls);
    assert.ok(validateToGroupView(message), JSON.stringify(validateToGroupView.errors));
    for (const key of ['reward', 'meanEntropy', 'sequences', 'opened', 'step'] as const)
      assert.equal(message[key], alone[key], key);
    assert.deepEqual(message.samples.slice(0, alone.samples.length), alone.samples);
    assert.deepEqual(
      message.samples
        .slice(alone.samples.length)
        .map(({ label, origin, detail, correct }) => [label, origin, detail, correct]),
      [
        ['Re-roll 1', 'reroll', 'step 3 · seed 41:1', false],
        ['Re-roll 2', 'reroll', 'step 3 · seed 41:2', null],
        ['Re-roll 3', 'reroll', 'step 3 · seed 41:3', null],
      ],
    );
    assert.deepEqual(message.notes, ['Re-rolls are not judged: no Python.']);
    const [first] = message.branches;
    assert.deepEqual(
      [first?.right, first?.wrong, first?.given, first?.rerolls, first?.rerollsWrong],
      [alone.branches[0]?.right, alone.branches[0]?.wrong, alone.branches[0]?.given, 3, 1],
    );
    // Of what training wrote too its own record is told, not what a checkpoint says of it later.
    const own = message.branches.filter(({ right, wrong, given }) => right + wrong + given > 0);
    const recorded = column(training.members[0]?.trace ?? assert.fail(), 'logprob') ?? [];
    const start = own.find(({ from, members }) => from === 0 && members.includes(0));
    if (start !== undefined && start.members.filter((member) => member < 6).length === 1)
      assert.ok(Math.abs((start.probability ?? 0) - Math.exp(recorded[0] ?? 0)) < 1e-6);
    const theirs = message.branches.find(
      ({ rerolls: some, right, wrong, given }) => some === 3 && right + wrong + given === 0,
    );
    assert.deepEqual([theirs?.from, theirs?.fork], [30, 'none']);
    assert.equal(theirs?.probability?.toFixed(4), Math.exp(-0.5).toFixed(4));
    assert.deepEqual(samples.at(-1)?.name, { kind: 'reroll', number: 3 });
    await store.value.close();
  });
});
