import { append, numberColumn, valueAt, type NumberColumn } from './columns';
import type { RunModel } from './runModel';

/** What the detectors read of a run. */
export interface RunView {
  readonly rows: number;
  stepAt(row: number): number;
  metric(name: string): NumberColumn | undefined;
  /** A column worked out from a metric, with as many rows as were worked out before. */
  derived(key: string): NumberColumn;
}

/** The columns of a run, for detectors; what is worked out of them is kept beside the model. */
export function viewOf(model: RunModel): RunView {
  const { step, metrics } = model.steps;
  const known = derivedOf(model);
  return {
    rows: step.length,
    stepAt: (row) => valueAt(step, row),
    metric: (name) => metrics.get(name)?.curve.values,
    derived: (key) => {
      const column = known.get(key) ?? numberColumn();
      known.set(key, column);
      return column;
    },
  };
}

/** What was worked out of a model, by name; a message can carry it. */
export interface Derived {
  readonly attempts: number;
  readonly columns: Map<string, NumberColumn>;
}

/** Rows only grow, save where an attempt drops some: means and medians of old rows are worked out once. */
const derivedColumns = new WeakMap<RunModel, Derived>();

/** What was worked out of a model so far. */
export function derivedFrom(model: RunModel): Derived | undefined {
  return derivedColumns.get(model);
}

/** Take over what was worked out elsewhere of the same model. */
export function keepDerived(model: RunModel, derived: Derived): void {
  derivedColumns.set(model, derived);
}

function derivedOf(model: RunModel): Map<string, NumberColumn> {
  const known = derivedColumns.get(model);
  if (known?.attempts === model.attempts.length) return known.columns;
  const columns = new Map<string, NumberColumn>();
  derivedColumns.set(model, { attempts: model.attempts.length, columns });
  return columns;
}

/** Mean of the `size` values up to and with each row; NaN before there are so many finite ones. */
export function averages(run: RunView, name: string, size: number): NumberColumn {
  const column = run.metric(name);
  const result = run.derived(`mean of ${size} ${name}`);
  for (let row = result.length; column !== undefined && row < column.length; row += 1) {
    let sum = 0;
    for (let back = 0; back < size; back += 1) sum += valueAt(column, row - back);
    append(result, sum / size);
  }
  return result;
}

/** Median of the finite values among the `size` rows before each row; NaN where there are fewer than half. */
export function medians(run: RunView, name: string, size: number): NumberColumn {
  const column = run.metric(name);
  const result = run.derived(`median of ${size} ${name}`);
  if (column === undefined) return result;
  const start = result.length;
  // The window's finite values in order; a row that comes in and one that goes out move a few of twenty.
  const window = [...column.values.subarray(Math.max(0, start - size), start)]
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  for (let row = start; row < column.length; row += 1) {
    append(result, window.length >= size / 2 ? (window[window.length >> 1] ?? NaN) : NaN);
    const added = valueAt(column, row);
    if (Number.isFinite(added)) window.splice(placeOf(window, added), 0, added);
    const dropped = valueAt(column, row - size);
    if (Number.isFinite(dropped)) window.splice(placeOf(window, dropped), 1);
  }
  return result;
}

/** Where a value stands, or belongs, in an ascending list. */
function placeOf(ascending: readonly number[], value: number): number {
  let place = 0;
  while (place < ascending.length && (ascending[place] ?? NaN) < value) place += 1;
  return place;
}

/** For how many rows, up to and with each, the value has stayed within `tolerance`. */
export function runLengths(run: RunView, name: string, tolerance: number): NumberColumn {
  const column = run.metric(name);
  const result = run.derived(`still ${name}`);
  for (let row = result.length; column !== undefined && row < column.length; row += 1) {
    const same = Math.abs(valueAt(column, row) - valueAt(column, row - 1)) <= tolerance;
    append(result, same ? valueAt(result, row - 1) + 1 : 1);
  }
  return result;
}

/** The row with the greatest value. */
export function highestRow(column: NumberColumn, from: number, to: number): number {
  let highest = from;
  for (let row = from; row <= to; row += 1) if (valueAt(column, row) > valueAt(column, highest)) highest = row;
  return highest;
}
