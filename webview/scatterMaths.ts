import type { TokenPoints } from '../core/generated/analyses';
import type { Frame } from './paint';
import type { Surface } from './surface';

/** What the scatter shows: entropies, by their decimal logarithms, to the right, and upwards the pull or what it does to the token's own logit. */
export interface Scatter {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly across: Float64Array;
  readonly upwards: Float64Array;
  /** Points from left to right. */
  readonly order: readonly number[];
}

/** Where the points stand. A point without a number is nowhere. */
export function scatterOf({ entropy, pull, probability }: TokenPoints, height: 'pull' | 'push'): Scatter {
  const across = Float64Array.from(entropy, (nats) => Math.log10(Math.max(leastNats, nats)));
  const upwards = Float64Array.from(pull, (value, place) =>
    // The derivative of a token's log-prob by its own logit is 1 − p.
    height === 'pull' ? value : value * (1 - (probability[place] ?? NaN)),
  );
  const order = Array.from(across.keys())
    .filter((place) => Number.isFinite((across[place] ?? NaN) + (upwards[place] ?? NaN)))
    .sort((a, b) => (across[a] ?? 0) - (across[b] ?? 0) || (upwards[a] ?? 0) - (upwards[b] ?? 0) || a - b);
  let [low, high, right] = [0, 0, 0.1];
  for (const place of order) {
    low = Math.min(low, upwards[place] ?? 0);
    high = Math.max(high, upwards[place] ?? 0);
    right = Math.max(right, across[place] ?? 0);
  }
  const pad = Math.max(0.05 * (high - low), 1e-6);
  return { x: [Math.log10(leastNats) - 0.1, right + 0.05], y: [low - pad, high + pad], across, upwards, order };
}

/** Less than this is drawn as this. */
const leastNats = 1e-4;

/** Where a point is drawn. */
export function pixelOf({ x, y, across, upwards }: Scatter, frame: Frame, place: number): readonly [number, number] {
  return [
    frame.left + (((across[place] ?? NaN) - x[0]) / (x[1] - x[0])) * frame.width,
    frame.top + frame.height * (1 - ((upwards[place] ?? NaN) - y[0]) / (y[1] - y[0])),
  ];
}

/** The point nearest to a pixel, within reach; null where none is. */
export function pointAt(scatter: Scatter, frame: Frame, x: number, y: number, reach: number): number | null {
  let found: number | null = null;
  let least = reach;
  for (const place of scatter.order) {
    const [left, top] = pixelOf(scatter, frame, place);
    const distance = Math.hypot(left - x, top - y);
    if (distance > least) continue;
    least = distance;
    found = place;
  }
  return found;
}

/** The next point to the right, or to the left; from none, the first or the last. */
export function pointBeside({ order }: Scatter, from: number | null, by: number): number | null {
  if (order.length === 0) return null;
  const at = from === null ? -1 : order.indexOf(from);
  const next = at === -1 ? (by < 0 ? order.length - 1 : 0) : at + by;
  return order[Math.min(order.length - 1, Math.max(0, next))] ?? null;
}

/** A point of a stream: a disc, a cross, a square or a triangle, so that none is told by its colour alone. */
export function drawPoint(surface: Surface, stream: number, x: number, y: number, size: number, colour: string): void {
  switch (stream) {
    case 0:
      surface.dot(x, y, size, { colour, alpha: 0.75 });
      return;
    case 1:
      surface.line([x - size, y - size, x + size, y + size, NaN, NaN, x - size, y + size, x + size, y - size], {
        colour,
        width: 1.3,
      });
      return;
    case 2:
      surface.area(
        [x - size, y - size, x + size, y - size, x + size, y + size, x - size, y + size],
        { colour, width: 1.3 },
        'outline',
      );
      return;
    default:
      surface.area(
        [x, y - size - 1, x + size + 1, y + size, x - size - 1, y + size],
        { colour, width: 1.3 },
        'outline',
      );
  }
}
