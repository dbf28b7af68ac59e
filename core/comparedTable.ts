/** A sequence under two checkpoints, as it is exported. T is its number of tokens; what is not known is NaN. */
export interface ComparedRow {
  /** Id of the rollout. */
  readonly rollout: string;
  readonly step: number;
  readonly prompt: string;
  readonly verdict: 'right' | 'wrong' | 'given';
  /** [T] */
  readonly ids: ArrayLike<number>;
  /** [T] */
  readonly words: readonly string[];
  readonly before: ComparedSide;
  readonly after: ComparedSide;
}

/** What a checkpoint says of each token. */
export interface ComparedSide {
  /** [T] natural log of the probability. */
  readonly logProb: Float32Array;
  /** [T] in nats. */
  readonly entropy: Float32Array;
  /** [T] how many tokens were likelier; −1 where it is not known. */
  readonly rank: Int32Array;
}

/** Columns of the export, one row a token. */
export const comparedColumns = [
  'rollout',
  'step',
  'prompt',
  'verdict',
  'position',
  'token_id',
  'text',
  'p_before',
  'p_after',
  'd',
  'rank_before',
  'rank_after',
  'entropy_before',
  'entropy_after',
] as const;

/** Values of one token, in the order of `comparedColumns`; null where a number is not known. */
export type ComparedValues = readonly (string | number | null)[];

/** One row a token; `position` counts from 0, a rank of 0 is the likeliest. */
export function* comparedValues(rows: readonly ComparedRow[]): Generator<ComparedValues> {
  for (const { rollout, step, prompt, verdict, ids, words, before, after } of rows) {
    for (let token = 0; token < ids.length; token += 1) {
      const [p, q] = [probability(before, token), probability(after, token)];
      yield [
        ...[rollout, step, prompt, verdict, token, ids[token] ?? null, words[token] ?? ''],
        ...[p, q, p === null || q === null ? null : q - p],
        ...[rankOf(before, token), rankOf(after, token)],
        ...[finite(before.entropy[token]), finite(after.entropy[token])],
      ];
    }
  }
}

/**
 * The rows as CSV, its lines ended by CR LF (RFC 4180). Texts are JSON strings within their field, so that a line feed
 * stays on its line and no program takes what a model wrote for a formula.
 */
export function comparedCsv(rows: readonly ComparedRow[]): string {
  const lines = [comparedColumns.join(',')];
  for (const values of comparedValues(rows))
    lines.push(values.map((value, place) => field(value, place === textColumn)).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

/** The rows as JSON: names of columns, and a list for each token. `about` says what was compared. */
export function comparedJson(rows: readonly ComparedRow[], about: Readonly<Record<string, string>>): string {
  const lines = [...comparedValues(rows)].map((values) => JSON.stringify(values));
  return `{"about":${JSON.stringify(about)},"columns":${JSON.stringify(comparedColumns)},"rows":[\n${lines.join(',\n')}\n]}\n`;
}

const textColumn = comparedColumns.indexOf('text');

function field(value: string | number | null, isText: boolean): string {
  if (value === null) return '';
  if (typeof value === 'number') return `${value}`;
  // Names are mostly plain words, what a model wrote may be anything.
  return !isText && /^[\w-]+$/.test(value) ? value : `"${plainJson(value).replaceAll('"', '""')}"`;
}

/** A JSON string in which nothing hides or reorders what stands beside it. */
function plainJson(text: string): string {
  return JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, unit) => {
      const number = character.charCodeAt(unit).toString(16).padStart(4, '0');
      return `\\u${number}`;
    }).join(''),
  );
}

function probability({ logProb }: ComparedSide, token: number): number | null {
  return finite(Math.exp(logProb[token] ?? NaN));
}

function rankOf({ rank }: ComparedSide, token: number): number | null {
  const value = rank[token] ?? -1;
  return value < 0 ? null : value;
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
