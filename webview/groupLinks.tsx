import type { VNode } from 'preact';
import type { GroupBranch } from '../core/generated/group';
import type { Cell } from '../core/groupTree';
import type { Geometry } from './groupGeometry';
import { branches, choice, chooseBranch, layout } from './groupState';
import { toneOf } from './groupWords';

const widest = 6;
const thinnest = 1.5;

/** The lines of the tree, as wide as samples took them, and the forks; what they say stands in the cells too. */
export function GroupLinks({ geometry }: { readonly geometry: Geometry }): VNode {
  const { cells } = layout.value;
  const all = branches.value[0]?.members.length ?? 1;
  const places = new Map(cells.map((cell) => [cell.node, cell]));
  const shown = cells.flatMap((cell) => {
    const branch = branches.value[cell.node];
    const parent = places.get(branch?.parent ?? -1);
    return branch === undefined ? [] : [{ cell, branch, parent }];
  });
  return (
    <svg class="links" width={geometry.width} height={geometry.height} aria-hidden="true">
      {shown.map(({ cell, branch, parent }) =>
        parent === undefined ? null : (
          <path
            key={`link ${cell.node}`}
            class={`link-line ${toneOf(branch)}`}
            stroke-width={thinnest + ((widest - thinnest) * branch.members.length) / all}
            d={curve(forkPoint(parent, geometry), leftOf(cell, geometry))}
          />
        ),
      )}
      {shown.map(({ cell, branch }) =>
        branch.fork === 'none' || cell.folded
          ? rowsOf(cell).map((row) => <Leader key={`end ${row}`} cell={cell} row={row} geometry={geometry} />)
          : null,
      )}
      {shown.map(({ cell, branch }) =>
        branch.fork === 'none' || cell.folded ? null : (
          <ForkMark key={`fork ${cell.node}`} cell={cell} branch={branch} geometry={geometry} />
        ),
      )}
    </svg>
  );
}

/** From where a sample ends to its row of the table. */
function Leader({
  cell,
  row,
  geometry,
}: {
  readonly cell: Cell;
  readonly row: number;
  readonly geometry: Geometry;
}): VNode | null {
  if (geometry.isNarrow) return null;
  const { left, width } = geometry.box(cell);
  const y = geometry.middle(row);
  return <line class="leader" x1={left + width + 6} x2={geometry.width} y1={y} y2={y} />;
}

function ForkMark({
  cell,
  branch: { fork, forkOf },
  geometry,
}: {
  readonly cell: Cell;
  readonly branch: GroupBranch;
  readonly geometry: Geometry;
}): VNode {
  const { x, y } = forkPoint(cell, geometry);
  const isChosen = choice.value.branch === cell.node;
  const size = isChosen ? 9 : 7;
  const className = `fork-mark ${forkOf}${isChosen ? ' chosen' : ''}`;
  const choose = (): void => {
    chooseBranch(cell.node);
  };
  return fork === 'decides' ? (
    <path
      class={className}
      onClick={choose}
      d={`M${x - size} ${y}L${x} ${y - size}L${x + size} ${y}L${x} ${y + size}Z`}
    />
  ) : (
    <circle class={className} onClick={choose} cx={x} cy={y} r={size - 2} />
  );
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function forkPoint(cell: Cell, geometry: Geometry): Point {
  const y = (geometry.middle(cell.row) + geometry.middle(cell.row + cell.rows - 1)) / 2;
  const { left, width } = geometry.box(cell);
  return cell.column < 0 ? { x: left + 12, y } : { x: left + width + 2, y };
}

function leftOf(cell: Cell, geometry: Geometry): Point {
  const { left, top, height } = geometry.box(cell);
  return { x: left, y: top + height / 2 };
}

function curve(from: Point, to: Point): string {
  const middle = (from.x + to.x) / 2;
  return `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
}

function rowsOf({ row, rows }: Cell): number[] {
  return Array.from({ length: rows }, (_, place) => row + place);
}
