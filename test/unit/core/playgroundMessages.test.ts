import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { validateToPlaygroundHost, validateToPlaygroundView } from '../../../core/generated/playgroundValidators.mjs';
import { recipeAsking } from '../../../core/recipeSampling';

const prompt = { mode: 'chat', turns: [{ role: 'user', content: 'Zoe has 11 stamps.' }], text: '' };
const sampling = { temperature: 1, topP: 1, topK: 0, minP: 0, maxTokens: 80, seed: 0 };
const run = { kind: 'run', prompt, sampling };
const news = {
  ...{ kind: 'answer', column: 0, answer: 1, state: 'writing', seconds: 0.5, provider: 'cpu, 2 threads' },
  ...{ problem: '', speed: null, from: 0, ids: Int32Array.of(4), texts: ['<b>'], special: Uint8Array.of(0) },
  ...{ logProb: Float32Array.of(-1), entropy: Float32Array.of(0.4) },
};

describe('messages of the playground', () => {
  it('what each side may say is taken', () => {
    for (const message of [
      ...[{ kind: 'ready' }, { kind: 'choose' }, { kind: 'stop' }, { kind: 'showPrompt', prompt }, run],
      { kind: 'copy', column: 2, form: 'markdown' },
    ])
      assert.ok(validateToPlaygroundHost(message), JSON.stringify(validateToPlaygroundHost.errors));
    for (const message of [
      news,
      { kind: 'taken', number: 3, text: 'a' },
      { kind: 'setup', checkpoints: [{ name: 'base', detail: '' }], defaults: sampling, system: '', trouble: '' },
      { kind: 'prompt', column: 1, pieces: [{ text: '<s>', special: true }], tokens: 1, note: '', problem: '' },
    ])
      assert.ok(validateToPlaygroundView(message), JSON.stringify(validateToPlaygroundView.errors));
  });

  const refused: [string, unknown][] = [
    ['nothing', undefined],
    ['a command', { kind: 'command', command: 'workbench.action.terminal.new' }],
    ['a checkpoint by its folder', { kind: 'choose', folder: '/etc' }],
    ['a fourth column', { kind: 'copy', column: 3, form: 'text' }],
    ['a role that is none', { ...run, prompt: { ...prompt, turns: [{ role: 'tool', content: '' }] } }],
    ['a text of two million characters', { ...run, prompt: { ...prompt, text: 'a'.repeat(2_000_000) } }],
    ['a temperature below 0', { ...run, sampling: { ...sampling, temperature: -1 } }],
    ['a temperature that is no number', { ...run, sampling: { ...sampling, temperature: NaN } }],
    ['a top-p of 0', { ...run, sampling: { ...sampling, topP: 0 } }],
    ['half a token', { ...run, sampling: { ...sampling, maxTokens: 0.5 } }],
    ['an answer without end', { ...run, sampling: { ...sampling, maxTokens: 1e9 } }],
    ['a seed that is not exact', { ...run, sampling: { ...sampling, seed: 2 ** 60 } }],
  ];
  for (const [name, said] of refused) {
    it(`${name} is refused`, () => {
      assert.equal(validateToPlaygroundHost(said), false);
    });
  }

  it('the view takes typed arrays as they are', () => {
    assert.equal(validateToPlaygroundView({ ...news, logProb: [-1] }), false);
    assert.equal(validateToPlaygroundView({ ...news, html: '<b>' }), false);
  });
});

describe('how a recipe asks', () => {
  it('is what the rollouts of a recorded run were sampled with', () => {
    const { recipe } = JSON.parse(readFileSync('test/fixtures/runs/trained/run.json', 'utf8')) as { recipe: unknown };
    assert.deepEqual(recipeAsking(recipe), { sampling, system: '', date: '2026-01-01' });
  });

  it('is always something that may be said, whatever a manifest holds', () => {
    const values = fc.oneof(fc.anything(), fc.double(), fc.integer());
    const recipes = fc.record({
      seed: values,
      rollouts: fc.record({ temperature: values, top_p: values, top_k: values, min_p: values, max_tokens: values }),
      prompt: fc.record({ system: values, date: fc.oneof(values, fc.string()) }),
    });
    fc.assert(
      fc.property(fc.oneof(recipes, fc.anything()), (recipe) => {
        const { sampling: found, system, date } = recipeAsking(recipe);
        assert.ok(validateToPlaygroundHost({ ...run, sampling: found }), JSON.stringify(found));
        assert.equal(typeof system, 'string');
        assert.match(date ?? '2026-01-01', /^\d{4}-\d{2}-\d{2}$/);
      }),
    );
  });
});
