import { valueAt } from './columns';
import type { OpenExtreme } from './generated/panel';
import { isCurrent, type RolloutIndex } from './rolloutIndex';
import type { Attempt } from './runModel';

/** What a peak of a curve is made of. */
export type Extreme = OpenExtreme['extreme'];
export const extremes: readonly Extreme[] = ['longest', 'most uncertain', 'lowest reward'];

/** The model's own rollout of a range of steps, both ends included, that stands out; of equals the first. */
export function extremeRow(
  index: RolloutIndex,
  attempts: readonly Attempt[],
  fromStep: number,
  toStep: number,
  extreme: Extreme,
): number | undefined {
  let best: number | undefined;
  let most = -Infinity;
  for (let row = 0; row < index.length; row += 1) {
    const step = valueAt(index.numbers.step, row);
    if (!(step >= fromStep && step <= toStep)) continue;
    if (index.kinds[row] !== 'rollout' && index.kinds[row] !== 'hybrid') continue;
    const size = sizeOf(index, row, extreme);
    if (size > most && isCurrent(index, row, attempts)) [best, most] = [row, size];
  }
  return best;
}

function sizeOf({ numbers }: RolloutIndex, row: number, extreme: Extreme): number {
  switch (extreme) {
    case 'longest':
      return valueAt(numbers.tokens, row);
    case 'most uncertain':
      return valueAt(numbers.entropy, row);
    case 'lowest reward':
      return -valueAt(numbers.reward, row);
  }
}
