import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { faultIn, keyPath } from '../../../core/checkReport';
import type { RecipeChange } from '../../../core/recipeFixes';
import { changeRecipe, dataUses, keyAt, placeOfFinding, recipeIn } from '../../../src/recipes/recipeJson';

const recipe = `{
  // what
  "model": { "path": "m" /* which */ },
  "training": {
    "stepz": 5, // how long
    // before
    "prompts_per_step": 0
  },
  "reward": { "parts": [{ "kind": "exact" }, { "kind": "maths" }] }, // judged
  "steps": 7,
}
`;

describe('where a finding belongs', () => {
  const check = (sentence: string, shown: string, key: string | undefined): void => {
    it(sentence, () => {
      const place = placeOfFinding(recipe, faultIn(`/w/a.srft.json:${sentence}`));
      assert.equal(recipe.slice(place.offset, place.offset + place.length), shown);
      assert.equal(place.key?.join('.'), key);
    });
  };
  check(
    '5: `training.stepz` is no option of `training`; write `steps`, the nearest known key.',
    '"stepz"',
    'training.stepz',
  );
  check('7: `training.prompts_per_step` is 0; give a number of at least 1.', '0', 'training.prompts_per_step');
  check(
    '9: `reward.parts.1.kind` is "maths"; write "math", the nearest of "exact", "math".',
    '"maths"',
    'reward.parts.1.kind',
  );
  check('1: `data` is missing; add it.', '{', 'data');
  check('3: `model.device` is 3; write a text.', '"model"', 'model.device');
  check('8: something without a key; think.', '},', undefined);
  check('999: beyond the end; think.', '', undefined);

  it('follows its key, and is out of date when what it is about changes', () => {
    const finding = faultIn('/w/a.srft.json:7: `training.prompts_per_step` is 0; give a number of at least 1.');
    const before = placeOfFinding(recipe, finding);
    const moved = placeOfFinding(`\n\n${recipe}`, finding);
    assert.deepEqual([moved.offset, moved.subject], [before.offset + 2, before.subject]);
    const mended = placeOfFinding(recipe.replace('"prompts_per_step": 0', '"prompts_per_step": 4'), finding);
    assert.notEqual(mended.subject, before.subject);
    assert.doesNotThrow(() => placeOfFinding('{"training": {', finding));
  });
});

describe('changes of a recipe', () => {
  const comments = ['// what', '/* which */', '// how long', '// before', '// judged'];
  const check = (change: RecipeChange, expected: string, at: string): void => {
    it(JSON.stringify(change), () => {
      const after = changeRecipe(recipe, change);
      for (const comment of comments) assert.ok(after.includes(comment), comment);
      assert.ok(after.includes(expected), after);
      const value = keyPath(at).reduce<unknown>(
        (node, key) => (node as Record<string, unknown> | undefined)?.[key],
        recipeIn(after),
      );
      assert.notEqual(value, undefined);
    });
  };
  check({ kind: 'rename', path: ['training', 'stepz'], to: 'steps' }, '"steps": 5, // how long', 'training.steps');
  check(
    { kind: 'set', path: ['training', 'prompts_per_step'], value: 1 },
    '"prompts_per_step": 1\n',
    'training.prompts_per_step',
  );
  check(
    { kind: 'set', path: ['reward', 'parts', 1, 'kind'], value: 'math' },
    '{ "kind": "math" }',
    'reward.parts.1.kind',
  );
  check({ kind: 'set', path: ['rollouts', 'max_tokens'], value: 64 }, '"max_tokens": 64', 'rollouts.max_tokens');
  check({ kind: 'set', path: ['model', 'lora'], value: { rank: 16 } }, '"rank": 16', 'model.lora.rank');
  check({ kind: 'move', path: ['steps'], to: ['training', 'steps'] }, '"steps": 7', 'training.steps');

  it('a removed key is gone, and one that is not there removes nothing', () => {
    const after = changeRecipe(recipe, { kind: 'remove', path: ['steps'] });
    assert.ok(!after.includes('"steps"') && after.includes('// judged'));
    const removed = (text: string, key: string): string => changeRecipe(text, { kind: 'remove', path: [key] });
    assert.equal(removed('{ "a": 1 }', 'a'), '{  }');
    assert.equal(removed('{\n  "a": 1, // one\n  "b": 2\n}', 'b'), '{\n  "a": 1 // one\n}');
    assert.equal(removed('{\n  "a": 1, // one\n  "b": 2\n}', 'a'), '{\n   // one\n  "b": 2\n}');
    assert.equal(
      removed('{\n  "a": 1 /* , */,\n  "b": {\n  },\n  "c": 3\n}', 'b'),
      '{\n  "a": 1 /* , */,\n  "c": 3\n}',
    );
    assert.equal(changeRecipe(recipe, { kind: 'remove', path: ['nothing', 'here'] }), recipe);
    assert.equal(changeRecipe(recipe, { kind: 'rename', path: ['nothing'], to: 'x' }), recipe);
    assert.equal(changeRecipe(recipe, { kind: 'move', path: ['nothing'], to: ['x'] }), recipe);
  });

  it('line ends and tabs stay as they are', () => {
    const windows = '{\r\n\t"a": 1, // one\r\n\t"b": 2\r\n}\r\n';
    const after = changeRecipe(windows, { kind: 'set', path: ['c'], value: 3 });
    assert.equal(after, '{\r\n\t"a": 1, // one\r\n\t"b": 2,\r\n\t"c": 3\r\n}\r\n');
  });

  it('knows the key at a place', () => {
    assert.deepEqual(keyAt(recipe, recipe.indexOf('"stepz"') + 1), ['training', 'stepz']);
    assert.deepEqual(keyAt(recipe, recipe.indexOf('"maths"')), ['reward', 'parts', 1, 'kind']);
  });
});

describe('data sets of a recipe', () => {
  it('with their columns', () => {
    const text = `{ "data": { "path": "../a.jsonl", "columns": { "prompt": "q", "demonstration": null } }, // one
      "evaluation": { "data": { "path": "b.jsonl", "columns": "openr1_math" } },
      "reward": { "parts": [{ "kind": "regex", "match_only": true }] } }`;
    const [data, evaluation] = dataUses(text, resolve('/w/recipes'));
    assert.deepEqual(data, {
      path: resolve('/w/a.jsonl'),
      columns: { prompt: 'q', answer: 'answer', demonstration: null, id: null },
      answerRequired: false,
    });
    assert.equal(evaluation?.path, resolve('/w/recipes/b.jsonl'));
    assert.equal(evaluation.columns.answer, 'reward_model.ground_truth');
  });

  it('of what is no recipe', () => {
    for (const text of ['', '[]', 'null', '{"data": 3}', '{"data": {"path": 3}}', '{"data":'])
      assert.deepEqual(dataUses(text, '/w'), []);
  });
});
