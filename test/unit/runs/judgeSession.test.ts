import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { draftRequest, judgedText } from '../../../core/judgeAgain';
import { verdictTitles } from '../../../core/verdictWords';
import { rolloutText } from '../../../core/rolloutColumns';
import { traceOf } from '../../../core/trace';
import { JudgeSession } from '../../../src/runs/judgeSession';
import { RunStore } from '../../../src/runs/runStore';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';

const tags = { openingTag: '<think>', maxTokens: 80 };

function judgeOf(recipe: string): JudgeSession {
  const place = { python: testInterpreter(), trainerFolder: resolve('trainer') };
  return new JudgeSession({ ...place, recipe, env: process.env });
}

describe('a judge that stays', () => {
  it('says of a rollout that is changed step by step what it is now', async () => {
    const opened = await RunStore.open('test/fixtures/runs/trained');
    assert.ok(opened.kind === 'read');
    const store = opened.value;
    const { index } = store;
    const row = index.correct.values.findIndex((right, at) => right === 1 && index.kinds[at] === 'rollout');
    const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
    await store.close();
    assert.ok(record.kind === 'read' && prompt.kind === 'read');
    const trace = traceOf(record.value, rolloutText(prompt.value));
    const right = judgedText(trace, index.stops[row]);
    const judge = judgeOf(resolve('trainer/demo/recipes/srft.srft.json'));
    const said: string[] = [];
    for (const draft of [right, right.replace(/boxed\{/, 'boxed{9'), right.replace('</think>', ''), right]) {
      const answer = await judge.ask(draftRequest(trace, index, row, tags, draft));
      assert.ok(answer.kind === 'verdict', JSON.stringify(answer));
      said.push(verdictTitles(answer.verdict).join('; ').replaceAll('\u00a0', ' '));
    }
    assert.match(said[0] ?? '', /^\$\(pass\) right; reward 1 \(format 1, /);
    assert.match(said[1] ?? '', /^\$\(error\) wrong; reward 0/);
    assert.match(said[2] ?? '', /^\$\(error\) wrong; reward 0 \(format 0, .*; form: 0 of <\/think>$/);
    assert.equal(said[3], said[0]);
    const refused = await judge.ask('no json');
    assert.ok(refused.kind === 'refused' && refused.reason.includes('Invalid JSON'), JSON.stringify(refused));
    judge.close();
    assert.deepEqual(await judge.ask('{}'), { kind: 'ended', reason: null });
  });

  it('can be ended while it is busy, and tells why it could not begin', () =>
    inFolder(async (folder) => {
      const recipe = join(folder, 'r.srft.json');
      const reward = { gate: null, parts: [{ kind: 'python', path: 'reward.py', timeout_seconds: 600 }] };
      await writeFile(recipe, JSON.stringify({ model: { path: 'm' }, data: { path: 'd.jsonl' }, reward }));
      const question = JSON.stringify({ id: 'a', response: 'x' });
      const absent = await judgeOf(recipe).ask(question);
      assert.ok(absent.kind === 'ended' && absent.reason?.includes("the reward's file cannot be read"));

      await writeFile(join(folder, 'reward.py'), 'import time\n\ndef score(*given):\n    time.sleep(600)\n');
      const judge = judgeOf(recipe);
      const answer = judge.ask(question);
      setTimeout(() => {
        judge.close();
      }, 200);
      assert.deepEqual(await answer, { kind: 'ended', reason: null });
    }));
});
