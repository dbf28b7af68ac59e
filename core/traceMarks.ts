import { valueAt, type NumberColumn } from './columns';
import type { MarkedFigure, MarkedTrace } from './generated/panel';
import { isCurrent, type RolloutIndex } from './rolloutIndex';
import type { Attempt } from './runModel';

/** A trace with what the curves show of it: its figures among all of its kind in its step. */
export function markedTrace(index: RolloutIndex, attempts: readonly Attempt[], row: number): MarkedTrace {
  const { numbers } = index;
  const kind = index.kinds[row] ?? '';
  const rows = peersOf(index, attempts, row);
  const figure = (panel: MarkedFigure['panel'], column: NumberColumn, most: string): MarkedFigure[] => {
    const value = valueAt(column, row);
    const values = rows.map((one) => valueAt(column, one)).filter(Number.isFinite);
    return Number.isFinite(value) ? [{ panel, value, rank: rankWords(value, values, most) }] : [];
  };
  return {
    id: index.ids[row] ?? '',
    name: `${index.promptIds[row] ?? ''} · ${kind} ${valueAt(numbers.index, row)}`,
    step: valueAt(numbers.step, row),
    figures: [
      ...figure('reward', numbers.reward, 'highest'),
      ...figure('length', numbers.tokens, 'longest'),
      ...figure('entropy', numbers.entropy, 'highest'),
    ],
  };
}

/** `longest of 32`, `3rd longest of 32`; of several that are equal, how many share the place. */
export function rankWords(value: number, values: readonly number[], most: string): string {
  const place = 1 + values.filter((other) => other > value).length;
  const equal = values.filter((other) => other === value).length;
  if (equal === values.length && equal > 1) return `like all ${equal}`;
  const words = `${place === 1 ? '' : `${ordinal(place)} `}${most} of ${values.length}`;
  return equal > 1 ? `${words}, with ${equal - 1} more` : words;
}

function ordinal(place: number): string {
  const last = place % 10;
  const isTeen = Math.floor(place / 10) % 10 === 1;
  const ending = isTeen ? 'th' : last === 1 ? 'st' : last === 2 ? 'nd' : last === 3 ? 'rd' : 'th';
  return `${place}${ending}`;
}

/** A continued demonstration is the model's own, and counts with its rollouts. */
function peersOf(index: RolloutIndex, attempts: readonly Attempt[], row: number): number[] {
  const step = valueAt(index.numbers.step, row);
  const streamOf = (one: number): string | undefined => (index.kinds[one] === 'hybrid' ? 'rollout' : index.kinds[one]);
  return Array.from({ length: index.length }, (_, one) => one).filter(
    (one) =>
      valueAt(index.numbers.step, one) === step &&
      streamOf(one) === streamOf(row) &&
      (one === row || isCurrent(index, one, attempts)),
  );
}
