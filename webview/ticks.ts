import { formatDuration } from '../core/format';
import type { AxisKind } from './viewState';

/** A number at an axis: `1,250`, `12k`, `0.25`; nothing where uPlot leaves one out. */
export function formatTick(value: number | null): string {
  if (value === null) return '';
  const size = Math.abs(value);
  const text = size >= 1e6 ? `${trimmed(value / 1e6)}M` : size >= 1e4 ? `${trimmed(value / 1e3)}k` : trimmed(value);
  return text.replace('-', '−');
}

/** Round places between two ends, about `count` of them. */
export function roundTicks(from: number, to: number, count: number, kind: AxisKind): number[] {
  const rough = (to - from) / Math.max(1, count);
  const size = 10 ** Math.floor(Math.log10(rough));
  const factors =
    kind === 'time'
      ? timeSteps(rough)
      : (kind === 'step' ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10]).map((factor) => factor * size);
  const distance = factors.find((factor) => factor >= rough) ?? rough;
  const step = kind === 'step' ? Math.max(1, Math.round(distance)) : distance;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to && ticks.length < 100; tick += step) ticks.push(tick);
  return ticks;
}

/** A place of the axis in words. */
export function unitText(value: number, kind: AxisKind): string {
  return kind === 'time' ? formatDuration(value) : formatTick(Math.round(value));
}

function timeSteps(rough: number): number[] {
  const steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 36000, 86400];
  return rough > 86400 ? [Math.ceil(rough / 86400) * 86400] : steps;
}

function trimmed(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.0005) return value.toExponential(0);
  return Number(value.toFixed(size < 0.1 ? 4 : size < 1 ? 3 : size < 100 ? 2 : 0)).toString();
}
