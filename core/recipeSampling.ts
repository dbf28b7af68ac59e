import type { AnswerSampling } from './generated/playground';

/** What a run's recipe says of how it asks its model. */
export interface RecipeAsking {
  readonly sampling: AnswerSampling;
  /** Empty for none. */
  readonly system: string;
  /** Today as its template sees it, `YYYY-MM-DD`; undefined where the recipe does not say. */
  readonly date: string | undefined;
}

/** Where there is no run, and for what a recipe leaves out: the recipe's own defaults. */
const fallback: AnswerSampling = { temperature: 1, topP: 1, topK: 0, minP: 0, maxTokens: 512, seed: 0 };

/** Sampling of the rollouts, system message and date of a recipe as a run's manifest holds it, whatever that is. */
export function recipeAsking(recipe: unknown): RecipeAsking {
  const { rollouts, prompt, seed } = fieldsOf(recipe);
  const said = fieldsOf(rollouts);
  const { system, date } = fieldsOf(prompt);
  return {
    sampling: {
      temperature: numberIn(said['temperature'], 0, 100) ?? fallback.temperature,
      topP: numberIn(said['top_p'], Number.MIN_VALUE, 1) ?? fallback.topP,
      topK: wholeIn(said['top_k'], 0, 1_000_000) ?? fallback.topK,
      minP: numberIn(said['min_p'], 0, 1) ?? fallback.minP,
      maxTokens: wholeIn(said['max_tokens'], 1, 100_000) ?? fallback.maxTokens,
      seed: wholeIn(seed, 0, Number.MAX_SAFE_INTEGER) ?? fallback.seed,
    },
    system: typeof system === 'string' ? system : '',
    date: typeof date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(date) ? date : undefined,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function numberIn(value: unknown, least: number, most: number): number | undefined {
  return typeof value === 'number' && value >= least && value <= most ? value : undefined;
}

function wholeIn(value: unknown, least: number, most: number): number | undefined {
  return Number.isSafeInteger(value) ? numberIn(value, least, most) : undefined;
}
