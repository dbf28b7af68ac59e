import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ts from 'typescript';
import { filesBelow } from '../../../scripts/lib/files.mjs';
import { eventValidators, validateControlRequest, validateLive } from '../../../core/generated/validators.mjs';

describe('validators of the wire', () => {
  const step = { seq: 3, time: 1, kind: 'step', step: 1, phase: 'srft', metrics: { a: 1 }, index_bytes: 0, tokens: 9 };
  const cases: [what: string, value: unknown, error: string | undefined][] = [
    ['every key', step, undefined],
    ['a metric that is not a number', { ...step, metrics: { a: null } }, undefined],
    ['a key of a newer version', { ...step, later: [1] }, undefined],
    ['a missing key', { ...step, tokens: undefined }, " must have required property 'tokens'"],
    ['a wrong type', { ...step, step: '1' }, '/step must be integer'],
    ['a wrong type inside', { ...step, metrics: { a: 'x' } }, '/metrics/a must be number,null'],
    ['a number below its limit', { ...step, seq: -1 }, '/seq must be >= 0'],
    ['no object', [], ' must be object'],
  ];
  for (const [what, value, error] of cases) {
    it(`${what}: ${error ?? 'valid'}`, () => {
      const isValid = eventValidators.step(value);
      const [first] = eventValidators.step.errors ?? [];
      assert.equal(isValid ? undefined : `${first?.instancePath} ${first?.message}`, error);
    });
  }

  it('has a validator for every kind of event', () => {
    const schema = readJson('schema/wire.schema.json') as { $defs: { RunEvent: { oneOf: unknown[] } } };
    assert.equal(Object.keys(eventValidators).length, schema.$defs.RunEvent.oneOf.length);
  });

  it('checks a request and the live file', () => {
    assert.ok(validateControlRequest({ kind: 'stop', created: 1, by: 'a person', arguments: {} }));
    assert.ok(!validateControlRequest({ kind: 'explode', created: 1, by: 'a person', arguments: {} }));
    assert.ok(!validateLive({}));
  });
});

describe('schema of the recipe', () => {
  const schema = readJson('schema/recipe.schema.json') as object;
  const validate = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false }).compile(schema);
  const model = { path: 'model' };
  const data = { path: 'data.jsonl' };
  const cases: [what: string, recipe: unknown, isValid: boolean][] = [
    ['the two required keys', { model, data }, true],
    ['a method by its kind', { model, data, method: { kind: 'grpo', rollouts: 4 } }, true],
    ['a nullable section', { model: { ...model, lora: { rank: 4 } }, data, evaluation: null }, true],
    ['no model', { data }, false],
    ['an unknown key', { model, data, stpes: 3 }, false],
    ['an unknown key inside', { model, data, training: { stpes: 3 } }, false],
    ["another method's key", { model, data, method: { kind: 'sft', rollouts: 4 } }, false],
    ['a method without its kind', { model, data, method: { rollouts: 4 } }, false],
    ['a number beyond its limit', { model, data, training: { steps: 0 } }, false],
  ];
  for (const [what, recipe, isValid] of cases) {
    it(`${what}: ${isValid ? 'valid' : 'refused'}`, () => {
      assert.equal(validate(recipe), isValid, JSON.stringify(validate.errors));
    });
  }

  for (const path of filesBelow('trainer', process.cwd()).filter((name) => name.endsWith('.srft.json'))) {
    it(`${path} is valid`, () => {
      const { config } = ts.parseConfigFileTextToJson(path, readFileSync(path, 'utf8')) as { config: unknown };
      assert.ok(validate(config), JSON.stringify(validate.errors));
    });
  }
});

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
