import type { VNode } from 'preact';

const width = 60;
const height = 28;
const mostPoints = 72;

/** A small curve without axes; the numbers beside it are what counts. */
export function Sparkline({
  values,
  heldOut,
}: {
  readonly values: readonly number[];
  readonly heldOut: boolean;
}): VNode {
  const stride = Math.max(1, Math.ceil(values.length / mostPoints));
  // Of neighbours the one furthest from the mean is drawn, so that a spike shows.
  const finite = values.filter(Number.isFinite);
  const mean = finite.reduce((sum, value) => sum + value, 0) / Math.max(1, finite.length);
  const kept: number[] = [];
  for (let start = 0; start < finite.length; start += stride) {
    kept.push(finite.slice(start, start + stride).reduce((a, b) => (Math.abs(b - mean) > Math.abs(a - mean) ? b : a)));
  }
  const low = Math.min(...kept);
  const span = Math.max(...kept) - low || 1;
  const at = kept.map((value, place): [number, number] => [
    3 + (place / Math.max(1, kept.length - 1)) * (width - 6),
    height - 4 - ((value - low) / span) * (height - 8),
  ]);
  const last = at.at(-1);
  return (
    <svg class={heldOut ? 'sparkline held-out' : 'sparkline'} width={width} height={height} aria-hidden="true">
      {at.length > 1 && <polyline points={at.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')} />}
      {last !== undefined && <circle cx={last[0]} cy={last[1]} r={2.5} />}
    </svg>
  );
}
