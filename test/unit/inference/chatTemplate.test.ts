import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChatTemplate, type ChatMessage, type ChatSettings } from '../../../src/inference/chatTemplate';
import { CheckpointProblem } from '../../../src/inference/problem';
import { readJson } from './referenceTokenizers';

/** What the trainer rendered (trainer/tests/inference/chat_reference.py); null where it refused. */
const chats = readJson('test/fixtures/tokenizers/chats.json') as {
  readonly date: string;
  readonly names: Readonly<Record<string, string>>;
  readonly templates: Readonly<Record<string, string>>;
  readonly conversations: readonly (readonly ChatMessage[])[];
  readonly rendered: Readonly<Record<string, readonly (readonly [string | null, string | null])[] | null>>;
};
const settings: ChatSettings = { addGenerationPrompt: false, date: chats.date, variables: {} };

for (const [name, source] of Object.entries(chats.templates)) {
  const expected = chats.rendered[name];
  if (expected === null || expected === undefined) {
    test(`${name}: a template that Python cannot read is refused`, () => {
      assert.throws(() => readChatTemplate({ template: source, config: undefined }, chats.names), CheckpointProblem);
    });
    continue;
  }
  chats.conversations.forEach((messages, index) => {
    for (const addGenerationPrompt of [false, true])
      test(`${name}, conversation ${index + 1}${addGenerationPrompt ? ', to be continued' : ''}: as Python renders it`, () => {
        const template = readChatTemplate({ template: source, config: undefined }, chats.names);
        const rendered = template?.render(messages, { ...settings, addGenerationPrompt });
        const python = expected[index]?.[addGenerationPrompt ? 1 : 0];
        if (python === null) assert.ok(rendered instanceof CheckpointProblem);
        else assert.equal(rendered, python);
      });
  });
}
