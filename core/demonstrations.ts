/** Which column holds what; a dot reaches into nested columns. */
export interface Columns {
  readonly prompt: string;
  readonly answer: string;
  /** Null: the data has none. */
  readonly demonstration: string | null;
  /** Null: rows are numbered. */
  readonly id: string | null;
}

/** Something wrong with a line that needs no judge and no tokenizer to see. */
export interface LineProblem {
  /** Counts from 0. */
  readonly line: number;
  /** Characters of the line it is about. */
  readonly length: number;
  readonly severity: 'error' | 'warning';
  readonly code:
    'not-json' | 'no-object' | 'no-prompt' | 'no-answer' | 'bad-demonstration' | 'duplicate-id' | 'too-long' | 'binary';
  readonly message: string;
}

/** What a file of problems holds. */
export interface Examination {
  /** Lines that are not blank. */
  readonly rows: number;
  readonly withDemonstration: number;
  readonly problems: readonly LineProblem[];
  /** Lines with problems beyond those that are listed. */
  readonly unlisted: number;
}

/** The parts of a row that people and judges look at. */
export interface RowParts {
  readonly id: string | null;
  /** The last is the user's. */
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly answer: string | null;
  readonly demonstration: string | null;
  readonly columns: Readonly<Record<string, unknown>>;
}

/** The trainer's own limit of a line. */
const maxLineLength = 16 * 1024 * 1024;
/** A list of more problems than this helps nobody. */
const mostListed = 500;

export const usualColumns: Columns = { prompt: 'prompt', answer: 'answer', demonstration: 'demonstration', id: null };

/** The mapping that a recipe names by name. */
export const openr1Columns: Columns = {
  prompt: 'prompt',
  answer: 'reward_model.ground_truth',
  demonstration: 'target',
  id: null,
};

/** Look at every line. Whether a demonstration is right or too long only the trainer can say. */
export function examine(text: string, columns: Columns, options: { readonly answerRequired: boolean }): Examination {
  const problems: LineProblem[] = [];
  const firstWith = new Map<string, number>();
  let [rows, withDemonstration, unlisted] = [0, 0, 0];
  for (const { number, text: line } of linesOf(text)) {
    if (line.trim() === '') continue;
    rows += 1;
    const found = problemsOfLine(line, columns, options.answerRequired);
    const row = found.row;
    if (typeof row?.demonstration === 'string') withDemonstration += 1;
    const listed: Found[] = [...found.problems];
    const id = row?.id ?? null;
    if (id !== null) {
      const first = firstWith.get(id);
      if (first === undefined) firstWith.set(id, number);
      else
        listed.push(
          error('duplicate-id', `The id ${shortened(id)} already stands on line ${first + 1}; give each row its own.`),
        );
    }
    if (problems.length < mostListed)
      problems.push(...listed.map((problem) => ({ line: number, length: line.length, ...problem })));
    else unlisted += listed.length > 0 ? 1 : 0;
  }
  return { rows, withDemonstration, problems, unlisted };
}

/** A line as its parts; undefined when it is no row. What is missing or of the wrong kind is empty. */
export function rowParts(line: string, columns: Columns): RowParts | undefined {
  const value = parsed(withoutBom(line));
  return isRecord(value) ? partsOf(value, columns) : undefined;
}

/** The columns that rows seem to have; undefined without a prompt. */
export function columnsOf(rows: readonly Readonly<Record<string, unknown>>[]): Columns | undefined {
  const has = (name: string): boolean => rows.some((row) => (column(row, name) ?? null) !== null);
  const first = (names: readonly string[], taken: readonly (string | undefined)[]): string | undefined =>
    names.find((name) => !taken.includes(name) && has(name));
  const prompt = first(['prompt', 'question', 'problem', 'instruction', 'input', 'query'], []);
  if (prompt === undefined) return undefined;
  const answer = first(
    ['answer', 'final_answer', 'reward_model.ground_truth', 'ground_truth', 'label', 'expected'],
    [prompt],
  );
  const demonstration = first(
    ['demonstration', 'solution', 'response', 'completion', 'target', 'output', 'generation'],
    [prompt, answer],
  );
  const id = first(['id', 'uid', 'problem_id', 'unique_id'], [prompt, answer, demonstration]);
  return { prompt, answer: answer ?? 'answer', demonstration: demonstration ?? null, id: id ?? null };
}

/** Lines with their numbers, from 0; without their ends and without a byte order mark. */
export function* linesOf(text: string): Generator<{ readonly number: number; readonly text: string }> {
  let [start, number] = [0, 0];
  for (;;) {
    const end = text.indexOf('\n', start);
    const raw = text.slice(start, end === -1 ? undefined : end);
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    yield { number, text: number === 0 ? withoutBom(line) : line };
    if (end === -1) return;
    start = end + 1;
    number += 1;
  }
}

type Found = Pick<LineProblem, 'severity' | 'code' | 'message'>;

function problemsOfLine(
  line: string,
  columns: Columns,
  answerRequired: boolean,
): { readonly row?: RowParts; readonly problems: readonly Found[] } {
  if (line.length > maxLineLength)
    return { problems: [error('too-long', 'The line is longer than 16 MiB; write one problem a line.')] };
  if (line.includes('\0'))
    return { problems: [error('binary', 'The line holds NUL bytes; give a text file in JSONL, not a binary one.')] };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (fault) {
    return {
      problems: [error('not-json', `The line is not JSON (${reasonOf(fault)}); write one JSON object a line.`)],
    };
  }
  if (!isRecord(value)) {
    return {
      problems: [
        error('no-object', `The line is ${shortened(line)}, not a JSON object; write {"prompt": …, "answer": …}.`),
      ],
    };
  }
  const row = partsOf(value, columns);
  const problems: Found[] = [];
  if (row.messages.length === 0) problems.push(error('no-prompt', promptFault(value, columns.prompt)));
  if (answerRequired && row.answer === null) problems.push(error('no-answer', answerFault(value, columns.answer)));
  const given = columns.demonstration === null ? null : (column(value, columns.demonstration) ?? null);
  if (given !== null && row.demonstration === null) {
    problems.push(
      error(
        'bad-demonstration',
        `The demonstration in "${columns.demonstration ?? ''}" is no text; write null where there is none.`,
      ),
    );
  }
  return { row, problems };
}

function partsOf(row: Readonly<Record<string, unknown>>, columns: Columns): RowParts {
  const id = columns.id === null ? undefined : column(row, columns.id);
  const answer = column(row, columns.answer);
  return {
    id: typeof id === 'string' || typeof id === 'number' ? `${id}` : null,
    messages: messagesIn(column(row, columns.prompt)),
    answer: typeof answer === 'number' ? `${answer}` : (textIn(answer)?.trim() ?? null),
    demonstration: columns.demonstration === null ? null : demonstrationIn(column(row, columns.demonstration)),
    columns: row,
  };
}

function messagesIn(value: unknown): RowParts['messages'] {
  const text = textIn(value);
  if (text !== null) return [{ role: 'user', content: text }];
  if (!Array.isArray(value)) return [];
  const messages = value.filter(isMessage);
  return messages.length === value.length && messages.at(-1)?.role === 'user' ? messages : [];
}

function demonstrationIn(value: unknown): string | null {
  if (!Array.isArray(value)) return textIn(value);
  const own = value.filter(isMessage).filter(({ role }) => role === 'assistant');
  return own.length === 1 ? textIn(own[0]?.content) : null;
}

function promptFault(row: Readonly<Record<string, unknown>>, name: string): string {
  const value = column(row, name);
  if (value === undefined) return `The prompt is missing: there is no column "${name}" (there: ${namesOf(row)}).`;
  if (Array.isArray(value))
    return `The prompt in "${name}" is no list of {role, content} that ends with a message of "user".`;
  return value === '' ? `The prompt in "${name}" is empty.` : `The prompt in "${name}" is no text.`;
}

function answerFault(row: Readonly<Record<string, unknown>>, name: string): string {
  const value = column(row, name);
  if (value === undefined) return `The answer is missing: there is no column "${name}" (there: ${namesOf(row)}).`;
  if (value === null) return `The answer in "${name}" is null; give it or remove the row.`;
  return typeof value === 'string'
    ? `The answer in "${name}" is empty.`
    : `The answer in "${name}" is neither a text nor a number.`;
}

function column(row: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  let node: unknown = row;
  for (const part of name.split('.')) {
    if (!isRecord(node) || !Object.hasOwn(node, part)) return undefined;
    node = node[part];
  }
  return node;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // No row: the line's diagnostics say why.
    return undefined;
  }
}

function error(code: LineProblem['code'], message: string): Found {
  return { severity: 'error', code, message };
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

function isMessage(value: unknown): value is { readonly role: string; readonly content: string } {
  return isRecord(value) && typeof value['role'] === 'string' && typeof value['content'] === 'string';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function namesOf(row: Readonly<Record<string, unknown>>): string {
  return shortened(Object.keys(row).slice(0, 12).join(', ') || 'none', 200);
}

function reasonOf(fault: unknown): string {
  // The engine quotes the text around the fault, which may be long.
  return shortened((fault instanceof Error ? fault.message : String(fault)).replace(/, (?:\.\.\.)?"[\s\S]*$/, ''), 120);
}

function shortened(text: string, limit = 60): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

function withoutBom(line: string): string {
  return line.startsWith('\uFEFF') ? line.slice(1) : line;
}
