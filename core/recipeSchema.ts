/** What is used here of a JSON schema. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly prefixItems?: readonly SchemaNode[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly type?: string;
}

/** A place in a recipe: keys, and numbers within lists. */
export type KeyPath = readonly (string | number)[];

/** A key's own part of the recipe's schema; in a union, of the member that the recipe's `kind` names. */
export function schemaAt(schema: SchemaNode, recipe: unknown, path: KeyPath): SchemaNode | undefined {
  const key = path.at(-1);
  if (key === undefined) return schema;
  for (const section of sectionsAt(schema, recipe, path.slice(0, -1))) {
    const found =
      typeof key === 'number' ? (section.prefixItems?.[key] ?? section.items) : ownProperty(section.properties, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The keys that a section may have. */
export function knownKeys(schema: SchemaNode, recipe: unknown, path: KeyPath): readonly string[] {
  return [...new Set(sectionsAt(schema, recipe, path).flatMap(({ properties = {} }) => Object.keys(properties)))];
}

/** What a recipe says at a place, or would without saying it. */
export function valueAt(schema: SchemaNode, recipe: unknown, path: KeyPath): unknown {
  let value = recipe;
  for (const [depth, key] of path.entries()) {
    value = member(value, key);
    if (value !== undefined) continue;
    let fallback = schemaAt(schema, recipe, path.slice(0, depth + 1))?.default;
    for (const inner of path.slice(depth + 1)) fallback = member(fallback, inner);
    return fallback ?? schemaAt(schema, recipe, path)?.default;
  }
  return value;
}

/** The word that was probably meant; undefined when none is close. */
export function nearestWord(word: string, words: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = words
    .map((known) => ({ known, distance: editDistance(word.toLowerCase(), known.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.known;
}

function sectionsAt(schema: SchemaNode, recipe: unknown, path: KeyPath): readonly SchemaNode[] {
  const node = path.length === 0 ? schema : schemaAt(schema, recipe, path);
  if (node === undefined) return [];
  const members = membersOf(schema, node);
  let value = recipe;
  for (const key of path) value = member(value, key);
  const kind = member(value, 'kind');
  const chosen = members.filter(
    (section) => kind !== undefined && ownProperty(section.properties, 'kind')?.const === kind,
  );
  return chosen.length > 0 ? chosen : members;
}

function membersOf(schema: SchemaNode, node: SchemaNode): readonly SchemaNode[] {
  if (node.$ref !== undefined) {
    const target = ownProperty(schema.$defs, node.$ref.replace('#/$defs/', ''));
    return target === undefined ? [] : membersOf(schema, target);
  }
  const union = node.anyOf ?? node.oneOf;
  return union === undefined ? [node] : union.flatMap((part) => membersOf(schema, part));
}

function member(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}

function ownProperty<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
