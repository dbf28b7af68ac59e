import { Environment, parse, tokenize } from '@huggingface/jinja';
import { BoundedInterpreter, boundedRange, maxText } from './boundedInterpreter';
import { CheckpointProblem } from './problem';
import type { SpecialNames } from './specialTokens';
import { strftime } from './strftime';
import { configName } from './tokenizerClass';
import { isFields, jsonObject } from './tokenizerFile';

/** What is said, and by whom: `system`, `user`, `assistant`. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** What a template may say beside the messages. */
export interface ChatSettings {
  readonly addGenerationPrompt: boolean;
  /** Today as the template sees it, `YYYY-MM-DD`: a recipe's date, so that a prompt is the same tomorrow. */
  readonly date: string;
  /** Such as `enable_thinking`. */
  readonly variables: Readonly<Record<string, string | number | boolean | null>>;
}

/** A chat template, read once. */
export interface ChatTemplate {
  /** The prompt, special tokens spelled out, or why the template refuses the messages. */
  readonly render: (messages: readonly ChatMessage[], settings: ChatSettings) => string | CheckpointProblem;
}

/** Texts of a checkpoint's files; undefined for one that is not there. */
export interface ChatTemplateTexts {
  readonly template: string | undefined;
  readonly config: string | undefined;
}

/**
 * A template is a program of the checkpoint's maker. It is at most so many characters long, without long runs of white space
 * (reading one takes the square of its length); what it may do when rendered is bounded in `boundedInterpreter.ts`.
 */
const maxTemplate = 65_536;
const longBlank = /\s{1000}/;
const fileName = 'chat_template.jinja';
const otherTemplate = 'give another chat template';
/** White space to either Python or JavaScript, but not to both. */
const oddSpaces = ['\u001c', '\u001d', '\u001e', '\u001f', '\u0085', '\ufeff'];
const splitsAtSpace = /\.split\(\s*\)/;

/**
 * The template of a checkpoint: `chat_template.jinja`, else `chat_template` of `tokenizer_config.json`, of several the one
 * named `default`. Undefined when there is none. Throws `CheckpointProblem` for one that cannot be read.
 */
export function readChatTemplate(texts: ChatTemplateTexts, names: SpecialNames): ChatTemplate | undefined {
  const found = sourceOf(texts);
  return found === undefined ? undefined : compiled(found.source, found.where, names);
}

function sourceOf({ template, config }: ChatTemplateTexts): { source: string; where: string } | undefined {
  if (template !== undefined) return { source: template, where: fileName };
  if (config === undefined) return undefined;
  const where = `${configName} (chat_template)`;
  const given: unknown = jsonObject(config, configName)['chat_template'];
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string') return { source: given, where };
  const list: unknown[] = Array.isArray(given) ? given : [];
  const chosen = list.filter(isFields).find((entry) => entry['name'] === 'default')?.['template'];
  if (typeof chosen === 'string') return { source: chosen, where };
  throw new CheckpointProblem('it has several templates, none of them named `default`', where, otherTemplate);
}

function compiled(source: string, where: string, names: SpecialNames): ChatTemplate {
  const refused = (fault: string): CheckpointProblem => new CheckpointProblem(fault, where, otherTemplate);
  if (source.length > maxTemplate)
    throw refused(`the template has ${source.length} characters, more than ${maxTemplate}`);
  if (longBlank.test(source)) throw refused('the template has a thousand blanks in a row');
  const program = attempt(() => parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })));
  if (typeof program === 'string') throw refused(`the template cannot be read (${program})`);
  return {
    render(messages, settings) {
      if (messages.some(({ content }) => oddSpaces.some((odd) => content.includes(odd))) && splitsAtSpace.test(source))
        return refused(
          'the template splits texts at white space, and a message has a character that may be some or not (U+FEFF, U+0085 or U+001C to U+001F)',
        );
      const rendered = attempt(() => {
        const interpreter = new BoundedInterpreter(environmentOf(messages, settings, names));
        const text: unknown = interpreter.run(program).value;
        return { text: typeof text === 'string' ? text : '' };
      });
      if (typeof rendered === 'string') return refused(`the template refuses the messages (${rendered})`);
      if (rendered.text.length <= maxText) return rendered.text;
      return refused(`the template writes more than ${maxText} characters`);
    },
  };
}

function environmentOf(messages: readonly ChatMessage[], settings: ChatSettings, names: SpecialNames): Environment {
  const environment = new Environment();
  const globals: Record<string, unknown> = {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: boundedRange,
    strftime_now: (format: unknown) => strftime(settings.date, format),
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    tools: null,
    documents: null,
    add_generation_prompt: settings.addGenerationPrompt,
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...names,
    ...settings.variables,
  };
  for (const [name, value] of Object.entries(globals)) environment.set(name, value);
  return environment;
}

/** What comes of it, or the first line of why not: the library tells of all that is wrong with a template by throwing. */
function attempt<Value extends object>(action: () => Value): Value | string {
  try {
    return action();
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    return line.slice(0, 200).replace(/\.$/, '');
  }
}
