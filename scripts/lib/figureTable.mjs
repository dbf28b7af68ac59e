import { Failure } from './run.mjs';

/**
 * Figures of a benchmark and what they should be.
 * @typedef {{ is: '≥' | '≤' | '<', than: number }} Target
 * @typedef {Record<string, number>} Figures by key; a spread as `<key>_min` and `<key>_max`
 */

/** A table of the figures with their targets. @param {string[]} keys @param {Figures} figures @param {Record<string, Target>} targets */
export function printFigures(keys, figures, targets) {
  const rows = [['figure', 'median', 'min–max', 'target', 'reached']];
  for (const key of keys) {
    const value = figures[key] ?? NaN;
    const [least, most] = [figures[`${key}_min`], figures[`${key}_max`]];
    const { is, than } = targets[key] ?? { is: '<', than: NaN };
    const reached = is === '≥' ? value >= than : is === '≤' ? value <= than : value < than;
    rows.push([
      key,
      Number.isNaN(value) ? '–' : short(value),
      least === undefined || most === undefined ? '–' : `${short(least)}–${short(most)}`,
      `${is} ${than}`,
      reached ? 'yes' : 'NO',
    ]);
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (/** @type {string[]} */ row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  console.log(`\n${rows.map((row) => line(row).trimEnd()).join('\n')}\n`);
}

/** The figures that `--only` names, in their own order; all without it. @param {string[]} keys @param {string[] | undefined} only */
export function chosenFigures(keys, only = keys) {
  const unknown = only.find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new Failure(`There is no figure '${unknown}'; take some of ${keys.join(', ')}.`);
  return keys.filter((key) => only.includes(key));
}

/** @param {number} value */
function short(value) {
  return String(Number(value.toPrecision(3)));
}
