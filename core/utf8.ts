interface Utf8Decoder {
  decode(bytes: Uint8Array): string;
}
type Utf8DecoderConstructor = new (label: 'utf-8', options: { readonly ignoreBOM: boolean }) => Utf8Decoder;

// Every host of this room (Node, browsers) has TextDecoder, but no ECMAScript library names it, and this room knows neither Node nor the DOM.
const { TextDecoder: Decoder } = globalThis as unknown as { readonly TextDecoder: Utf8DecoderConstructor };
const decoder = new Decoder('utf-8', { ignoreBOM: true });

/** Text of `bytes`; what is not UTF-8 becomes U+FFFD, and nothing is dropped. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
