import { window } from 'vscode';
import { valueAt } from '../../../core/columns';
import { formatCount } from '../../../core/format';
import type { Chosen, ToldPlace, ToldSet } from '../../../core/generated/checkpoints';
import { rowSets, usualSet, type RowSet } from '../../runs/comparedRows';
import type { RunWatch } from '../../runs/runWatch';
import { visibleWords } from '../../../core/visibleWords';
import { placesOf, type CheckpointPlace } from './checkpointPlaces';
import { nameOf } from './comparisonWork';

/** A rollout that a person looked at when the view was asked for. */
export interface FrontRow {
  readonly row: number;
  /** As the run had it: one that began anew has other rows. */
  readonly index: RunWatch['store']['index'];
}

/** What can be chosen in a view of checkpoints: the run's own, others that a person named, and sets of sequences. */
export class CheckpointChoices {
  /** Looked at when the view was asked for last. */
  front: FrontRow | undefined;
  private readonly others: CheckpointPlace[] = [];
  private readonly steps: number[] = [];

  constructor(private readonly run: RunWatch) {}

  /** Checkpoints that are there now, by their keys. */
  async places(): Promise<Map<string, CheckpointPlace>> {
    const own = await placesOf(this.run);
    return new Map([
      ...own.map((place) => [keyOf(place), place] as const),
      ...this.others.map((place, number) => [`folder ${number}`, place] as const),
    ]);
  }

  /** Names one that is no checkpoint of the run; its key. */
  add(place: CheckpointPlace): string {
    if (place.run === this.run) return keyOf(place);
    const known = this.others.findIndex(({ folder }) => folder === place.folder);
    if (known !== -1) return `folder ${known}`;
    this.others.push(place);
    return `folder ${this.others.length - 1}`;
  }

  sets(): RowSet[] {
    const { store } = this.run;
    return rowSets(store, this.front?.index === store.index ? this.front.row : undefined, this.steps);
  }

  /** Asks for a step whose rollouts were kept; its key. */
  async askStep(): Promise<string | undefined> {
    const { step } = this.run.store.model.steps;
    const [first, last] = [valueAt(step, 0), valueAt(step, step.length - 1)];
    const written = await window.showInputBox({
      title: 'Compare on the rollouts of which step?',
      prompt: `${formatCount(first)} to ${formatCount(last)}`,
      validateInput: (text) =>
        /^\s*\d{1,9}\s*$/.test(text) && this.hasRollouts(Number(text))
          ? undefined
          : `A step from ${formatCount(first)} to ${formatCount(last)} whose rollouts were kept.`,
    });
    if (written === undefined) return undefined;
    if (!this.steps.includes(Number(written))) this.steps.push(Number(written));
    return `rollouts ${Number(written)}`;
  }

  /** The base and the best checkpoint, on the group in front or the last evaluations; `step`: of the checkpoint meant. */
  usual(places: ReadonlyMap<string, CheckpointPlace>, step: number | undefined): Chosen {
    const keys = [...places.keys()];
    const wanted = step === undefined ? this.bestKey(places) : `step ${step}`;
    const after = wanted !== undefined && places.has(wanted) ? wanted : (keys.at(-1) ?? null);
    const before = keys.find((key) => key !== after) ?? null;
    return { before, after, set: usualSet(this.sets()) ?? null };
  }

  private bestKey(places: ReadonlyMap<string, CheckpointPlace>): string | undefined {
    const best = this.run.store.model.checkpoints.findLast((event) => event.best && places.has(`step ${event.step}`));
    return best === undefined ? undefined : `step ${best.step}`;
  }

  private hasRollouts(step: number): boolean {
    return rowSets(this.run.store, undefined, [step]).some(({ key }) => key === `rollouts ${step}`);
  }
}

/** As the view is told of checkpoints. */
export function toldPlaces(places: ReadonlyMap<string, CheckpointPlace>, run: RunWatch): ToldPlace[] {
  return [...places].map(([key, place]) => ({
    key,
    name: visibleWords(nameOf(place, run)),
    description: visibleWords(place.description),
  }));
}

/** As the view is told of sets. */
export function toldSets(sets: readonly RowSet[]): ToldSet[] {
  return sets.map(({ key, label, rows }) => ({ key, label, sequences: rows.length }));
}

function keyOf({ step }: CheckpointPlace): string {
  return step === null ? 'base' : `step ${step}`;
}
