import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import {
  applyEdits,
  createScanner,
  findNodeAtLocation,
  findNodeAtOffset,
  getNodePath,
  getNodeValue,
  modify,
  parse,
  parseTree,
  type JSONPath,
  type Node,
} from 'jsonc-parser';
import type { CheckFinding } from '../../core/checkReport';
import { openr1Columns, usualColumns, type Columns } from '../../core/demonstrations';
import type { RecipeChange } from '../../core/recipeFixes';
import type { KeyPath } from '../../core/recipeSchema';

/** Where in a recipe's text a finding belongs. */
export interface FindingPlace {
  readonly offset: number;
  readonly length: number;
  /** The key it is about, whether it is in the file or not. */
  readonly key: KeyPath | undefined;
  /** What stands there; once it is another, the finding is out of date. */
  readonly subject: string;
}

/** A data set that a recipe names. */
export interface DataUse {
  /** As the recipe writes it, resolved to a path. */
  readonly path: string;
  readonly columns: Columns;
  readonly answerRequired: boolean;
}

/** The place of a finding: the key it names, else the nearest section around it that is there, else its line. */
export function placeOfFinding(text: string, finding: CheckFinding): FindingPlace {
  const tree = parseTree(text);
  const [first] = finding.keys;
  if (tree !== undefined) {
    const exact = finding.keys.find((key) => findNodeAtLocation(tree, [...key]) !== undefined);
    if (exact !== undefined) return placeOfNode(text, tree, exact, exact, finding);
    // A sentence's first words may be backquoted without being a key at all.
    for (let length = (first?.length ?? 0) - 1; length > 0; length -= 1) {
      const around = first?.slice(0, length) ?? [];
      if (findNodeAtLocation(tree, [...around]) !== undefined) return placeOfNode(text, tree, around, first, finding);
    }
  }
  const lines = text.split('\n');
  const number = Math.min(Math.max(1, finding.line ?? 1), lines.length) - 1;
  const offset = lines.slice(0, number).reduce((sum, line) => sum + line.length + 1, 0);
  const line = lines[number] ?? '';
  const indent = line.length - line.trimStart().length;
  return { offset: offset + indent, length: line.trim().length, key: first, subject: line };
}

/** The recipe after a change; comments and everything else stay as they are. */
export function changeRecipe(text: string, change: RecipeChange): string {
  const set = (before: string, path: KeyPath, value: unknown): string =>
    applyEdits(before, modify(before, [...path], value, { formattingOptions: formattingOf(text) }));
  const node = (path: KeyPath): Node | undefined => {
    const tree = parseTree(text);
    return tree === undefined ? undefined : findNodeAtLocation(tree, [...path]);
  };
  switch (change.kind) {
    case 'set':
      return set(text, change.path, change.value);
    case 'remove':
      return without(text, node(change.path));
    case 'move': {
      const moved = node(change.path);
      return moved === undefined ? text : set(without(text, moved), change.to, getNodeValue(moved));
    }
    case 'rename': {
      const key = node(change.path)?.parent?.children?.[0];
      if (key === undefined) return text;
      return text.slice(0, key.offset) + JSON.stringify(change.to) + text.slice(key.offset + key.length);
    }
  }
}

/** The key at a place of the text. */
export function keyAt(text: string, offset: number): KeyPath {
  const tree = parseTree(text);
  const node = tree === undefined ? undefined : findNodeAtOffset(tree, offset, true);
  return node === undefined ? [] : (getNodePath(node) satisfies JSONPath);
}

/** The recipe's value; what cannot be parsed is left out. */
export function recipeIn(text: string): unknown {
  return parse(text, [], { allowTrailingComma: true }) as unknown;
}

/** The files of a recipe's data sets. */
export function dataUses(text: string, folder: string): readonly DataUse[] {
  const recipe = recipeIn(text);
  const answerRequired = needsAnswer(recipe);
  const sets = [
    member(recipe, 'data'),
    member(member(recipe, 'evaluation'), 'data'),
    member(member(recipe, 'final_evaluation'), 'data'),
  ];
  return sets.flatMap((data) => {
    const path = member(data, 'path');
    if (typeof path !== 'string' || path === '') return [];
    const columns = member(data, 'columns');
    return [
      {
        path: resolvedPath(path, folder),
        columns: columns === 'openr1_math' ? openr1Columns : columnsIn(columns),
        answerRequired,
      },
    ];
  });
}

/** Without a property. The library's own removal takes comments between two properties with it. */
function without(text: string, value: Node | undefined): string {
  const property = value?.parent;
  if (property?.type !== 'property') return text;
  const siblings = property.parent?.children ?? [];
  const before = siblings[siblings.indexOf(property) - 1];
  const end = property.offset + property.length;
  const comma =
    commaAfter(text, end) ?? (before === undefined ? undefined : commaAfter(text, before.offset + before.length));
  let [from, to] = [property.offset, end];
  const lineStart = text.lastIndexOf('\n', from - 1) + 1;
  const rest = /^,?[ \t]*\r?\n/.exec(text.slice(to));
  // Alone on its lines, it goes with them.
  if (rest !== null && text.slice(lineStart, from).trim() === '') [from, to] = [lineStart, to + rest[0].length];
  if (comma === undefined || (comma >= from && comma < to)) return text.slice(0, from) + text.slice(to);
  if (comma < from) return text.slice(0, comma) + text.slice(comma + 1, from) + text.slice(to);
  return text.slice(0, from) + text.slice(to, comma) + text.slice(comma + 1);
}

/** Where the comma stands that follows, comments between; undefined when none does. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  return text[scanner.getTokenOffset()] === ',' ? scanner.getTokenOffset() : undefined;
}

function placeOfNode(
  text: string,
  tree: Node,
  path: KeyPath,
  key: KeyPath | undefined,
  finding: CheckFinding,
): FindingPlace {
  const value = findNodeAtLocation(tree, [...path]);
  const whole = value?.parent?.type === 'property' ? value.parent : value;
  const name = whole?.children?.[0];
  const isAboutKey = finding.message.includes(' is no option') || value?.type === 'object' || value?.type === 'array';
  const shown = isAboutKey && whole?.type === 'property' ? name : value;
  const subject = path === key ? text.slice(whole?.offset ?? 0, (whole?.offset ?? 0) + (whole?.length ?? 0)) : '';
  return { offset: shown?.offset ?? 0, length: shown?.length ?? 0, key, subject };
}

function formattingOf(text: string): {
  readonly insertSpaces: boolean;
  readonly tabSize: number;
  readonly eol: string;
} {
  return { insertSpaces: !/^\t/m.test(text), tabSize: 2, eol: text.includes('\r\n') ? '\r\n' : '\n' };
}

/** Does any part compare with the reference answer? As the trainer sees it. */
function needsAnswer(recipe: unknown): boolean {
  const parts = member(member(recipe, 'reward'), 'parts');
  if (!Array.isArray(parts)) return true;
  return parts.some((part) => {
    const kind = member(part, 'kind');
    return kind === 'exact' || kind === 'math' || (kind === 'regex' && member(part, 'match_only') !== true);
  });
}

function columnsIn(value: unknown): Columns {
  const text = (key: keyof Columns): string | undefined => {
    const name = member(value, key);
    return typeof name === 'string' ? name : undefined;
  };
  const hasNone = member(value, 'demonstration') === null;
  return {
    prompt: text('prompt') ?? usualColumns.prompt,
    answer: text('answer') ?? usualColumns.answer,
    demonstration: hasNone ? null : (text('demonstration') ?? usualColumns.demonstration),
    id: text('id') ?? null,
  };
}

function resolvedPath(path: string, folder: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(folder, path);
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
