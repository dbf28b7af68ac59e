import { broken, read, type Read } from './read';
import { encodeUtf8 } from './utf8';
import type { RolloutColumn, RolloutColumns } from './rolloutColumns';

/** A trace that another program left behind, as far as it says. */
export interface ForeignTrace {
  /** Empty where the file has none. */
  readonly prompt: string;
  readonly record: RolloutColumns;
  /** Score, step and the like, under the file's own names. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** What the file does not tell, in words; null when nothing is missing. */
  readonly missing: string | null;
}

/**
 * Read one line of a JSONL: `prompt` or `messages` with `completion` (TRL and others), `input` with `output` (verl), or a
 * response of the OpenAI form, chat or completion, with or without log-probs (vLLM writes these too), also inside
 * `response.body` as batch files have it. What is none of them is refused in words.
 */
export function readForeignTrace(line: string): Read<ForeignTrace> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return broken(`this line is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (!isObject(value)) return broken('this line is no JSON object');
  const body = objectAt(objectAt(value, 'response'), 'body') ?? value;
  const choice = firstChoice(body);
  const response =
    choice === undefined ? textOf(body, ['completion', 'output', 'response', 'text']) : choiceText(choice);
  const messages = messagesIn(body['messages']);
  const text = response ?? (messages?.at(-1)?.role === 'assistant' ? messages.at(-1)?.content : undefined);
  if (text === undefined)
    return broken(
      'this line has no completion: none of `completion`, `output`, `response`, `text`, `choices`, or a last message of the assistant',
    );
  const tokens = choice === undefined ? undefined : choiceTokens(choice);
  const record = recordOf(text, tokens);
  return read({
    prompt: promptOf(value, body, response === undefined ? messages?.slice(0, -1) : messages),
    record: record.columns,
    facts: [...factsIn(value), ...(body === value ? [] : factsIn(body))],
    missing: record.missing,
  });
}

interface ForeignToken {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly logprob: number;
}

type Json = Readonly<Record<string, unknown>>;

/** Tokens count only where their bytes are those of the text: what does not fit tells nothing of it. */
function recordOf(
  text: string,
  tokens: readonly ForeignToken[] | undefined,
): { columns: RolloutColumns; missing: string | null } {
  const bytes = encodeUtf8(text);
  const plain: RolloutColumns = { kind: 'rollout', tokens: 0, text: bytes, columns: new Map() };
  if (tokens === undefined || tokens.length === 0)
    return { columns: plain, missing: 'The file has no log-probs of tokens: there is nothing to tint by.' };
  const joined = new Uint8Array(tokens.reduce((sum, token) => sum + token.bytes.length, 0));
  let at = 0;
  for (const token of tokens) {
    joined.set(token.bytes, at);
    at += token.bytes.length;
  }
  // A last token that ended the response stands among the tokens, and not in the text.
  const isWhole = joined.length >= bytes.length && bytes.every((byte, place) => joined[place] === byte);
  if (!isWhole || tokens.some((token) => token.bytes.length > mostTokenBytes))
    return { columns: plain, missing: 'The tokens of the file do not make up its text: there is nothing to tint by.' };
  const perToken = (values: RolloutColumn['values'], unit: string | null): RolloutColumn => ({
    unit,
    per: 'token',
    values,
  });
  return {
    columns: {
      kind: 'rollout',
      tokens: tokens.length,
      text: joined,
      columns: new Map([
        [
          'byte_length',
          perToken(
            Uint16Array.from(tokens, (token) => token.bytes.length),
            'byte',
          ),
        ],
        [
          'logprob',
          perToken(
            Float32Array.from(tokens, (token) => token.logprob),
            'nat',
          ),
        ],
      ]),
    },
    missing: 'The file has log-probs and no entropies: an entropy needs the whole distribution.',
  };
}

const mostTokenBytes = 65_535;

function firstChoice(body: Json): Json | undefined {
  const choices = body['choices'];
  const [first] = Array.isArray(choices) ? (choices as unknown[]) : [];
  return isObject(first) ? first : undefined;
}

function choiceText(choice: Json): string | undefined {
  return textOf(choice, ['text']) ?? textOf(objectAt(choice, 'message') ?? {}, ['content']);
}

function choiceTokens(choice: Json): ForeignToken[] | undefined {
  const logprobs = objectAt(choice, 'logprobs');
  if (logprobs === undefined) return undefined;
  const { content, tokens, token_logprobs: values } = logprobs;
  if (Array.isArray(content)) return content.map((item: unknown) => tokenOf(isObject(item) ? item : {}));
  if (!Array.isArray(tokens) || !Array.isArray(values)) return undefined;
  return tokens.map((token: unknown, place) => tokenOf({ token, logprob: (values as unknown[])[place] }));
}

function tokenOf({ token, bytes, logprob }: Json): ForeignToken {
  const text = typeof token === 'string' ? token : '';
  const isBytes = Array.isArray(bytes) && bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256);
  return {
    text,
    bytes: isBytes ? Uint8Array.from(bytes as number[]) : encodeUtf8(text),
    logprob: typeof logprob === 'number' ? logprob : NaN,
  };
}

/** Messages are shown with their roles; a prompt that is a text is shown as it is. */
function promptOf(value: Json, body: Json, before: readonly Message[] | undefined): string {
  const own = textOf(body, ['prompt', 'input', 'question']) ?? textOf(value, ['prompt', 'input', 'question']);
  if (own !== undefined) return endedLine(own);
  const requested = objectAt(value, 'request');
  const messages =
    messagesIn(body['prompt']) ?? before ?? messagesIn((objectAt(requested, 'body') ?? requested)?.['messages']);
  return (messages ?? []).map(({ role, content }) => `[${role}]\n${endedLine(content)}`).join('');
}

interface Message {
  readonly role: string;
  readonly content: string;
}

function messagesIn(value: unknown): Message[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((item: unknown) => {
    if (!isObject(item)) return [];
    const content = textOf(item, ['content']);
    return content === undefined
      ? []
      : [{ role: typeof item['role'] === 'string' ? item['role'] : 'message', content }];
  });
}

const factNames = [
  'reward',
  'score',
  'acc',
  'correct',
  'step',
  'advantage',
  'answer',
  'gts',
  'finish_reason',
  'model',
  'id',
  'custom_id',
];

function factsIn(value: Json): ForeignTrace['facts'] {
  return factNames.flatMap((name) => {
    const fact = value[name];
    const isPlain =
      typeof fact === 'number' || typeof fact === 'boolean' || (typeof fact === 'string' && fact.length <= 200);
    return isPlain ? [{ name, value: `${fact}` }] : [];
  });
}

/** A text under one of the names; a list of messages there counts by its last. */
function textOf(value: Json, names: readonly string[]): string | undefined {
  for (const name of names) {
    const found = value[name];
    if (typeof found === 'string') return found;
    const last = name === 'completion' ? messagesIn(found)?.at(-1)?.content : undefined;
    if (last !== undefined) return last;
  }
  return undefined;
}

function objectAt(value: Json | undefined, name: string): Json | undefined {
  const found = value?.[name];
  return isObject(found) ? found : undefined;
}

function endedLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
