import type { Cell } from '../core/groupTree';

/** A rectangle within the tree. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Where the cells of a tree lie, in pixels. */
export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly rowHeight: number;
  /** The samples stand below the tree, not beside it. */
  readonly isNarrow: boolean;
  /** Nothing is shared at the beginning: the first fork stands before the first column. */
  readonly hasTrunk: boolean;
  readonly box: (cell: Cell) => Box;
  /** Middle of a row. */
  readonly middle: (row: number) => number;
}

/** Height of the line above the first row, in the tree and in the table. */
export const headHeight = 26;
export const tableWidth = 320;
const gap = 32;
const margin = 16;
const trunkWidth = 24;
const rowGap = 4;
const narrowBelow = 860;
const leastColumn = 168;
const mostColumn = 300;

/** Columns share what the table leaves; below their least width the tree is wider than its room and is scrolled. */
export function geometryOf(cells: readonly Cell[], columns: number, rows: number, room: number): Geometry {
  const isNarrow = room < narrowBelow;
  const hasTrunk = cells.some(({ column }) => column < 0);
  const start = margin + (hasTrunk ? trunkWidth : 0);
  const free = room - (isNarrow ? 0 : tableWidth) - start - gap - Math.max(0, columns - 1) * gap;
  const columnWidth = Math.round(Math.min(mostColumn, Math.max(leastColumn, free / Math.max(1, columns))));
  const rowHeight = rows <= 12 ? 50 : 38;
  const needed = start + columns * (columnWidth + gap);
  return {
    width: Math.max(needed, isNarrow ? 0 : room - tableWidth),
    height: headHeight + rows * rowHeight + margin / 2,
    rowHeight,
    isNarrow,
    hasTrunk,
    box: ({ column, row, rows: spanned }) =>
      column < 0
        ? { left: margin / 2, top: 0, width: start + columnWidth, height: headHeight }
        : {
            left: start + column * (columnWidth + gap),
            top: headHeight + row * rowHeight + rowGap / 2,
            width: columnWidth,
            height: spanned * rowHeight - rowGap,
          },
    middle: (row) => headHeight + (row + 0.5) * rowHeight,
  };
}
