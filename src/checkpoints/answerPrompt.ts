import type { Prompt, TextPiece } from '../../core/generated/playground';
import { utf8Stream } from '../../core/utf8';
import type { ChatMessage } from '../inference/chatTemplate';
import { CheckpointProblem } from '../inference/problem';
import type { SpelledTokens } from './tokenizerAnswers';

/** A checkpoint's tokenizer and chat template. Each question raises a CheckpointProblem. */
export interface PromptMaker {
  /** As a person knows the checkpoint. */
  readonly name: string;
  /** The prompt that the chat template makes; null where there is none. */
  render(messages: readonly ChatMessage[]): Promise<string | null>;
  /** `special` puts around the text what a whole text has around it. */
  encode(text: string, special: boolean): Promise<SpelledTokens>;
}

/** What a checkpoint is given. */
export interface MadePrompt {
  readonly ids: Int32Array;
  readonly pieces: readonly TextPiece[];
  /** What is special about it; empty for nothing. */
  readonly note: string;
}

/** Makes what is asked into tokens of the checkpoint. Raises a CheckpointProblem for what cannot be. */
export async function makePrompt(maker: PromptMaker, prompt: Prompt): Promise<MadePrompt> {
  const rendered = prompt.mode === 'chat' ? await maker.render(prompt.turns) : null;
  const made =
    rendered === null ? await rawPrompt(maker, prompt) : { ...(await maker.encode(rendered, false)), note: '' };
  if (made.ids.length > 0) return { ids: made.ids, pieces: piecesOf(made), note: made.note };
  throw new CheckpointProblem('the prompt is empty', maker.name, 'write what is to be answered');
}

/** The ids of a text with what its tokenizer puts before a whole one, unless the text begins with that already. */
export function withBeginning(plain: Int32Array, whole: Int32Array): Int32Array {
  const before = beginningOf(plain, whole);
  const isThere = before.length > 0 && before.every((id, place) => plain[place] === id);
  return isThere ? plain : Int32Array.of(...before, ...plain);
}

/** Texts of tokens; neighbours that are alike are one piece. */
export function piecesOf({ bytes, lengths, special }: SpelledTokens): TextPiece[] {
  const text = utf8Stream();
  const pieces: TextPiece[] = [];
  let at = 0;
  lengths.forEach((length, token) => {
    add(pieces, text(bytes.subarray(at, at + length), false), special[token] === 1);
    at += length;
  });
  add(pieces, text(new Uint8Array(0), true), false);
  return pieces;
}

function add(pieces: TextPiece[], text: string, special: boolean): void {
  if (text === '') return;
  const last = pieces.at(-1);
  if (last?.special === special) last.text += text;
  else pieces.push({ text, special });
}

async function rawPrompt(maker: PromptMaker, { mode, turns, text }: Prompt): Promise<SpelledTokens & { note: string }> {
  const words = mode === 'raw' ? text : turns.map(({ content }) => content).join('\n\n');
  const note = mode === 'raw' ? '' : 'It has no chat template: the text is given as it is.';
  const [plain, whole] = await Promise.all([maker.encode(words, false), maker.encode(words, true)]);
  const ids = withBeginning(plain.ids, whole.ids);
  // Nothing but what stands before it was added: the end of a whole text would end the answer as well.
  const added = ids.length - plain.ids.length;
  const bytesAdded = whole.lengths.subarray(0, added).reduce((sum, length) => sum + length, 0);
  return {
    ids,
    bytes: Uint8Array.of(...whole.bytes.subarray(0, bytesAdded), ...plain.bytes),
    lengths: Int32Array.of(...whole.lengths.subarray(0, added), ...plain.lengths),
    special: Uint8Array.of(...whole.special.subarray(0, added), ...plain.special),
    note,
  };
}

/** What stands in `whole` before `plain`. */
function beginningOf(plain: Int32Array, whole: Int32Array): Int32Array {
  for (let from = 0; from + plain.length <= whole.length; from += 1) {
    if (plain.every((id, place) => whole[from + place] === id)) return whole.subarray(0, from);
  }
  return new Int32Array(0);
}
