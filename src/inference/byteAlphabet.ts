import { encodeUtf8 } from '../../core/utf8';

/**
 * [256] GPT-2's alphabet: printable bytes stand for themselves, the other 68 for U+0100 and on, in order.
 * The same definition as the trainer's (`srft/data/token_text.py`), with which it writes the bytes of a run's tokens.
 */
export const alphabet: readonly string[] = lettersOfBytes();

const byteOfLetter = new Map(alphabet.map((letter, byte) => [letter, byte]));
const byteToken = /^<0x([0-9A-Fa-f]{2})>$/;

/** Bytes of a token of a byte-level vocabulary; one outside the alphabet is spelled as it stands. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let at = 0; at < token.length; at += 1) {
    const byte = byteOfLetter.get(token.charAt(at));
    if (byte === undefined) return encodeUtf8(token);
    bytes[at] = byte;
  }
  return bytes;
}

/** Bytes of a token in SentencePiece's style: `▁` is a space, `<0x0A>` a byte. */
export function sentencePieceBytes(token: string): Uint8Array {
  return singleByte(token) ?? encodeUtf8(token.replaceAll('▁', ' '));
}

/** The byte that a token such as `<0x0A>` stands for; undefined for any other token. */
export function singleByte(token: string): Uint8Array | undefined {
  const digits = byteToken.exec(token)?.[1];
  return digits === undefined ? undefined : Uint8Array.of(Number.parseInt(digits, 16));
}

function lettersOfBytes(): string[] {
  let others = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : others++);
  });
}
