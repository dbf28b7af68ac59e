import type { Interpreter } from '@huggingface/jinja';

/** A piece of a template, and what comes of it. */
export type Statement = Parameters<Interpreter['evaluate']>[0];
export type Value = ReturnType<Interpreter['evaluate']>;

/** Which ends of a text are cut, by the name of Python's method. */
export type Sides = 'strip' | 'lstrip' | 'rstrip';

/** A text whose ends are cut: by a method, which may be told what to cut, or by the filter `trim`. */
export interface StrippedText {
  readonly text: Statement;
  readonly sides: Sides;
  readonly arguments: readonly Statement[];
}

/** What `str.strip` takes away: JavaScript's `trim` leaves some of it, and takes U+FEFF. */
function isPythonSpace(character: string): boolean {
  return /\p{White_Space}/u.test(character) || (character >= '\u001c' && character <= '\u001f');
}

/** The fields of the nodes that are looked at; a node is any of them. */
interface Node {
  readonly type: string;
  readonly callee?: Node;
  readonly args?: readonly Statement[];
  readonly object?: Statement;
  readonly property?: Node;
  readonly computed?: boolean;
  readonly operand?: Statement;
  readonly filter?: Node;
  readonly operator?: { readonly value: string };
  readonly left?: Statement;
  readonly right?: Statement;
  readonly iterable?: Statement;
  readonly lhs?: Statement;
  readonly body?: readonly Statement[];
  readonly alternate?: readonly Statement[];
  readonly defaultBlock?: readonly Statement[];
  /** Of a name. */
  readonly value?: unknown;
}

/** Is it `text.strip(…)`, one of its kind, or `text | trim`? The library cuts white space whatever they are told. */
export function strippedText(statement: Statement): StrippedText | undefined {
  const node = statement as Node | undefined;
  if (node?.type === 'FilterExpression') return trimmed(node);
  const { callee, args } = node ?? {};
  if (node?.type !== 'CallExpression' || callee?.type !== 'MemberExpression' || callee.computed === true)
    return undefined;
  const sides = callee.property?.value;
  if (sides !== 'strip' && sides !== 'lstrip' && sides !== 'rstrip') return undefined;
  return { text: callee.object, sides, arguments: args ?? [] };
}

function trimmed({ operand, filter }: Node): StrippedText | undefined {
  const called = filter?.type === 'CallExpression' ? filter.callee : filter;
  if (called?.value !== 'trim') return undefined;
  return { text: operand, sides: 'strip', arguments: filter?.args ?? [] };
}

/** Is it `left % right`? */
export function remainder(statement: Statement): { readonly left: Statement; readonly right: Statement } | undefined {
  const node = statement as Node | undefined;
  return node?.type === 'BinaryExpression' && node.operator?.value === '%'
    ? { left: node.left, right: node.right }
    : undefined;
}

/** What a part of a statement is for: to be written down, to be asked for an attribute, to be gone through. */
export type Use = 'print' | 'attributes' | 'turns';

/** What a template is made of beside expressions: none of it is a value to print. */
const controls = ['Set', 'If', 'For', 'Macro', 'CallStatement', 'Break', 'Continue', 'Comment', 'FilterStatement'];

/** Parts of a statement with their use. */
export function usesWithin(statement: Statement): readonly (readonly [object, Use])[] {
  const node = statement as Node | undefined;
  if (node === undefined) return [];
  switch (node.type) {
    case 'MemberExpression':
      return node.object === undefined ? [] : [[node.object, 'attributes']];
    case 'BinaryExpression':
      return node.operator?.value === '~' ? printed([node.left, node.right]) : [];
    case 'FilterStatement':
      throw new Error('a filter over a block is not supported');
    case 'For':
      return [...printedBlocks(node), ...turns(node.iterable)];
    case 'Program':
    case 'If':
    case 'Macro':
    case 'CallStatement':
      return printedBlocks(node);
    default:
      return [];
  }
}

function printedBlocks({ body = [], alternate = [], defaultBlock = [] }: Node): (readonly [object, Use])[] {
  return printed([...body, ...alternate, ...defaultBlock]);
}

/** What a loop goes through; with a condition, what it chooses from. */
function turns(iterable: Statement): (readonly [object, Use])[] {
  const node = iterable as Node | undefined;
  return [node, node?.lhs].flatMap((part) => (part === undefined ? [] : [[part, 'turns'] as const]));
}

function printed(parts: readonly Statement[]): (readonly [object, Use])[] {
  return parts.flatMap((part) =>
    part === undefined || controls.includes(part.type) ? [] : [[part, 'print'] as const],
  );
}

/** Python's `text.strip(given)` and its kind: all characters of `given` are cut, white space when it is none. */
export function pythonStrip(text: string, sides: Sides, given: unknown): string {
  if (given !== undefined && given !== null && typeof given !== 'string') throw new Error(`${sides} takes a text`);
  const characters = Array.from(text);
  const cut = typeof given === 'string' ? new Set(given) : undefined;
  const goes = (at: number): boolean => {
    const character = characters[at] ?? '';
    return cut === undefined ? isPythonSpace(character) : cut.has(character);
  };
  let from = 0;
  let to = characters.length;
  while (sides !== 'rstrip' && from < to && goes(from)) from += 1;
  while (sides !== 'lstrip' && from < to && goes(to - 1)) to -= 1;
  return characters.slice(from, to).join('');
}
