import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDocument, checkSummary } from '../../../core/checkDocument';
import { checkOutcome, faultIn } from '../../../core/checkReport';
import { fixesFor, schemaFixes } from '../../../core/recipeFixes';
import { nearestWord } from '../../../core/recipeSchema';

describe('faults of the trainer', () => {
  const check = (sentence: string, file: string | null, line: number | null, keys: string[]): void => {
    it(sentence.slice(0, 60), () => {
      const fault = faultIn(sentence);
      assert.deepEqual([fault.file, fault.line], [file, line]);
      assert.deepEqual(
        fault.keys.map((key) => key.join('.')),
        keys,
      );
    });
  };
  check(
    '/w/a.srft.json:3: `training.stepz` is no option of `training`; write `steps`, the nearest known key.',
    null,
    3,
    ['training.stepz', 'training'],
  );
  check('C:\\w\\a.srft.json:3: `seed` is -1; give a number of at least 0 and below 2^53.', null, 3, ['seed']);
  check(
    '/w/a.srft.json: method.sft_steps is 9 but training.steps is 5; leave steps for the second phase.',
    null,
    null,
    ['method.sft_steps', 'training.steps'],
  );
  check(
    'demo/data/train.jsonl:12: the line is not JSON (x, column 3); write one JSON object a line.',
    'demo/data/train.jsonl',
    12,
    [],
  );
  check(
    '/w/train.parquet, row 7: the answer in `answer` is null; give the answer or remove the row.',
    '/w/train.parquet',
    null,
    ['answer'],
  );
  check('/w/a.srft.json:9: `reward.parts.0.kind` is "exakt"; write "exact", the nearest of "exact", "math".', null, 9, [
    'reward.parts.0.kind',
  ]);
});

describe('what a check said', () => {
  it('sentences of a wrong recipe, one a line', () => {
    const lines = [
      'loading',
      'srft: a.srft.json:2: `seed` is -1; give a number of at least 0.',
      'a.srft.json:3: `x` is no option; remove it.',
    ];
    const outcome = checkOutcome(2, '', lines);
    assert.ok(outcome.kind === 'faults');
    assert.deepEqual(
      outcome.findings.map(({ line }) => line),
      [2, 3],
    );
    assert.equal(checkSummary(outcome), 'The recipe cannot train yet: 2 errors, 0 warnings.');
  });

  it('a crash is no fault of the recipe', () => {
    const outcome = checkOutcome(1, '', ['srft: RuntimeError: no (run again with --debug for the traceback)']);
    assert.deepEqual(outcome, {
      kind: 'failed',
      message: 'RuntimeError: no (run again with --debug for the traceback)',
    });
    assert.deepEqual(checkOutcome(null, '', []), {
      kind: 'failed',
      message: 'The check was ended by a signal: it said nothing',
    });
  });

  it('the report, as a document that nothing escapes from', () => {
    const outcome = checkOutcome(0, `noise\n${JSON.stringify(report)}\n`, []);
    assert.ok(outcome.kind === 'measured');
    assert.deepEqual(outcome.findings[0]?.keys, [['rollouts', 'max_tokens']]);
    const text = checkDocument('a.srft.json', outcome);
    assert.match(text, /\| Truncated \| 50 % \|/);
    assert.match(text, /\| \*\*at most\*\* \| \*\*3.0 MB\*\* \|/);
    assert.match(text, /\n````text\n```[^\n]*\n````\n/);
    assert.match(
      checkSummary(outcome),
      /^About 1:40 for the run, 2.000 s a step, 3.0 MB of memory; 0 errors, 1 warning\.$/,
    );
  });
});

describe('fixes', () => {
  const value = (path: readonly (string | number)[]): unknown => values[path.join('.')];
  const values: Record<string, unknown> = {
    'training.steps': 0,
    seed: -1,
    'model.lora': null,
    'rollouts.max_tokens': 80,
    'training.micro_batch_tokens': 32768,
    'rollouts.temperature': 0,
  };
  const check = (message: string, key: string | undefined, expected: string[]): void => {
    it(message.slice(0, 70), () => {
      const path = key?.split('.');
      assert.deepEqual(
        fixesFor(message, path, value).map(({ title }) => title),
        expected,
      );
    });
  };
  check('`training.stepz` is no option of `training`; write `steps`, the nearest known key.', 'training.stepz', [
    'Rename to steps',
    'Remove stepz',
  ]);
  check('`zzz` is no option; remove it; known here: name, seed.', 'zzz', ['Remove zzz']);
  check('`steps` is no option; move it to `training.steps`.', 'steps', ['Move it to training.steps', 'Remove steps']);
  check('`training.steps` is 0; give a number of at least 1.', 'training.steps', ['Set training.steps to 1']);
  check('`seed` is -1; give a number of at least 0 and below 2^53.', 'seed', ['Set seed to 0']);
  check('`m` is "srtf"; write "srft", the nearest of "srft", "sft".', 'm', ['Set m to "srft"', 'Set m to "sft"']);
  check('`method` has no `kind`; add one of "srft", "sft".', 'method', [
    'Set method.kind to "srft"',
    'Set method.kind to "sft"',
  ]);
  check('`model.trust_remote_code` is true; it can only be false.', 'model.trust_remote_code', [
    'Set model.trust_remote_code to false',
  ]);
  check('x; set rollouts.max_tokens to at most 64.', undefined, ['Set rollouts.max_tokens to 64']);
  check('x; set rollouts.max_tokens to at least 96, or shorten or remove them.', 'rollouts.max_tokens', [
    'Set rollouts.max_tokens to 96',
  ]);
  check('x; set training.steps above 60.', undefined, ['Set training.steps to 61']);
  check('x; set model.device to "auto" or "cpu", or install a driver.', undefined, [
    'Set model.device to "auto"',
    'Set model.device to "cpu"',
  ]);
  check('rollouts.temperature is 0, so y; set it above 0 (1.0 is usual).', 'rollouts.temperature', [
    'Set rollouts.temperature to 1',
  ]);
  check('50 % reach the limit; raise it, or shorten what the prompt asks for.', 'rollouts.max_tokens', [
    'Set rollouts.max_tokens to 160',
  ]);
  check('memory; the largest part is activations.', 'training.micro_batch_tokens', [
    'Set training.micro_batch_tokens to 16384',
  ]);
  check('memory; the largest part is optimiser.', 'training.micro_batch_tokens', ['Train adapters (set model.lora)']);
  check('something else; think.', 'seed', []);

  it('for what the editor’s own validation says', () => {
    const near = (word: string): string | undefined => nearestWord(word, ['steps', 'prompts_per_step']);
    const titles = (message: string): string[] =>
      schemaFixes(message, ['training', 'stepz'], near).map(({ title }) => title);
    assert.deepEqual(titles('Property stepz is not allowed.'), ['Rename to steps', 'Remove stepz']);
    assert.deepEqual(titles('Property quux is not allowed.'), ['Remove quux']);
    assert.deepEqual(titles('Value is below the minimum of 1.'), ['Set training.stepz to 1']);
    assert.deepEqual(titles('Value is above the maximum of 0.5.'), ['Set training.stepz to 0.5']);
    assert.deepEqual(titles('Value is below the exclusive minimum of 0.'), []);
    assert.deepEqual(titles('Value is not accepted. Valid values: "a", "b".'), [
      'Set training.stepz to "a"',
      'Set training.stepz to "b"',
    ]);
  });
});

const report = {
  fits: true,
  measured: {
    prompts: 8,
    rollouts: 56,
    tokens_per_second: 100,
    train_tokens_per_second: 900,
    mean_length: 40.5,
    truncated_share: 0.5,
    correct_share: 0.25,
    mixed_groups_share: 1,
    demonstrations_correct_share: null,
    step_seconds: 2,
    run_seconds: 100,
    memory: {
      weights: 1e6,
      trained_weights: 1e6,
      gradients: 0,
      optimiser: 1e6,
      reference: 0,
      resident: 0,
      activations: 1e6,
      cache: 5e5,
      available: 9e9,
    },
    records_bytes: 1e6,
    checkpoint_bytes: 1e6,
    free_disk_bytes: 1e11,
  },
  findings: [{ level: 'warning', key: 'rollouts.max_tokens', message: '50% reach the limit', remedy: 'raise it' }],
  seam: '``` [link](command:evil)',
  cut: null,
};
