/** One sequence of a group, as far as forks are concerned. */
export interface Member {
  readonly row: number;
  /** [T] token ids. */
  readonly ids: ArrayLike<number>;
  readonly correct: boolean;
  /** A demonstration was given: it is told apart, and judges nothing. */
  readonly given: boolean;
}

/** What some members of a group wrote where another one went on differently. */
export interface Branch {
  /** The token they took; null when they had ended. */
  readonly id: number | null;
  readonly members: readonly Member[];
}

/**
 * The members that wrote the same tokens as `self` before `token` and another one there, by the token they took, the
 * most first.
 */
export function partedAt(members: readonly Member[], self: Member, token: number): Branch[] {
  const own = self.ids[token];
  const branches = new Map<number | null, Member[]>();
  for (const member of members) {
    if (member.row === self.row || sharedPrefix(member.ids, self.ids) < token) continue;
    const id = token < member.ids.length ? (member.ids[token] ?? null) : null;
    if (id === own) continue;
    branches.set(id, [...(branches.get(id) ?? []), member]);
  }
  return [...branches]
    .map(([id, taken]) => ({ id, members: taken }))
    .sort((a, b) => b.members.length - a.members.length);
}

/** Tokens of `self` at which another member parts from it, in order. */
export function forksOf(members: readonly Member[], self: Member): number[] {
  const places = members
    .filter(({ row }) => row !== self.row)
    .map(({ ids }) => sharedPrefix(ids, self.ids))
    .filter((token) => token < self.ids.length);
  return [...new Set(places)].sort((a, b) => a - b);
}

/** Number of tokens two sequences begin with alike. */
export function sharedPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length);
  let count = 0;
  while (count < most && a[count] === b[count]) count += 1;
  return count;
}
