import type { RolloutsAnswer } from '../core/generated/panel';

/** How much of a group is open. */
export type Openness = 'closed' | 'some' | 'all';

/** A line of the list. */
export type ListItem =
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'row'; readonly group: number; readonly row: number }
  | { readonly kind: 'more'; readonly group: number; readonly hidden: number };

/** What stands where in the list, without a line for every row. */
export interface ListLayout {
  readonly count: number;
  at(place: number): ListItem | undefined;
  /** Where a row stands, or the head of its group where it is folded away; undefined when it is not in the list. */
  placeOf(row: number): number | undefined;
}

/** An open group shows so many rows before it is asked for all. */
export const someRows = 8;

/** The lines of a list: of every group its head, the open part of its rows, and how many more there are. */
export function layoutOf(
  { groups, rows }: Pick<RolloutsAnswer, 'groups' | 'rows'>,
  openness: (group: number) => Openness,
  withHeads: boolean,
): ListLayout {
  const starts: number[] = [];
  let count = 0;
  const shownOf = (group: number): number => {
    const all = groups[group]?.count ?? 0;
    if (!withHeads) return all;
    const state = openness(group);
    return state === 'closed' ? 0 : state === 'all' ? all : Math.min(someRows, all);
  };
  const hasMore = (group: number): boolean =>
    withHeads && openness(group) === 'some' && (groups[group]?.count ?? 0) > someRows;
  groups.forEach((_, group) => {
    starts.push(count);
    count += Number(withHeads) + shownOf(group) + Number(hasMore(group));
  });
  return {
    count,
    at(place) {
      if (place < 0 || place >= count) return undefined;
      const group = lastStart(starts, place);
      const within = place - (starts[group] ?? 0) - Number(withHeads);
      if (within < 0) return { kind: 'group', group };
      const shown = shownOf(group);
      if (within >= shown) return { kind: 'more', group, hidden: (groups[group]?.count ?? 0) - shown };
      return { kind: 'row', group, row: rows[(groups[group]?.first ?? 0) + within] ?? 0 };
    },
    placeOf(row) {
      const found = rows.indexOf(row);
      const group = groups.findIndex(({ first, count: length }) => first <= found && found < first + length);
      if (found === -1 || group === -1) return undefined;
      const within = found - (groups[group]?.first ?? 0);
      return (starts[group] ?? 0) + (within < shownOf(group) ? Number(withHeads) + within : 0);
    },
  };
}

function lastStart(starts: readonly number[], place: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= place) low = middle;
    else high = middle;
  }
  return low;
}
