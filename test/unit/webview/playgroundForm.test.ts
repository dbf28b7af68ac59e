import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { validateToPlaygroundHost } from '../../../core/generated/playgroundValidators.mjs';
import {
  continued,
  emptyForm,
  promptOf,
  restoredForm,
  samplingFields,
  samplingOf,
  type PlaygroundForm,
} from '../../../webview/playgroundForm';

const defaults = { temperature: 1, topP: 1, topK: 0, minP: 0, maxTokens: 80, seed: 3 };

describe('the form of the playground', () => {
  it('samples as the run did, until something else is written', () => {
    assert.deepEqual(samplingOf({}, defaults), { kind: 'good', sampling: defaults });
    assert.deepEqual(samplingOf({ temperature: ' 0.70 ', seed: '9007199254740991' }, defaults), {
      kind: 'good',
      sampling: { ...defaults, temperature: 0.7, seed: Number.MAX_SAFE_INTEGER },
    });
  });

  it('whatever is written is sampling that may be said, or wrong by name', () => {
    const written = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.double().map(String),
      fc.integer().map(String),
      fc.constantFrom('', '0', '1', '1e2', '0x10', 'Infinity', '-1', '1.5'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...samplingFields), written, ({ name }, text) => {
        const read = samplingOf({ [name]: text }, defaults);
        if (read.kind === 'wrong') {
          assert.deepEqual(
            read.fields.map((field) => field.name),
            [name],
          );
          return;
        }
        assert.equal(read.sampling[name], Number(text));
        const prompt = { mode: 'raw', turns: [], text: 'a' };
        assert.ok(validateToPlaygroundHost({ kind: 'run', prompt, sampling: read.sampling }), text);
      }),
    );
  });

  it('asks nothing before something is written', () => {
    assert.equal(promptOf(emptyForm, 'Be brief.'), null);
    assert.equal(promptOf({ ...emptyForm, user: ' \n' }, ''), null);
    assert.equal(promptOf({ ...emptyForm, mode: 'raw', user: 'a' }, ''), null);
  });

  it('has the system message of the run until another is written, and none where it is made empty', () => {
    const form = { ...emptyForm, user: 'a' };
    const roles = (system: string | null): unknown => promptOf({ ...form, system }, 'Be brief.')?.turns;
    const user = { role: 'user', content: 'a' };
    assert.deepEqual(roles(null), [{ role: 'system', content: 'Be brief.' }, user]);
    assert.deepEqual(roles('Think.'), [{ role: 'system', content: 'Think.' }, user]);
    assert.deepEqual(roles(''), [user]);
  });

  it('goes on with an answer once, the system message told once', () => {
    const form = { ...emptyForm, user: 'one' };
    const asked = promptOf(form, 'Be brief.');
    const next = continued({ ...form, asked }, 'two');
    assert.deepEqual(next.turns, [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
    ]);
    assert.equal(next.user, '');
    assert.deepEqual(continued(next, 'two'), next);
    const third = promptOf({ ...next, user: 'three' }, 'Be brief.');
    assert.deepEqual(
      third?.turns.map(({ role }) => role),
      ['system', 'user', 'assistant', 'user'],
    );
  });

  it('keeps what was written while an answer came', () => {
    const asked = promptOf({ ...emptyForm, user: 'one' }, '');
    assert.equal(continued({ ...emptyForm, user: 'a draft', asked }, 'two').user, 'a draft');
  });

  it('raw text goes on with the answer behind it', () => {
    const form: PlaygroundForm = { ...emptyForm, mode: 'raw', text: '1+1=' };
    assert.equal(continued({ ...form, asked: promptOf(form, '') }, '2').text, '1+1=2');
  });

  it('comes back as it was kept, and from anything as a form', () => {
    const form: PlaygroundForm = {
      ...{ mode: 'raw', system: '', turns: [{ role: 'user', content: 'a' }], user: 'b', text: 'c' },
      ...{ sampling: { seed: '4' }, tint: 'entropy', showsPrompt: true, taken: 5 },
      asked: { mode: 'chat', turns: [{ role: 'assistant', content: 'd' }], text: '' },
    };
    assert.deepEqual(restoredForm({ form: structuredClone(form) }), form);
    const empty = restoredForm(undefined);
    assert.deepEqual(empty, emptyForm);
    fc.assert(
      fc.property(fc.anything(), (kept) => {
        const restored = restoredForm({ form: kept });
        assert.deepEqual(Object.keys(restored).sort(), Object.keys(emptyForm).sort());
        promptOf(restored, '');
      }),
    );
  });
});
