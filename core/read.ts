/** A value that was read, or why it could not be. */
export type Read<T> =
  { readonly kind: 'read'; readonly value: T } | { readonly kind: 'broken'; readonly reason: string };

/** The value was read. */
export function read<T>(value: T): Read<T> {
  return { kind: 'read', value };
}

/** It was not. */
export function broken(reason: string): { readonly kind: 'broken'; readonly reason: string } {
  return { kind: 'broken', reason };
}
