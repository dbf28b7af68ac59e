import type { Reroll } from '../../core/rerolls';

/** Re-rolls that are kept of one group. */
export const mostKept = 256;

/** Told of the group whose re-rolls changed. */
export type RerollListener = (group: string) => void;

interface KeptGroup {
  /** By their number, in the order they were made. */
  readonly rerolls: Map<number, Reroll>;
  next: number;
  /** End what is at work. */
  readonly working: Set<AbortController>;
}

/** The re-rolls of this window, by the name of their group; they are never written into a run. */
export class Rerolls {
  private readonly groups = new Map<string, KeptGroup>();
  private readonly listeners = new Set<RerollListener>();

  /** In the order they were made. */
  of(group: string): readonly Reroll[] {
    return [...(this.groups.get(group)?.rerolls.values() ?? [])];
  }

  /** One of them; undefined once it was forgotten. */
  get(group: string, number: number): Reroll | undefined {
    return this.groups.get(group)?.rerolls.get(number);
  }

  /** Keep new ones under numbers of their own; beyond the bound the oldest that are finished go. */
  add(group: string, made: readonly Omit<Reroll, 'number'>[]): Reroll[] {
    const kept = this.groups.get(group) ?? { rerolls: new Map<number, Reroll>(), next: 1, working: new Set() };
    this.groups.set(group, kept);
    const added = made.map((reroll): Reroll => {
      const numbered = { ...reroll, number: kept.next };
      kept.next += 1;
      kept.rerolls.set(numbered.number, numbered);
      return numbered;
    });
    for (const { number, state } of kept.rerolls.values()) {
      if (kept.rerolls.size <= mostKept) break;
      if (state !== 'writing') kept.rerolls.delete(number);
    }
    this.tell(group);
    return added;
  }

  /** Put newer states in the place of those before; what was forgotten meanwhile stays so. */
  update(group: string, changed: readonly Reroll[]): void {
    const kept = this.groups.get(group)?.rerolls;
    const present = changed.filter(({ number }) => kept?.has(number));
    for (const reroll of present) kept?.set(reroll.number, reroll);
    if (present.length > 0) this.tell(group);
  }

  /** Let `stop` end work on this group, until it is released. */
  hold(group: string, stop: AbortController): { release: () => void } {
    const working = this.groups.get(group)?.working;
    working?.add(stop);
    return { release: () => working?.delete(stop) };
  }

  /** End what is being written, or judged, in a group. */
  stop(group: string): void {
    for (const stop of this.groups.get(group)?.working ?? []) stop.abort();
  }

  /** End what is at work and remove all of a group; numbers go on. */
  forget(group: string): void {
    this.stop(group);
    this.groups.get(group)?.rerolls.clear();
    this.tell(group);
  }

  /** Hear of changes. */
  onChange(listener: RerollListener): { dispose: () => void } {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  }

  dispose(): void {
    for (const group of this.groups.keys()) this.stop(group);
    this.listeners.clear();
  }

  private tell(group: string): void {
    for (const listener of this.listeners) listener(group);
  }
}
