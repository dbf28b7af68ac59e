import { column, tokenCount, type Trace } from './trace';

/** What the tokens of a trace can be tinted by. */
export type Overlay =
  /** A size, from nothing upwards, by fixed limits; or a figure with a sign, by shares of the greatest there is. */
  | {
      readonly kind: 'size' | 'signed';
      readonly id: string;
      readonly label: string;
      readonly unit: string;
      readonly values: Float32Array;
      readonly limits: readonly number[];
    }
  /** One of a few names; -1 is none. */
  | {
      readonly kind: 'name';
      readonly id: string;
      readonly label: string;
      readonly names: readonly string[];
      readonly values: Int8Array;
    };

/** Sizes have five levels above nothing, figures with a sign four on either side. */
export const sizeLevels = 5;
export const signedLevels = 4;

/** Least size of each level, for what is counted in nats. */
export const natLimits = [0.2, 0.4, 0.7, 1, 1.3];

const signedShares = [0.02, 0.25, 0.5, 0.75];

/** The overlays that this trace has figures for, in the order they are offered. `advantage` is that of the sequence. */
export function overlaysOf(trace: Trace, advantage: number): Overlay[] {
  const terms = termsOf(trace).filter(({ values }) => values.some((value) => Number.isFinite(value) && value !== 0));
  const pull = totalPull(trace);
  return [
    ...sized(trace, 'entropy', 'entropy', 'nats', (value) => value),
    ...sized(trace, 'logprob', 'surprise', 'nats (−log p)', (value) => -value),
    ...signed('advantage', 'advantage', '', column(trace, 'advantage') ?? constant(trace, advantage)),
    ...signed('pull', 'pull', 'all terms', pull),
    ...signed('push', 'push', 'pull × (1 − p)', pushOf(trace, pull)),
    ...(terms.length < 2
      ? []
      : terms.flatMap(({ name, values }) => signed(`pull/${name}`, `pull, ${name}`, '', values))),
    ...signed('entropy_pull', 'pull on the entropy', '', column(trace, 'entropy_pull')),
    ...(terms.length < 2 ? [] : [actingTerm(terms)]),
    ...origin(trace),
  ];
}

/** Pull of each term, by its name. */
export function termsOf({ record }: Pick<Trace, 'record'>): { readonly name: string; readonly values: Float32Array }[] {
  return [...record.columns].flatMap(([name, { values }]) =>
    name.startsWith(pullPrefix) && values instanceof Float32Array
      ? [{ name: name.slice(pullPrefix.length), values }]
      : [],
  );
}

/** Sum of the pulls of all terms, one a token; undefined when none was stored. A term that is NaN counts for nothing, where another is known. */
export function totalPull(trace: Pick<Trace, 'record'>): Float32Array | undefined {
  const terms = termsOf(trace);
  const [first, ...others] = terms;
  if (first === undefined) return undefined;
  return first.values.map((value, token) => others.reduce((sum, { values }) => plus(sum, values[token] ?? NaN), value));
}

/** Level of a token: 0 none, then 1 … `sizeLevels`, or ±1 … ±`signedLevels`, or 1 + the name's number. */
export function levelAt(overlay: Overlay, token: number): number {
  const value = overlay.values[token] ?? NaN;
  if (overlay.kind === 'name') return value + 1;
  const size = Math.abs(value);
  let level = 0;
  while (level < overlay.limits.length && size >= (overlay.limits[level] ?? Infinity)) level += 1;
  return overlay.kind === 'signed' && value < 0 ? -level : level;
}

/** Sum and mean over the finite values of some tokens. */
export function summed(
  values: Float32Array,
  from: number,
  to: number,
): { readonly sum: number; readonly mean: number; readonly count: number } {
  let sum = 0;
  let count = 0;
  for (let token = from; token < to; token += 1) {
    const value = values[token] ?? NaN;
    if (!Number.isFinite(value)) continue;
    sum += value;
    count += 1;
  }
  return { sum, mean: count === 0 ? NaN : sum / count, count };
}

const pullPrefix = 'pull/';

function sized(trace: Trace, name: string, label: string, unit: string, of: (value: number) => number): Overlay[] {
  const values = column(trace, name);
  if (values === undefined || !hasFinite(values)) return [];
  return [{ kind: 'size', id: name, label, unit, values: values.map(of), limits: natLimits }];
}

function signed(id: string, label: string, unit: string, values: Float32Array | undefined): Overlay[] {
  if (values === undefined || !hasFinite(values)) return [];
  const greatest = values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
  if (greatest === 0) return [];
  return [{ kind: 'signed', id, label, unit, values, limits: signedShares.map((share) => share * greatest) }];
}

/** The derivative of a token's log-prob by its own logit is 1 − p: where the model is sure, no pull moves it. */
function pushOf(trace: Trace, pull: Float32Array | undefined): Float32Array | undefined {
  const logprob = column(trace, 'logprob');
  if (pull === undefined || logprob === undefined) return undefined;
  return pull.map((value, token) => value * -Math.expm1(logprob[token] ?? NaN));
}

function constant(trace: Trace, value: number): Float32Array | undefined {
  return Number.isFinite(value) ? new Float32Array(tokenCount(trace)).fill(value) : undefined;
}

function actingTerm(terms: readonly { readonly name: string; readonly values: Float32Array }[]): Overlay {
  const count = terms[0]?.values.length ?? 0;
  const values = Int8Array.from({ length: count }, (_, token) => {
    let best = -1;
    let most = 0;
    terms.forEach(({ values: pulls }, term) => {
      const size = Math.abs(pulls[token] ?? 0);
      if (size > most) [best, most] = [term, size];
    });
    return best;
  });
  return { kind: 'name', id: 'term', label: 'term that acts most', names: terms.map(({ name }) => name), values };
}

function origin(trace: Trace): Overlay[] {
  const values = column(trace, 'origin');
  if (values === undefined || !values.includes(1)) return [];
  return [
    {
      kind: 'name',
      id: 'origin',
      label: 'origin',
      names: ['demonstration'],
      values: Int8Array.from(values, (value) => (value === 1 ? 0 : -1)),
    },
  ];
}

function hasFinite(values: Float32Array): boolean {
  return values.some((value) => Number.isFinite(value));
}

function plus(sum: number, value: number): number {
  if (Number.isNaN(value)) return sum;
  return Number.isNaN(sum) ? value : sum + value;
}
