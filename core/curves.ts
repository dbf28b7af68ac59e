import { append, extendTo, numberColumn, truncate, valueAt, type NumberColumn } from './columns';

/** A series of values, one a row, with the extremes of ever larger blocks kept beside it, so that spikes survive every zoom. */
export interface Curve {
  readonly values: NumberColumn;
  /** Level L holds the extremes of blocks of 8^(L+1) rows. Brought up to date when asked for. */
  readonly levels: Level[];
  /** So many rows are in the levels. */
  covered: number;
}

interface Level {
  readonly low: NumberColumn;
  readonly high: NumberColumn;
}

/** Extremes of `buckets` neighbouring ranges of rows. NaN where a range holds no finite value. */
export interface Envelope {
  /** First row of each bucket. */
  readonly rows: Uint32Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Rows the envelope stands for: "N of M drawn". */
  readonly rowCount: number;
}

const blockBits = 3;
const blockSize = 1 << blockBits;

/** A curve over `values`, which it takes over. */
export function curve(values: NumberColumn = numberColumn()): Curve {
  return { values, levels: [], covered: 0 };
}

/** Append one value. */
export function appendValue(target: Curve, value: number): void {
  append(target.values, value);
}

/** Keep the first `length` rows; O(log n). */
export function truncateCurve(target: Curve, length: number): void {
  truncate(target.values, length);
  if (length >= target.covered) return;
  // Blocks that the cut runs through are dropped at every level and built again from what is left.
  const kept = length - (length % blockSize);
  target.covered = kept;
  target.levels.forEach((level, index) => {
    const blocks = Math.floor(kept / blockSize ** (index + 1));
    truncate(level.low, blocks);
    truncate(level.high, blocks);
  });
}

/** Extremes of rows `from` to `to` (excluded) in at most `buckets` ranges of nearly equal size; exact, whatever the zoom. */
export function envelope(source: Curve, from: number, to: number, buckets: number): Envelope {
  cover(source);
  const first = Math.max(0, Math.floor(from));
  const end = Math.min(source.values.length, Math.floor(to));
  const rowCount = Math.max(0, end - first);
  const count = Math.min(rowCount, Math.max(1, Math.floor(buckets)));
  const result = {
    rows: new Uint32Array(count),
    low: new Float64Array(count),
    high: new Float64Array(count),
    rowCount,
  };
  for (let bucket = 0; bucket < count; bucket += 1) {
    const start = first + Math.floor((bucket * rowCount) / count);
    const stop = first + Math.floor(((bucket + 1) * rowCount) / count);
    const extremes = extremesOf(source, start, stop);
    result.rows[bucket] = start;
    result.low[bucket] = extremes.low;
    result.high[bucket] = extremes.high;
  }
  return result;
}

/** At most `cap` rows that draw the same picture: all of them, or of each bucket the rows with its lowest and its highest value. */
export function cappedRows(source: Curve, cap: number): Uint32Array {
  const length = source.values.length;
  if (length <= cap) return Uint32Array.from({ length }, (_, row) => row);
  const buckets = Math.max(1, Math.floor(cap / 2));
  const rows: number[] = [];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const start = Math.floor((bucket * length) / buckets);
    const stop = Math.floor(((bucket + 1) * length) / buckets);
    rows.push(...extremeRows(source.values, start, stop));
  }
  return Uint32Array.from(rows.slice(0, Math.max(1, cap)));
}

interface Extremes {
  low: number;
  high: number;
}

/** Bring the extremes of all blocks up to date; asking for an envelope does so too. */
export function cover(target: Curve): void {
  let below: Level = { low: target.values, high: target.values };
  target.covered = target.values.length - (target.values.length % blockSize);
  for (let index = 0; below.low.length >= blockSize; index += 1) {
    const level = levelAt(target, index);
    pushBlocks(below, level);
    below = level;
  }
}

/** Extremes of the blocks below that are whole by now. */
function pushBlocks(below: Level, level: Level): void {
  const first = level.low.length;
  const blocks = Math.floor(below.low.length / blockSize);
  for (const column of [level.low, level.high]) extendTo(column, blocks);
  for (let block = first; block < blocks; block += 1) {
    let low = NaN;
    let high = NaN;
    const end = (block + 1) * blockSize;
    for (let row = block * blockSize; row < end; row += 1) {
      const lowest = below.low.values[row] ?? NaN;
      const highest = below.high.values[row] ?? NaN;
      // Written so that NaN, on either side, never wins.
      if (lowest < low || Number.isNaN(low)) low = lowest;
      if (highest > high || Number.isNaN(high)) high = highest;
    }
    level.low.values[block] = low;
    level.high.values[block] = high;
  }
}

function levelAt(target: Curve, index: number): Level {
  const known = target.levels[index];
  if (known !== undefined) return known;
  const made = { low: numberColumn(), high: numberColumn() };
  target.levels.push(made);
  return made;
}

function extremesOf(source: Curve, start: number, stop: number): Extremes {
  const found: Extremes = { low: NaN, high: NaN };
  let row = start;
  while (row < stop) {
    const index = largestBlockAt(source, row, stop);
    if (index === -1) {
      widen(found, valueAt(source.values, row), valueAt(source.values, row));
      row += 1;
      continue;
    }
    const size = blockSize ** (index + 1);
    const level = source.levels[index];
    if (level !== undefined) widen(found, valueAt(level.low, row / size), valueAt(level.high, row / size));
    row += size;
  }
  return found;
}

/** Highest level with a finished block that begins at `row` and ends by `stop`; -1 when there is none. */
function largestBlockAt(source: Curve, row: number, stop: number): number {
  let best = -1;
  for (let index = 0; index < source.levels.length; index += 1) {
    const size = blockSize ** (index + 1);
    const finished = source.levels[index]?.low.length ?? 0;
    if (row % size !== 0 || row + size > stop || row / size >= finished) break;
    best = index;
  }
  return best;
}

function widen(found: Extremes, low: number, high: number): void {
  // Written so that NaN, on either side, never wins.
  if (low < found.low || Number.isNaN(found.low)) found.low = low;
  if (high > found.high || Number.isNaN(found.high)) found.high = high;
}

function extremeRows(values: NumberColumn, start: number, stop: number): number[] {
  let lowest = -1;
  let highest = -1;
  for (let row = start; row < stop; row += 1) {
    const value = valueAt(values, row);
    if (Number.isNaN(value)) continue;
    if (lowest === -1 || value < valueAt(values, lowest)) lowest = row;
    if (highest === -1 || value > valueAt(values, highest)) highest = row;
  }
  if (lowest === -1) return [start];
  if (lowest === highest) return [lowest];
  return lowest < highest ? [lowest, highest] : [highest, lowest];
}
