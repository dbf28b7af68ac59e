import type { ChatMessage } from '../inference/chatTemplate';

/** What a checkpoint's tokenizer is asked. */
export type TokenizerQuestion =
  /** Ids of a text; `special` puts around it what a whole text has around it. */
  | { readonly kind: 'encode'; readonly text: string; readonly special: boolean }
  /** Bytes of tokens. */
  | { readonly kind: 'bytes'; readonly ids: Int32Array }
  /** The prompt that the chat template makes of messages. */
  | {
      readonly kind: 'render';
      readonly messages: readonly ChatMessage[];
      /** Today as the template sees it, `YYYY-MM-DD`. */
      readonly date: string;
    };

/** Tokens and the bytes they spell, N of them. */
export interface SpelledTokens {
  /** [N] */
  readonly ids: Int32Array;
  /** All bytes, one token after the other. */
  readonly bytes: Uint8Array;
  /** [N] bytes of each token. */
  readonly lengths: Int32Array;
  /** [N] 1 for a token that no text is made of. */
  readonly special: Uint8Array;
}

/** Answers by kind of question; `render` answers null where the checkpoint has no chat template. */
export interface TokenizerAnswers {
  readonly encode: SpelledTokens;
  readonly bytes: SpelledTokens;
  readonly render: string | null;
}
