import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  groupAdvantages,
  hasChanged,
  judgeReply,
  judgeRequest,
  rejudged,
  type NewVerdict,
} from '../../../core/judgeAgain';
import { judgementText } from '../../../core/judgeTable';
import { demonstrationText, promotedLine } from '../../../core/promotion';
import { valueAt } from '../../../core/columns';
import { rolloutText } from '../../../core/rolloutColumns';
import { traceOf } from '../../../core/trace';
import { RunStore } from '../../../src/runs/runStore';
import { callTrainer } from '../../../src/runs/trainerCall';

const python = ['.srft/venv/bin/python', '.srft/venv/Scripts/python.exe'].find((path) => existsSync(path)) ?? 'python3';
const recipe = 'trainer/demo/recipes/srft.srft.json';

describe('a run judged again', () => {
  it('by the judge it was trained with changes nothing, and its advantages are those of its rewards', async () => {
    const opened = await RunStore.open('test/fixtures/runs/trained');
    assert.ok(opened.kind === 'read');
    const store = opened.value;
    const { index } = store;
    const requests: string[] = [];
    for (let row = 0; row < index.length; row += 1) {
      const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
      assert.ok(record.kind === 'read' && prompt.kind === 'read');
      const trace = traceOf(record.value, rolloutText(prompt.value));
      requests.push(judgeRequest(trace, index, row, { openingTag: '<think>', maxTokens: 80 }));
    }
    const verdicts: NewVerdict[] = [];
    const answer = await callTrainer({
      python: `${process.cwd()}/${python}`,
      trainerFolder: `${process.cwd()}/trainer`,
      args: ['verify', `${process.cwd()}/${recipe}`],
      env: process.env,
      input: requests,
      onLine: (line) => {
        const reply = judgeReply(line, verdicts.length);
        assert.ok(reply !== undefined && !('refusal' in reply), line);
        verdicts.push(reply);
      },
    });
    await store.close();
    assert.ok(answer.kind === 'answered' && answer.code === 0);
    assert.equal(verdicts.length, index.length);
    const rows = rejudged(index, verdicts, true);
    assert.deepEqual(rows.filter(hasChanged), []);
    const trained = rows.filter(({ verdict }) => index.kinds[verdict.row] !== 'evaluation');
    for (const { verdict, advantage } of trained)
      assert.ok(Math.abs(advantage - valueAt(index.numbers.advantage, verdict.row)) < 1e-3, index.ids[verdict.row]);

    const turned = verdicts.map((verdict, row) =>
      row === 20 ? { ...verdict, correct: !verdict.correct, reward: 9 } : verdict,
    );
    const { text, links } = judgementText(
      {
        run: 'r',
        recipe: 'x',
        rows: rejudged(index, turned, true),
        refused: [{ row: 3, refusal: 'no\u202e' }],
        notKept: 1,
        cancelled: false,
      },
      index,
    );
    assert.match(text, /1 changed/);
    assert.deepEqual(
      links.map(({ line, id }) => text.split('\n')[line]?.startsWith(id)),
      [true, true],
    );
    assert.doesNotMatch(text, /\u202e/);
  });

  it('advantages of a group have no mean, and one of equals none at all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 9 }),
        fc.boolean(),
        (rewards, std) => {
          const advantages = groupAdvantages(rewards, std);
          assert.ok(Math.abs(advantages.reduce((sum, value) => sum + value, 0)) < 1e-6);
          if (new Set(rewards).size === 1) assert.ok(advantages.every((value) => value === 0));
        },
      ),
    );
  });

  it('what is no reply of the judge is none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        const reply = judgeReply(line, 1);
        assert.ok(reply === undefined || reply.row === 1);
      }),
    );
    assert.deepEqual(judgeReply('{"error": "no", "line": 1}', 4), { row: 4, refusal: 'no' });
  });
});

describe('a rollout promoted', () => {
  const columns = { prompt: 'prompt', answer: 'answer', demonstration: 'gold.text', id: 'id' };
  const from = { run: 'f'.repeat(32), step: 7, rollout: 'a1-s7-g0-1' };
  const data =
    '\uFEFF{"id": "p1", "prompt": "?", "answer": "4", "gold": {"text": "old", "by": "x"}}\r\n\n{"id": "p2", "prompt": "?", "answer": "5"}\n';

  it('is the row of its problem with another demonstration, and tells where it came from', () => {
    const line = promotedLine(data, columns, 'p1', 'new\n"text"', from);
    assert.ok(line.kind === 'read');
    assert.deepEqual(JSON.parse(line.value), {
      id: 'p1+a1-s7-g0-1',
      prompt: '?',
      answer: '4',
      gold: { text: 'new\n"text"', by: 'x' },
      provenance: from,
    });
    assert.doesNotMatch(line.value, /\n/);
  });

  it('is refused where it stands already, where its problem is not, and where there is no column for it', () => {
    const once = promotedLine(data, columns, 'p2', 'x', from);
    assert.ok(once.kind === 'read');
    const refusals = [
      promotedLine(`${data}${once.value}\n`, columns, 'p2', 'x', from),
      promotedLine(data, columns, 'p3', 'x', from),
      promotedLine(data, { ...columns, demonstration: null }, 'p1', 'x', from),
      promotedLine(data, { ...columns, id: null }, 'p1', 'x', from),
    ].map((line) => (line.kind === 'broken' ? line.reason : ''));
    assert.match(refusals[0] ?? '', /already: line 4/);
    assert.match(refusals[1] ?? '', /no problem with the id p3/);
    assert.match(refusals[2] ?? '', /no column/);
    assert.match(refusals[3] ?? '', /numbers the rows/);
  });

  it('is another row when a person changed it, and says so', () => {
    const once = promotedLine(data, columns, 'p2', 'x', from);
    assert.ok(once.kind === 'read');
    const edited = promotedLine(`${data}${once.value}\n`, columns, 'p2', 'y', { ...from, edited: true });
    assert.ok(edited.kind === 'read');
    const row = JSON.parse(edited.value) as Record<string, unknown>;
    assert.equal(row['id'], `p2+${from.rollout}+edited`);
    assert.deepEqual(row['provenance'], { ...from, edited: true });
    const again = promotedLine(`${data}${edited.value}\n`, columns, 'p2', 'z', { ...from, edited: true });
    assert.ok(again.kind === 'broken');
  });

  it('stands without its prompt, and so has the tag that the prompt opened', () => {
    assert.equal(demonstrationText('user\n1+1?\nassistant\n<think>\n', 'a</think>2'), '<think>\na</think>2');
    assert.equal(demonstrationText('user\n1+1?\nassistant\n', '<think>a</think>2'), '<think>a</think>2');
  });
});
