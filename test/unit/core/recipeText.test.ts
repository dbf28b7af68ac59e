import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  parametersInName,
  recipeText,
  recipeValue,
  type DataFacts,
  type JudgeChoice,
  type MethodChoice,
  type ModelFacts,
  type RecipeAnswers,
} from '../../../core/recipeText';
import { knownKeys, schemaAt, valueAt, type SchemaNode } from '../../../core/recipeSchema';
import { inFolder } from '../support/folder';
import { testInterpreter } from '../support/testPython';

const models: readonly ModelFacts[] = [
  { path: 'model', parameters: 1e6, context: 256 },
  { path: 'Qwen/Qwen3-0.6B', parameters: 6e8, context: 40960 },
  { path: 'Qwen/Qwen2.5-7B', parameters: 7e9, context: null },
  { path: 'somewhere', parameters: null, context: 8 },
];
const facts: DataFacts = {
  columns: { prompt: 'question', answer: 'answer', demonstration: 'solution', id: 'id' },
  rows: 512,
  longestPrompt: 70,
  longestDemonstration: 80,
  thinks: true,
  boxes: true,
};
const sets: readonly RecipeAnswers['data'][] = [
  { path: 'train.jsonl', heldOut: 'held_out.jsonl', facts },
  {
    path: 'a "quoted" name.jsonl',
    heldOut: null,
    facts: { ...facts, rows: 1, boxes: false, thinks: false, longestPrompt: 9000 },
  },
  { path: 'data.parquet', heldOut: null, facts: null },
];
const judges: readonly JudgeChoice[] = ['exact', 'math', 'regex', 'python'];
const methods: readonly MethodChoice[] = ['srft', 'grpo', 'sft', 'sft_rl', 'luffy'];

const all = models.flatMap((model) =>
  sets.flatMap((data) =>
    judges.flatMap((judge) =>
      methods.map((method): RecipeAnswers => ({
        name: 'a recipe',
        model,
        data,
        judge,
        rewardFile: 'reward.py',
        method,
      })),
    ),
  ),
);

describe('a new recipe', () => {
  it('is valid for all answers, and says what the value says', async () => {
    const schema = await recipeSchema();
    const validate = new Ajv2020({ strict: false }).compile(schema);
    assert.equal(all.length, 240);
    for (const answers of all) {
      const text = recipeText(answers, schema);
      const value = JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')) as unknown;
      assert.deepEqual(value, recipeValue(answers));
      assert.ok(validate(value), `${JSON.stringify(answers)} ${JSON.stringify(validate.errors)}`);
    }
  });

  it('explains every key in one line', async () => {
    const [first] = all;
    assert.ok(first !== undefined);
    const lines = recipeText(first, await recipeSchema()).split('\n');
    const bare = lines.filter((line, number) => /^\s*"/.test(line) && !/^\s*\/\//.test(lines[number - 1] ?? ''));
    assert.deepEqual(bare, []);
    assert.ok(lines.every((line) => line.length < 160));
  });

  it('is accepted by the trainer’s loader', () =>
    inFolder(async (folder) => {
      const schema = await recipeSchema();
      await mkdir(join(folder, 'recipes'));
      for (const [number, answers] of all.entries()) {
        await writeFile(join(folder, 'recipes', `${number}.srft.json`), recipeText(answers, schema));
      }
      const code =
        'import pathlib, sys\nfrom srft.recipe import load_recipe\n' +
        'print(sum(load_recipe(path) is not None for path in pathlib.Path(sys.argv[1]).iterdir()))';
      const env = { ...process.env, PYTHONPATH: resolve('trainer') };
      const ended = spawnSync(testInterpreter(), ['-c', code, join(folder, 'recipes')], { env, encoding: 'utf8' });
      assert.equal(ended.stdout.trim(), `${all.length}`, ended.stderr);
    }));

  it('knows sizes by their names', () => {
    const sizes = ['Qwen/Qwen3-0.6B', 'HuggingFaceTB/SmolLM2-135M-Instruct', 'a/b', 'x/Llama-3.1-8B'].map(
      parametersInName,
    );
    assert.deepEqual(sizes, [6e8, 135e6, null, 8e9]);
  });
});

describe('the schema of a recipe', () => {
  it('knows keys, defaults and unions', async () => {
    const schema = await recipeSchema();
    const recipe = { method: { kind: 'grpo' }, reward: { parts: [{ kind: 'math' }] } };
    assert.ok(knownKeys(schema, recipe, ['method']).includes('clip_high'));
    assert.ok(!knownKeys(schema, recipe, ['method']).includes('preset'));
    assert.ok(knownKeys(schema, recipe, ['reward', 'parts', 0]).includes('timeout_seconds'));
    assert.ok(knownKeys(schema, {}, []).includes('training'));
    assert.equal(valueAt(schema, recipe, ['training', 'micro_batch_tokens']), 32768);
    assert.equal(valueAt(schema, recipe, ['method', 'kind']), 'grpo');
    assert.equal(valueAt(schema, recipe, ['model', 'lora']), null);
    assert.equal(schemaAt(schema, recipe, ['nothing', 'here']), undefined);
  });
});

async function recipeSchema(): Promise<SchemaNode> {
  return JSON.parse(await readFile('schema/recipe.schema.json', 'utf8')) as SchemaNode;
}
