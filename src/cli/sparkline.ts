const bars = '▁▂▃▄▅▆▇█';

/** The values as bars, `columns` at most, each the mean of its share; a space where there is no number. */
export function sparkline(values: readonly number[], columns: number): string {
  const count = Math.min(values.length, Math.max(0, columns));
  const means = Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * values.length) / count);
    return mean(values.slice(from, Math.floor(((bar + 1) * values.length) / count)));
  });
  const known = means.filter((value) => Number.isFinite(value));
  const low = Math.min(...known);
  const high = Math.max(...known);
  return means.map((value) => barFor(value, low, high)).join('');
}

function barFor(value: number, low: number, high: number): string {
  if (!Number.isFinite(value)) return ' ';
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))] ?? ' ';
}

function mean(values: readonly number[]): number {
  const known = values.filter((value) => Number.isFinite(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
