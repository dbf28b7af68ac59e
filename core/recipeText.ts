import type { Columns } from './demonstrations';
import { schemaAt, type KeyPath, type SchemaNode } from './recipeSchema';

/** How answers are judged. */
export type JudgeChoice = 'exact' | 'math' | 'regex' | 'python';
/** How the model learns. */
export type MethodChoice = 'srft' | 'grpo' | 'sft' | 'sft_rl' | 'luffy';

/** What is known of a model without loading it. */
export interface ModelFacts {
  /** As the recipe writes it. */
  readonly path: string;
  /** Null: unknown. */
  readonly parameters: number | null;
  /** Tokens of prompt and response together; null: unknown, and taken as long. */
  readonly context: number | null;
}

/** What is known of a file of problems; characters are of its longest texts. */
export interface DataFacts {
  readonly columns: Columns;
  readonly rows: number;
  readonly longestPrompt: number;
  /** 0 when there is none. */
  readonly longestDemonstration: number;
  /** Demonstrations reason between think tags. */
  readonly thinks: boolean;
  /** Demonstrations give their answer in `\boxed{}`. */
  readonly boxes: boolean;
}

/** The answers of a person who makes a recipe. */
export interface RecipeAnswers {
  readonly name: string;
  readonly model: ModelFacts;
  readonly data: { readonly path: string; readonly heldOut: string | null; readonly facts: DataFacts | null };
  readonly judge: JudgeChoice;
  /** Relative to the recipe; used by the judge `python`. */
  readonly rewardFile: string;
  readonly method: MethodChoice;
}

/** A recipe that trains, each key explained by its sentence in the schema. */
export function recipeText(answers: RecipeAnswers, schema: SchemaNode): string {
  const recipe = recipeValue(answers);
  const lines: string[] = [
    '// A recipe of SRFT Studio: what to train, on what, and how. Completion and hovers know every other key.',
    '// "Check" above looks at model and data and measures a few rollouts before hours are spent.',
    '{',
  ];
  printObject(recipe, [], { schema, recipe, lines });
  if (answers.data.heldOut === null) lines.push(...heldOutHint);
  lines.push('}', '');
  return lines.join('\n');
}

/** The same as a value. */
export function recipeValue(answers: RecipeAnswers): Readonly<Record<string, unknown>> {
  const { model, data, method } = answers;
  const size = sizeOf(model);
  const limits = limitsOf(model, data.facts);
  const steps = stepsOf(data.facts);
  const columns = data.facts === null ? {} : { columns: data.facts.columns };
  return {
    name: answers.name,
    seed: 0,
    model: {
      path: model.path,
      device: 'auto',
      dtype: 'auto',
      lora: size === 'large' ? { rank: 16, alpha: 32 } : null,
    },
    data: { path: data.path, ...columns },
    prompt: { system: systemOf(answers), max_tokens: limits.prompt },
    reward: {
      parts: [partOf(answers)],
      gate: { require_think: data.facts?.thinks ?? false, require_end: true },
    },
    method: methodOf(method, steps.steps),
    rollouts: { temperature: 1, max_tokens: limits.response },
    training: { ...steps, micro_batch_tokens: 8192 },
    optimiser: { learning_rate: learningRate(size, method), warmup_steps: Math.min(5, steps.steps - 1), clip: 1 },
    ...(data.heldOut === null
      ? {}
      : {
          evaluation: {
            data: { path: data.heldOut, ...columns },
            every: Math.max(1, Math.round(steps.steps / 10)),
            sampling: { temperature: 0.6, top_p: 0.95, max_tokens: limits.response },
          },
        }),
    checkpoint: {
      every: Math.max(1, Math.round(steps.steps / 5)),
      keep_last: 1,
      keep_best: data.heldOut === null ? 0 : 1,
    },
  };
}

/** The parameters in a name such as `Qwen/Qwen3-0.6B` or `SmolLM2-135M`; null where it tells none. */
export function parametersInName(name: string): number | null {
  const found = /(?:^|[-_/ ])(\d+(?:\.\d+)?)([bm])(?=$|[-_. /])/i.exec(name);
  if (found === null) return null;
  return Number(found[1]) * (found[2]?.toLowerCase() === 'b' ? 1e9 : 1e6);
}

/** The reward of somebody who judges with Python. */
export const pythonRewardText = `"""How responses are judged. The recipe names this file; see \`reward\` there."""


def score(prompt, response, answer, row):
    """1.0 for a right response, 0.0 for a wrong one; a dict of numbers is summed and recorded part by part."""
    last = response.strip().splitlines()[-1] if response.strip() else ""
    return 1.0 if answer is not None and str(answer).strip() in last else 0.0
`;

type Size = 'small' | 'medium' | 'large';

const heldOutHint = [
  '',
  '  // Without held-out problems learning and memorising look the same. With a file of them, put a comma after the',
  '  // section above and take the two slashes away:',
  '  // "evaluation": { "data": { "path": "held_out.jsonl" }, "every": 10 }',
];

function sizeOf({ parameters }: ModelFacts): Size {
  if (parameters === null) return 'medium';
  if (parameters < 50e6) return 'small';
  return parameters < 1.5e9 ? 'medium' : 'large';
}

/** Prompt and response always fit the context together; texts have at most about one token a character. */
function limitsOf(
  { context }: ModelFacts,
  facts: DataFacts | null,
): { readonly prompt: number; readonly response: number } {
  const room = context ?? 4096;
  const longest = facts?.longestPrompt ?? 0;
  if (room >= 2048) {
    const prompt = Math.min(Math.max(1024, rounded(longest / 2)), Math.floor(room / 2));
    return { prompt, response: Math.min(1024, room - prompt) };
  }
  const prompt = Math.min(longest === 0 ? Math.floor(room / 4) : rounded(longest + 32), Math.floor(room / 2));
  const demonstration = facts?.longestDemonstration ?? 0;
  const wanted = demonstration === 0 ? 1024 : rounded(demonstration * 1.15);
  return { prompt, response: Math.max(1, Math.min(wanted, room - prompt)) };
}

/** About four rounds through the data. */
function stepsOf(facts: DataFacts | null): { readonly steps: number; readonly prompts_per_step: number } {
  if (facts === null || facts.rows === 0) return { steps: 100, prompts_per_step: 16 };
  const prompts = facts.rows < 64 ? Math.min(8, facts.rows) : facts.rows < 4096 ? 16 : 32;
  return { steps: Math.min(200, Math.max(20, Math.ceil((4 * facts.rows) / prompts))), prompts_per_step: prompts };
}

function systemOf({ judge, data }: RecipeAnswers): string | null {
  if (data.facts === null || data.facts.boxes || data.facts.thinks || judge === 'python') return null;
  if (judge === 'regex') return 'Solve the problem step by step. End with: The answer is NUMBER.';
  return 'Solve the problem step by step. Put the final answer in \\boxed{}.';
}

function partOf({ judge, data, rewardFile }: RecipeAnswers): Readonly<Record<string, unknown>> {
  switch (judge) {
    case 'exact':
      return { kind: 'exact', extract: 'boxed' };
    case 'math':
      return { kind: 'math' };
    case 'regex': {
      const boxes = data.facts?.boxes === true;
      return {
        kind: 'regex',
        pattern: boxes ? '\\\\boxed\\{(?P<answer>[^{}]*)\\}' : '[Aa]nswer is:? *(?P<answer>-?\\d+(?:\\.\\d+)?)',
      };
    }
    case 'python':
      return { kind: 'python', path: rewardFile, function: 'score' };
  }
}

function methodOf(method: MethodChoice, steps: number): Readonly<Record<string, unknown>> {
  switch (method) {
    case 'srft':
      return { kind: 'srft', preset: 'stable', rollouts: 7 };
    case 'grpo':
      return { kind: 'grpo', rollouts: 8 };
    case 'sft':
      return { kind: 'sft' };
    case 'sft_rl':
      return { kind: 'sft_rl', sft_steps: Math.max(1, Math.floor(steps / 4)), grpo: { kind: 'grpo', rollouts: 8 } };
    case 'luffy':
      return { kind: 'luffy', rollouts: 7 };
  }
}

/** Adapters and small models take larger steps; demonstrations alone do, too. */
function learningRate(size: Size, method: MethodChoice): number {
  const ofRl: Readonly<Record<Size, number>> = { small: 1e-4, medium: 2e-6, large: 2e-5 };
  return method === 'sft' ? Math.min(2e-4, 5 * ofRl[size]) : ofRl[size];
}

function rounded(tokens: number): number {
  return Math.max(16, Math.ceil(tokens / 16) * 16);
}

interface Printing {
  readonly schema: SchemaNode;
  readonly recipe: unknown;
  readonly lines: string[];
}

function printObject(value: Readonly<Record<string, unknown>>, path: KeyPath, printing: Printing): void {
  const entries = Object.entries(value);
  const indent = '  '.repeat(path.length + 1);
  for (const [number, [key, inner]] of entries.entries()) {
    const comma = number < entries.length - 1 ? ',' : '';
    const at = [...path, key];
    if (path.length === 0 && number > 0) printing.lines.push('');
    const sentence = sentenceAt(at, printing);
    if (sentence !== '') printing.lines.push(`${indent}// ${sentence}`);
    printValue(`${JSON.stringify(key)}: `, inner, at, comma, printing);
  }
}

function printValue(before: string, value: unknown, path: KeyPath, comma: string, printing: Printing): void {
  const indent = '  '.repeat(path.length);
  if (Array.isArray(value)) {
    printing.lines.push(`${indent}${before}[`);
    for (const [number, item] of value.entries()) {
      printValue('', item, [...path, number], number < value.length - 1 ? ',' : '', printing);
    }
    printing.lines.push(`${indent}]${comma}`);
  } else if (typeof value === 'object' && value !== null) {
    printing.lines.push(`${indent}${before}{`);
    printObject(value as Record<string, unknown>, path, printing);
    printing.lines.push(`${indent}}${comma}`);
  } else {
    printing.lines.push(`${indent}${before}${JSON.stringify(value)}${comma}`);
  }
}

function sentenceAt(path: KeyPath, { schema, recipe }: Printing): string {
  if (path.at(-1) === 'kind') return kindSentence(path, schema, recipe);
  const node = schemaAt(schema, recipe, path);
  const section = node?.$ref === undefined ? undefined : schema.$defs?.[node.$ref.replace('#/$defs/', '')];
  const text = node?.description ?? section?.description ?? '';
  return (text.split('\n')[0] ?? '').trim();
}

/** A kind's own sentence is the one of its section. */
function kindSentence(path: KeyPath, schema: SchemaNode, recipe: unknown): string {
  const members = schema.$defs ?? {};
  let section = recipe;
  for (const key of path.slice(0, -1)) section = (section as Record<string | number, unknown>)[key];
  const keys = Object.keys(section as object);
  const kind = (section as Record<string, unknown>)['kind'];
  const found = Object.values(members).find(
    ({ properties = {} }) => properties['kind']?.const === kind && keys.every((key) => Object.hasOwn(properties, key)),
  );
  return (found?.description ?? '').split('\n')[0]?.trim() ?? '';
}
