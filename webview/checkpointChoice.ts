import type { SetupMessage } from '../core/generated/checkpoints';

/** What a person chose in the view of checkpoints. */
export interface CheckpointChoice {
  /** `ToldPlace.key`; null before something is there. */
  readonly before: string | null;
  readonly after: string | null;
  /** `ToldSet.key`. */
  readonly set: string | null;
  /** Sequence of the comparison that is read. */
  readonly sequence: number;
  /** Reference sets of the path that are drawn across and upwards. */
  readonly across: number;
  readonly upwards: number;
  /** Probe of the strip that is shown. */
  readonly probe: number;
}

const none: CheckpointChoice = { before: null, after: null, set: null, sequence: 0, across: 0, upwards: 1, probe: 0 };

/** What is chosen once the host has told what there is: its own wish, then what was chosen and is there, then what is usual. */
export function settledChoice(
  choice: CheckpointChoice,
  { chosen, usual, places, sets }: Pick<SetupMessage, 'chosen' | 'usual' | 'places' | 'sets'>,
): CheckpointChoice {
  const there = (key: string | null, among: readonly { readonly key: string }[]): key is string =>
    key !== null && among.some((one) => one.key === key);
  const settled = (name: 'before' | 'after' | 'set', among: readonly { readonly key: string }[]): string | null =>
    [chosen?.[name] ?? null, choice[name]].find((key) => there(key, among)) ?? usual[name];
  return { ...choice, before: settled('before', places), after: settled('after', places), set: settled('set', sets) };
}

/** What a view kept, whatever it is. */
export function restoredChoice(state: unknown): CheckpointChoice {
  if (typeof state !== 'object' || state === null || !('choice' in state)) return none;
  const { choice } = state;
  if (typeof choice !== 'object' || choice === null) return none;
  const values = { ...none, ...choice } as Record<keyof CheckpointChoice, unknown>;
  return {
    before: wordOf(values.before),
    after: wordOf(values.after),
    set: wordOf(values.set),
    sequence: placeOf(values.sequence, none.sequence),
    across: placeOf(values.across, none.across),
    upwards: placeOf(values.upwards, none.upwards),
    probe: placeOf(values.probe, none.probe),
  };
}

function wordOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function placeOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}
