interface Utf8Decoder {
  decode(bytes: Uint8Array, options?: { readonly stream: boolean }): string;
}
interface Utf8Encoder {
  encode(text: string): Uint8Array;
}
type Utf8DecoderConstructor = new (label: 'utf-8', options: { readonly ignoreBOM: boolean }) => Utf8Decoder;

// Every host of this room (Node, browsers) has TextDecoder and TextEncoder, but no ECMAScript library names it, and this room knows neither Node nor the DOM.
const { TextDecoder: Decoder, TextEncoder: Encoder } = globalThis as unknown as {
  readonly TextDecoder: Utf8DecoderConstructor;
  readonly TextEncoder: new () => Utf8Encoder;
};
const decoder = new Decoder('utf-8', { ignoreBOM: true });

const encoder = new Encoder();

/** Bytes of `text`; half of a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of `bytes`; what is not UTF-8 becomes U+FFFD, and nothing is dropped. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Takes bytes as they come and gives the text that is whole by then; after the `last`, what is left over is U+FFFD. */
export type Utf8Stream = (bytes: Uint8Array, last: boolean) => string;

/** A text that comes in pieces, cut anywhere; together they are what `decodeUtf8` says of all bytes at once. */
export function utf8Stream(): Utf8Stream {
  const stream = new Decoder('utf-8', { ignoreBOM: true });
  return (bytes, last) => stream.decode(bytes, { stream: !last });
}
