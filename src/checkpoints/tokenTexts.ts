/**
 * Texts of tokens as they come. A character whose bytes are spread over tokens is the last one's, so that no token shows
 * half a character; all texts together are the text of all bytes, however they are cut.
 */
export class TokenTexts {
  // A mark at the beginning is a character like others.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** What the bytes of the next token complete. */
  next(bytes: Uint8Array): string {
    return this.decoder.decode(bytes, { stream: true });
  }

  /** What is left when nothing comes any more: U+FFFD where a character was begun, else nothing. */
  end(): string {
    return this.decoder.decode();
  }
}
