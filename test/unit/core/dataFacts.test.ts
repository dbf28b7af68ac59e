import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { dataFacts } from '../../../core/dataFacts';

describe('what a file of problems tells', () => {
  it('of the demo', async () => {
    const text = await readFile('trainer/demo/data/train.jsonl', 'utf8');
    const facts = dataFacts(text, Buffer.byteLength(text), Buffer.byteLength(text));
    assert.equal(facts?.rows, text.trimEnd().split('\n').length);
    assert.deepEqual(facts.columns, { prompt: 'prompt', answer: 'answer', demonstration: 'demonstration', id: 'id' });
    assert.deepEqual([facts.thinks, facts.boxes], [true, true]);
  });

  it('of its beginning', () => {
    const beginning = '{"question":"1","answer":"2"}\n{"question":"22","answer":"2"}\n{"questi';
    const facts = dataFacts(beginning, 70, 700);
    assert.deepEqual([facts?.rows, facts?.longestPrompt, facts?.longestDemonstration, facts?.boxes], [20, 2, 0, false]);
  });

  it('of what is no such file', () => {
    for (const text of ['', '\0\0', '[]\n3', '{"text": 3}'])
      assert.equal(dataFacts(text, text.length, text.length), null);
  });
});
