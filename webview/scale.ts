import { roundTicks } from './ticks';

/** How values become heights. */
export type Scale =
  | { readonly kind: 'linear' }
  | { readonly kind: 'log' }
  /** Logarithmic on either side of zero; about linear within ± `linear`. */
  | { readonly kind: 'symlog'; readonly linear: number };

/** A scale and what of it is shown. */
export interface ScaledRange {
  readonly scale: Scale;
  readonly y: readonly [number, number];
}

/** Height of a value, in a unit of the scale's own. */
export function scaled(scale: Scale, value: number): number {
  switch (scale.kind) {
    case 'linear':
      return value;
    case 'log':
      return Math.log10(value);
    case 'symlog':
      return Math.asinh(value / scale.linear);
  }
}

/** The value at a height. */
export function unscaled(scale: Scale, height: number): number {
  switch (scale.kind) {
    case 'linear':
      return height;
    case 'log':
      return 10 ** height;
    case 'symlog':
      return Math.sinh(height) * scale.linear;
  }
}

/** The logarithmic scale for values from `low` to `high`: one that has zero where they have. */
export function logScaleFor(low: number, high: number): ScaledRange {
  if (!(low <= high)) return { scale: { kind: 'log' }, y: [0.1, 1] };
  if (low > 0) return { scale: { kind: 'log' }, y: [low / 1.1, Math.max(high, low * 1.2) * 1.1] };
  const greatest = Math.max(-low, high);
  const decade = greatest === 0 ? 0 : Math.floor(Math.log10(greatest));
  const scale: Scale = { kind: 'symlog', linear: 10 ** (decade - decadesShown) };
  const from = scaled(scale, low);
  const to = scaled(scale, high);
  const pad = Math.max((to - from) * 0.03, 0.05);
  return { scale, y: [unscaled(scale, low === 0 ? 0 : from - pad), unscaled(scale, to + pad)] };
}

const decadesShown = 3;

/** Values to write at the axis, ascending, about `count` of them. */
export function ticksOf({ scale, y: [low, high] }: ScaledRange, count: number): number[] {
  switch (scale.kind) {
    case 'linear':
      return roundTicks(low, high, count, 'tokens');
    case 'log': {
      const ticks = thinned(powers(low, high, [1]), count);
      const finer = ticks.length > 1 ? ticks : powers(low, high, [1, 2, 5]);
      return finer.length > 1 ? finer : roundTicks(low, high, count, 'tokens');
    }
    case 'symlog': {
      const [from, to] = [scaled(scale, low), scaled(scale, high)];
      const share = Math.max(to, -from) / (to - from);
      const sizes = thinned(powers(scale.linear * 10, Math.max(high, -low), [1]), Math.ceil(count * share));
      const below = sizes.map((size) => -size).reverse();
      return [...below, 0, ...sizes].filter((tick) => tick >= low && tick <= high);
    }
  }
}

/** Multiples of powers of ten within a range of positive numbers. */
function powers(low: number, high: number, factors: readonly number[]): number[] {
  if (!(high > 0)) return [];
  const found: number[] = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade += 1)
    for (const factor of factors) {
      // Read from its digits: 3 * 10 ** -2 is not 0.03.
      const value = Number(`${factor}e${decade}`);
      if (value >= low && value <= high) found.push(value);
    }
  return found;
}

/** Every n-th, the greatest among them. */
function thinned(ticks: readonly number[], count: number): number[] {
  const every = Math.max(1, Math.ceil(ticks.length / Math.max(1, count)));
  return ticks.filter((_, place) => (ticks.length - 1 - place) % every === 0);
}
