/** A column of numbers that only grows or is cut at its end; its array doubles when full. NaN stands for a null metric. */
export interface NumberColumn {
  values: Float64Array;
  length: number;
}

/** An empty column. */
export function numberColumn(): NumberColumn {
  return { values: new Float64Array(16), length: 0 };
}

/** A column that begins with a copy of `values`. */
export function columnOf(values: Float64Array): NumberColumn {
  return { values: values.slice(), length: values.length };
}

/** Append one value. */
export function append(column: NumberColumn, value: number): void {
  if (column.length === column.values.length) column.values = doubled(column.values);
  column.values[column.length] = value;
  column.length += 1;
}

/** Make room for `length` values and count them in; those that are new are for the caller to set. */
export function extendTo(column: NumberColumn, length: number): void {
  if (length <= column.length) return;
  if (length > column.values.length) {
    const larger = new Float64Array(Math.max(length, column.values.length * 2));
    larger.set(column.values);
    column.values = larger;
  }
  column.length = length;
}

/** Append NaN until the column has `length` values. */
export function padTo(column: NumberColumn, length: number): void {
  while (column.length < length) append(column, NaN);
}

/** Cut the column to its first `length` values. */
export function truncate(column: NumberColumn, length: number): void {
  column.length = Math.min(column.length, length);
}

/** The value at `row`; NaN outside. */
export function valueAt(column: NumberColumn, row: number): number {
  return row >= 0 && row < column.length ? (column.values[row] ?? NaN) : NaN;
}

/** A copy of the values, without spare room. */
export function valuesOf(column: NumberColumn): Float64Array {
  return column.values.slice(0, column.length);
}

/** Number of leading values of an ascending column that are at most `limit`, in O(log n). */
export function countUpTo(ascending: NumberColumn, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (valueAt(ascending, middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function doubled(values: Float64Array): Float64Array {
  const larger = new Float64Array(Math.max(16, values.length * 2));
  larger.set(values);
  return larger;
}
