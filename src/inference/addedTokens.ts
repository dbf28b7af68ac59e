import type { AddedToken } from './tokenizerFile';

/** A piece of a text: a token that was found in it, or what lies between. */
export type Piece =
  | { readonly kind: 'token'; readonly id: number }
  | { readonly kind: 'text'; readonly text: string; readonly start: number };

const letterAfter = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const letterBefore = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const space = /\p{White_Space}/u;

interface Branch {
  readonly next: Map<number, Branch>;
  token: AddedToken | undefined;
}

/**
 * Finds tokens as Python's tokenizers do: leftmost, the longest there, none within another.
 * `contents` gives the text that a token is looked for by.
 */
export function finder(
  tokens: readonly AddedToken[],
  contents: (token: AddedToken) => string,
): (text: string) => readonly Piece[] {
  const root = branch();
  for (const token of tokens) {
    let at = root;
    const content = contents(token);
    for (let index = 0; index < content.length; index += 1) at = grown(at, content.charCodeAt(index));
    if (at !== root) at.token = token;
  }
  if (root.next.size === 0) return (text) => (text === '' ? [] : [{ kind: 'text', text, start: 0 }]);
  return (text) => pieces(text, root);
}

function pieces(text: string, root: Branch): Piece[] {
  const found: Piece[] = [];
  let done = 0;
  for (let at = 0; at < text.length;) {
    const { token, end } = longest(text, at, root);
    if (token === undefined) {
      at += 1;
      continue;
    }
    if (!token.singleWord || standsAlone(text, at, end)) {
      const from = token.left ? spaceBefore(text, at, done) : at;
      const to = token.right ? spaceAfter(text, end) : end;
      if (from > done) found.push({ kind: 'text', text: text.slice(done, from), start: done });
      found.push({ kind: 'token', id: token.id });
      done = to;
    }
    at = Math.max(end, done);
  }
  if (done < text.length) found.push({ kind: 'text', text: text.slice(done), start: done });
  return found;
}

function longest(text: string, from: number, root: Branch): { token: AddedToken | undefined; end: number } {
  let token: AddedToken | undefined;
  let end = from;
  let at: Branch | undefined = root;
  for (let index = from; index < text.length; index += 1) {
    at = at.next.get(text.charCodeAt(index));
    if (at === undefined) break;
    if (at.token !== undefined) {
      token = at.token;
      end = index + 1;
    }
  }
  return { token, end };
}

/** Does neither a letter nor a digit stand before or after? Two units are looked at, enough for any character. */
function standsAlone(text: string, start: number, end: number): boolean {
  return !letterBefore.test(text.slice(Math.max(0, start - 2), start)) && !letterAfter.test(text.slice(end, end + 2));
}

function spaceBefore(text: string, start: number, limit: number): number {
  let at = start;
  while (at > limit && space.test(text.charAt(at - 1))) at -= 1;
  return at;
}

function spaceAfter(text: string, end: number): number {
  let at = end;
  while (at < text.length && space.test(text.charAt(at))) at += 1;
  return at;
}

function grown(at: Branch, unit: number): Branch {
  const known = at.next.get(unit);
  if (known !== undefined) return known;
  const made = branch();
  at.next.set(unit, made);
  return made;
}

function branch(): Branch {
  return { next: new Map(), token: undefined };
}
