// A thread that holds the tokenizer and the chat template of one checkpoint (tokenizers.ts): both are programs of the
// checkpoint's maker and may take for ever, and a thread can be ended.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { readChatTemplate, type ChatTemplate } from '../inference/chatTemplate';
import { fitsModel, missingTokenizer, readTokenizer, type TextTokenizer } from '../inference/tokenizer';
import { jsonObject } from '../inference/tokenizerFile';
import { failureOf, type Failure } from './failure';
import type { TokenizerPlace } from './tokenizers';
import type { SpelledTokens, TokenizerAnswers, TokenizerQuestion } from './tokenizerAnswers';

/** A question on its way, and its answer. */
export interface NumberedQuestion {
  readonly id: number;
  readonly question: TokenizerQuestion;
}

export type NumberedAnswer =
  | { readonly id: number; readonly kind: 'answer'; readonly answer: TokenizerAnswers[TokenizerQuestion['kind']] }
  | { readonly id: number; readonly kind: 'failure'; readonly failure: Failure };

interface Texts {
  readonly tokenizer: TextTokenizer;
  readonly template: ChatTemplate | undefined;
}

async function textsOf({ folder, vocabulary }: TokenizerPlace): Promise<Texts> {
  const names = await readdir(folder);
  const text = async (name: string): Promise<string | undefined> =>
    names.includes(name) ? await readFile(join(folder, name), 'utf8') : undefined;
  const tokenizer = await text('tokenizer.json');
  if (tokenizer === undefined) throw missingTokenizer(names);
  const config = await text('tokenizer_config.json');
  const read = readTokenizer({
    tokenizer,
    config,
    specialTokensMap: await text('special_tokens_map.json'),
    modelType: modelTypeOf(await text('config.json')),
  });
  const misfit = fitsModel(read, vocabulary);
  if (misfit !== undefined) throw misfit;
  return {
    tokenizer: read,
    template: readChatTemplate({ template: await text('chat_template.jinja'), config }, read.names),
  };
}

/** A folder of an adapter has no `config.json`; then the tokenizer's own class says how it is read. */
function modelTypeOf(config: string | undefined): string {
  const type = config === undefined ? undefined : jsonObject(config, 'config.json')['model_type'];
  return typeof type === 'string' ? type : '';
}

function answerTo(
  { tokenizer, template }: Texts,
  question: TokenizerQuestion,
): TokenizerAnswers[TokenizerQuestion['kind']] {
  switch (question.kind) {
    case 'encode':
      return spelled(tokenizer, tokenizer.encode(question.text, { special: question.special }));
    case 'bytes':
      return spelled(tokenizer, question.ids);
    case 'render': {
      const settings = { addGenerationPrompt: true, date: question.date, variables: {} };
      const rendered = template?.render(question.messages, settings) ?? null;
      if (rendered instanceof Error) throw rendered;
      return rendered;
    }
  }
}

function spelled(tokenizer: TextTokenizer, ids: Int32Array): SpelledTokens {
  const parts = Array.from(ids, (id) => tokenizer.bytesOf(id));
  const lengths = Int32Array.from(parts, ({ length }) => length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { ids, bytes, lengths, special: Uint8Array.from(ids, (id) => (tokenizer.isSpecial(id) ? 1 : 0)) };
}

const texts = textsOf(workerData as TokenizerPlace);
// It is told with the first question.
texts.catch(() => undefined);

parentPort?.on('message', ({ id, question }: NumberedQuestion) => {
  void texts
    .then((ready): NumberedAnswer => ({ id, kind: 'answer', answer: answerTo(ready, question) }))
    .catch((error: unknown): NumberedAnswer => ({ id, kind: 'failure', failure: failureOf(error) }))
    .then((answer) => parentPort?.postMessage(answer));
});
