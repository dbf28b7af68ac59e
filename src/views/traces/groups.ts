import { valueAt } from '../../../core/columns';
import { forksOf, partedAt, type Branch, type Member } from '../../../core/groupForks';
import { traceOf, type Trace } from '../../../core/trace';
import { shownToken } from '../../../core/traceWords';
import { rowsOfGroup } from '../../runs/groupMessage';
import type { RunWatch } from '../../runs/runWatch';
import type { OpenTrace } from './traceLibrary';

/** A sequence of a group whose tokens were kept. */
interface GroupMember extends Member {
  readonly trace: Trace;
}

/** A token at which others of the group went on differently. */
export interface Fork {
  readonly token: number;
  /** Right and wrong answers part here. */
  readonly decides: boolean;
}

/** What some others wrote in the place of a token. */
export interface OtherWay {
  readonly words: string;
  readonly right: number;
  readonly wrong: number;
  readonly given: number;
}

/** The group of an open trace, read when somebody asks, and kept as long as the trace is. */
export class Groups {
  private readonly known = new WeakMap<OpenTrace, Promise<readonly GroupMember[]>>();

  /** Where the others of the group part from this trace. */
  async forks(open: OpenTrace): Promise<Fork[]> {
    const { members, self } = await this.of(open);
    if (self === undefined) return [];
    return forksOf(members, self).map((token) => ({ token, decides: decides(partedAt(members, self, token), self) }));
  }

  /** What the others that came this far wrote in place of a token. */
  async otherWays(open: OpenTrace, token: number): Promise<OtherWay[]> {
    const { members, self } = await this.of(open);
    if (self === undefined) return [];
    return partedAt(members, self, token).map(({ id, members: taken }) => {
      const own = taken.filter(({ given }) => !given);
      const [first] = members.filter(({ row }) => row === taken[0]?.row);
      return {
        words: id === null || first === undefined ? 'the end' : shownToken(first.trace, token),
        right: own.filter(({ correct }) => correct).length,
        wrong: own.filter(({ correct }) => !correct).length,
        given: taken.length - own.length,
      };
    });
  }

  private async of(open: OpenTrace): Promise<{ members: readonly GroupMember[]; self: GroupMember | undefined }> {
    const { origin } = open;
    if (origin.kind !== 'run') return { members: [], self: undefined };
    const known = this.known.get(open) ?? readGroup(origin.run, origin.row);
    this.known.set(open, known);
    const members = await known;
    return { members, self: members.find(({ row }) => row === origin.row) };
  }
}

async function readGroup(run: RunWatch, row: number): Promise<readonly GroupMember[]> {
  const { store } = run;
  const read = await Promise.all(
    rowsOfGroup(store, row).map(async (one): Promise<GroupMember[]> => {
      const record = await store.readRollout(one);
      const ids = record.kind === 'read' ? record.value.columns.get('id')?.values : undefined;
      if (record.kind === 'broken' || ids === undefined) return [];
      const correct = valueAt(store.index.correct, one) === 1;
      const given = store.index.kinds[one] === 'demonstration';
      return [{ row: one, ids, correct, given, trace: traceOf(record.value, '') }];
    }),
  );
  return read.flat();
}

/** Somebody who parted here was judged otherwise than this trace. */
function decides(branches: readonly Branch[], self: Member): boolean {
  return branches.some(({ members }) => members.some(({ correct, given }) => !given && correct !== self.correct));
}
