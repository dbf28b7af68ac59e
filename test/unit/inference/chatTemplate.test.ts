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

const hello: readonly ChatMessage[] = [{ role: 'user', content: 'hello' }];

/** What a template writes of one message, or the sentence of why not. */
function written(template: string, messages = hello, variables: ChatSettings['variables'] = {}): string {
  const rendered = readChatTemplate({ template, config: undefined }, chats.names)?.render(messages, {
    ...settings,
    variables,
  });
  return rendered instanceof CheckpointProblem ? rendered.message : (rendered ?? 'nothing');
}

/** [template, the sentence it ends in] */
const endless: [string, RegExp][] = [
  ['{% for i in range(1000000000) %}a{% endfor %}', /range\(\) has more than 20000 items/],
  ['{% for i in range(19999) %}{% for j in range(19999) %}{% endfor %}{% endfor %}', /more than 2000000 steps/],
  [
    `{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`,
    /more than 8388608 characters/,
  ],
  [
    `{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
    /a list of more than 20000 items/,
  ],
  ['{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /the template refuses the messages/],
  [`{% for i in range(19999) %}${'a'.repeat(500)}{% endfor %}`, /more than 8388608 characters/],
];

for (const [template, sentence] of endless)
  test(`a template that would not end is ended: ${template.slice(0, 60)}`, () => {
    assert.match(written(template), sentence);
  });

test('a template too large, or with a run of blanks that takes its square to read, is refused', () => {
  const read = (template: string) => () => readChatTemplate({ template, config: undefined }, chats.names);
  assert.throws(read('a'.repeat(65_537)), /chat_template\.jinja: the template has 65537 characters, more than 65536/);
  assert.throws(read(`{{ 1 }}${' '.repeat(60_000)}`), /a thousand blanks in a row/);
});

test('what a template refuses is told in its own words', () => {
  assert.equal(
    written(`{{ raise_exception('System role not supported.') }}`),
    'chat_template.jinja: the template refuses the messages (System role not supported); give another chat template.',
  );
});

test('the template of a file goes before that of the configuration; of several, `default` is taken', () => {
  const render = (config: unknown, template?: string): unknown =>
    readChatTemplate({ template, config: JSON.stringify(config) }, {})?.render(hello, settings);
  assert.equal(render({ chat_template: 'config' }), 'config');
  assert.equal(render({ chat_template: 'config' }, 'file'), 'file');
  const several = [
    { name: 'tool_use', template: 'tools' },
    { name: 'default', template: 'default' },
  ];
  assert.equal(render({ chat_template: several }), 'default');
  assert.throws(() => render({ chat_template: several.slice(0, 1) }), /none of them named `default`/);
  assert.equal(render({}), undefined);
});

test('variables reach the template, and what they do not name is undefined', () => {
  const thinking = '{% if enable_thinking is defined and enable_thinking is false %}off{% else %}on{% endif %}';
  assert.equal(written(thinking), 'on');
  assert.equal(written(thinking, hello, { enable_thinking: false }), 'off');
});

test('white space is cut as Python cuts it', () => {
  const message = (content: string): ChatMessage[] => [{ role: 'user', content }];
  assert.equal(
    written('[{{ messages[0].content | trim }}]', message('\u0085\x1c \ufeffa\ufeff\x1f')),
    '[\ufeffa\ufeff]',
  );
  assert.equal(written(`[{{ messages[0].content.strip('ab') }}]`, message('abcab')), '[c]');
  assert.match(written('{{ messages[0].content.split() }}', message('a\x1cb')), /a character that may be some or not/);
});

test('a template cannot reach what was not given to it', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'process', 'globalThis'])
    assert.equal(written(`{{ ${name} is defined }}{{ messages[0].${name} is defined }}`), 'FalseFalse');
});

test('the date is the one that was given, in English', () => {
  assert.equal(
    written(`{{ strftime_now('%d %b %Y|%A %-d %B|%Y-%m-%d %H:%M|%j %y%%') }}`),
    '07 Mar 2025|Friday 7 March|2025-03-07 00:00|066 25%',
  );
  assert.match(written(`{{ strftime_now('%Q') }}`), /strftime does not know "%Q"/);
});
