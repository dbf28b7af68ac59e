/** A search over rollouts: every term has to hold. */
export interface RolloutQuery {
  readonly terms: readonly QueryTerm[];
}

/** One condition, or its opposite. */
export type QueryTerm = QueryCondition & { readonly negated: boolean };

export type QueryCondition =
  /** Stands somewhere in the response; exactly so when it has a capital, in any case otherwise. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly source: string; readonly flags: string }
  | { readonly kind: 'figure'; readonly figure: string; readonly test: FigureTest }
  /** The response begins so, after its tags, in any case. */
  | { readonly kind: 'opening'; readonly text: string }
  | { readonly kind: 'prompt'; readonly id: string }
  | { readonly kind: 'row'; readonly row: string }
  | { readonly kind: 'is'; readonly is: Outcome };

export type FigureTest =
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly value: number }
  | { readonly kind: 'between'; readonly from: number; readonly to: number };

export type Comparison = '<' | '<=' | '>' | '>=' | '=';
export type Outcome = (typeof outcomes)[number];

/** What the runs to be searched have besides the figures that every run has. */
export interface QueryNames {
  readonly parts: readonly string[];
  readonly weights: readonly string[];
  readonly kinds: readonly string[];
}

/** A query, or one sentence about what is wrong with it and where. */
export type ParsedQuery =
  { readonly kind: 'query'; readonly query: RolloutQuery } | ({ readonly kind: 'mistake' } & QueryMistake);

export interface QueryMistake {
  readonly at: number;
  readonly length: number;
  readonly reason: string;
}

/** Figures of the index that every row has; `length` is another word for `tokens`. */
export const figureNames = [
  'reward',
  'advantage',
  'tokens',
  'entropy',
  'step',
  'group',
  'index',
  'attempt',
  'temperature',
] as const;
/** Kinds of rows that this release knows. */
export const rowKinds = ['rollout', 'demonstration', 'hybrid', 'evaluation', 'probe'] as const;
const outcomes = ['right', 'wrong', 'truncated'] as const;
/** The index holds so many characters of each response. */
export const longestOpening = 80;

const noNames: QueryNames = { parts: [], weights: [], kinds: [] };

/**
 * Words, `"quoted words"` (a quote within them is written twice; a backslash is a backslash, for LaTeX has many),
 * `/expression/flags`, `reward<0.5`, `step:60-72`, `opening:"The answer"`, `prompt:p0412`, `kind:rollout`, `is:wrong`;
 * a minus before any of them means its opposite. Never throws.
 */
export function parseQuery(text: string, names: QueryNames = noNames): ParsedQuery {
  const terms: QueryTerm[] = [];
  let at = afterSpace(text, 0);
  while (at < text.length) {
    const negated = text[at] === '-';
    const read = readCondition(text, negated ? at + 1 : at, names);
    if (read.kind === 'mistake') return read;
    terms.push({ ...read.condition, negated });
    at = afterSpace(text, read.end);
  }
  return { kind: 'query', query: { terms } };
}

/** The query as a person would write it; read again, it is the same. */
export function printQuery({ terms }: RolloutQuery): string {
  return terms.map((term) => (term.negated ? '-' : '') + printCondition(term)).join(' ');
}

type Condition = { readonly kind: 'condition'; readonly condition: QueryCondition; readonly end: number };
type Mistake = Extract<ParsedQuery, { kind: 'mistake' }>;

const keyed = /([\p{L}_][^\s<>=:"]*)(<=|>=|<|>|=|:)/uy;
const bareWord = /\S+/y;

function readCondition(text: string, at: number, names: QueryNames): Condition | Mistake {
  const first = text[at];
  if (first === undefined || isSpace(first))
    return mistake(at - 1, 1, 'Nothing follows the minus; it leaves out what stands behind it.');
  if (first === '/') return readExpression(text, at);
  const key = matchAt(keyed, text, at);
  if (key !== null) return readKeyed(text, at, key, names);
  const value = readValue(text, at);
  if (value.kind === 'mistake') return value;
  if (value.text === '') return mistake(at, 2, 'There is nothing between the quotes.');
  return { kind: 'condition', condition: { kind: 'text', text: value.text }, end: value.end };
}

function readKeyed(text: string, start: number, key: RegExpExecArray, names: QueryNames): Condition | Mistake {
  const [whole, name = '', operator = ''] = key;
  const value = readValue(text, start + whole.length);
  if (value.kind === 'mistake') return value;
  const length = value.end - start;
  const wrong = (reason: string): Mistake => mistake(start, length, reason);
  const made = (condition: QueryCondition): Condition => ({ kind: 'condition', condition, end: value.end });
  const isWord = name === 'opening' || name === 'prompt' || name === 'kind' || name === 'is';
  if (isWord && operator !== ':') return wrong(`${name} takes a colon: ${name}:${exampleOf[name]}.`);
  if (isWord && value.text === '') return wrong(`Nothing follows ${name}:, for example ${name}:${exampleOf[name]}.`);
  switch (name) {
    case 'opening':
      if (value.text.length <= longestOpening) return made({ kind: 'opening', text: value.text });
      return wrong(`An opening has ${longestOpening} characters at most; search for a longer text without opening:.`);
    case 'prompt':
      return made({ kind: 'prompt', id: value.text });
    case 'kind': {
      const known: readonly string[] = [...rowKinds, ...names.kinds];
      if (known.includes(value.text)) return made({ kind: 'row', row: value.text });
      return wrong(`There is no kind “${value.text}”; there are ${[...new Set(known)].join(', ')}.`);
    }
    case 'is': {
      const outcome = outcomes.find((is) => is === value.text);
      if (outcome !== undefined) return made({ kind: 'is', is: outcome });
      return wrong(`A rollout is ${outcomes.join(', ')}; “${value.text}” is none of these.`);
    }
  }
  const figure = figureOf(name, names);
  if (figure === undefined) {
    const known = ['reward', 'length', 'entropy', 'advantage', 'step', ...names.parts].join(', ');
    return wrong(`There is no figure “${name}” (there are ${known}); to search for the text, put it in quotes.`);
  }
  const test = operator === ':' ? rangeOf(value.text) : comparisonOf(operator, value.text);
  return typeof test === 'string'
    ? wrong(`${name}${operator}${value.text}: ${test}`)
    : made({ kind: 'figure', figure, test });
}

const exampleOf = { opening: '"The answer"', prompt: 'p0412', kind: 'rollout', is: 'wrong' } as const;

/** The one name of a figure: parts and weights stand under their own kind, so that no part can hide a figure. */
function figureOf(name: string, names: QueryNames): string | undefined {
  if (name === 'length') return 'tokens';
  if ((figureNames as readonly string[]).includes(name)) return name;
  if (names.parts.includes(name)) return `part/${name}`;
  if (names.weights.includes(name)) return `weight/${name}`;
  const isNamed =
    (name.startsWith('part/') && names.parts.includes(name.slice('part/'.length))) ||
    (name.startsWith('weight/') && names.weights.includes(name.slice('weight/'.length)));
  return isNamed ? name : undefined;
}

const number = String.raw`-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?`;
const oneNumber = new RegExp(`^${number}$`);
const numbers = new RegExp(`^(${number})(?:-(${number}))?$`);

function comparisonOf(operator: string, text: string): FigureTest | string {
  const value = numberOf(text);
  return value === undefined ? 'a number has to follow.' : { kind: 'compare', operator: operator as Comparison, value };
}

function rangeOf(text: string): FigureTest | string {
  const [, first = '', second] = numbers.exec(text) ?? [];
  const from = numberOf(first);
  const to = second === undefined ? from : numberOf(second);
  if (from === undefined || to === undefined) return 'a number or a range has to follow, as in step:60-72.';
  return from > to ? 'the range ends before it begins.' : { kind: 'between', from, to };
}

function numberOf(text: string): number | undefined {
  // Adding 0 makes 0 of −0, which would be printed as another number.
  const value = oneNumber.test(text) ? Number(text) + 0 : NaN;
  return Number.isFinite(value) ? value : undefined;
}

type Value = { readonly kind: 'value'; readonly text: string; readonly end: number };

/** What stands in quotes at `at`, or up to the next white space. */
function readValue(text: string, at: number): Value | Mistake {
  if (text[at] !== '"') {
    const word = matchAt(bareWord, text, at)?.[0] ?? '';
    return { kind: 'value', text: word, end: at + word.length };
  }
  let value = '';
  for (let from = at + 1; ;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) return mistake(at, text.length - at, 'The quotes are not closed.');
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const next = text[quote + 1];
      if (next === undefined || isSpace(next)) return { kind: 'value', text: value, end: quote + 1 };
      return mistake(quote + 1, 1, 'A space has to follow the closing quote; a quote within quotes is written twice.');
    }
    value += '"';
    from = quote + 2;
  }
}

const allowedFlags = /^[imsu]*$/;

function readExpression(text: string, at: number): Condition | Mistake {
  const end = expressionEnd(text, at + 1);
  if (end === undefined) {
    return mistake(at, text.length - at, 'The expression has no closing /; to search for the text, put it in quotes.');
  }
  const source = text.slice(at + 1, end);
  const flags = matchAt(bareWord, text, end + 1)?.[0] ?? '';
  if (source === '') return mistake(at, 2, 'There is nothing between the slashes.');
  if (!allowedFlags.test(flags)) {
    return mistake(end + 1, flags.length, `“${flags}” cannot follow an expression; its flags are i, m, s and u.`);
  }
  try {
    new RegExp(source, flags);
  } catch (error) {
    return mistake(
      at,
      end + 1 - at,
      `No regular expression: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
  return { kind: 'condition', condition: { kind: 'expression', source, flags }, end: end + 1 + flags.length };
}

/** Where the closing slash is: not one behind a backslash, nor one in a class. */
function expressionEnd(text: string, from: number): number | undefined {
  let isInClass = false;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\\') at += 1;
    else if (character === '[') isInClass = true;
    else if (character === ']') isInClass = false;
    else if (character === '/' && !isInClass) return at;
  }
  return undefined;
}

function printCondition(condition: QueryCondition): string {
  switch (condition.kind) {
    case 'text':
      return isPlainWord(condition.text) ? condition.text : quoted(condition.text);
    case 'expression':
      return `/${condition.source}/${condition.flags}`;
    case 'figure':
      return condition.figure + printTest(condition.test);
    case 'opening':
      return `opening:${printValue(condition.text)}`;
    case 'prompt':
      return `prompt:${printValue(condition.id)}`;
    case 'row':
      return `kind:${printValue(condition.row)}`;
    case 'is':
      return `is:${condition.is}`;
  }
}

function printTest(test: FigureTest): string {
  if (test.kind === 'compare') return `${test.operator}${test.value}`;
  return test.from === test.to ? `:${test.from}` : `:${test.from}-${test.to}`;
}

function isPlainWord(text: string): boolean {
  return /^[^\s"/-]\S*$/.test(text) && matchAt(keyed, text, 0) === null;
}

function printValue(text: string): string {
  return /^[^\s"]\S*$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

function afterSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && isSpace(text[next] ?? '')) next += 1;
  return next;
}

function isSpace(character: string): boolean {
  return /\s/.test(character);
}

function mistake(at: number, length: number, reason: string): Mistake {
  return { kind: 'mistake', at, length, reason };
}
