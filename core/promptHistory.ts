import { valueAt } from './columns';
import { isCurrent, type RolloutIndex } from './rolloutIndex';
import type { Attempt } from './runModel';

/** Every answer to one prompt, in the order of the steps. */
export interface PromptHistory {
  readonly rows: readonly number[];
  /** The step of the first right answer of the model's own; null when there is none. */
  readonly firstRight: number | null;
  /** Steps whose answers are all wrong although those of the step before, of the same kind, had a right one. */
  readonly fellBack: readonly number[];
}

/** How a prompt was answered over the run. Demonstrations are listed and judge nothing. */
export function promptHistory(index: RolloutIndex, attempts: readonly Attempt[], promptId: string): PromptHistory {
  const rows: number[] = [];
  for (let row = 0; row < index.length; row += 1) {
    if (index.promptIds[row] === promptId && isCurrent(index, row, attempts)) rows.push(row);
  }
  const own = rows.filter((row) => index.kinds[row] !== 'demonstration');
  const right = own.filter((row) => valueAt(index.correct, row) === 1);
  const fellBack = new Set<number>();
  for (const kind of new Set(own.map((row) => index.kinds[row]))) {
    let before = false;
    for (const [step, isRight] of rightByStep(
      index,
      own.filter((row) => index.kinds[row] === kind),
    )) {
      if (before && !isRight) fellBack.add(step);
      before = isRight;
    }
  }
  return {
    rows,
    firstRight: right.length === 0 ? null : Math.min(...right.map((row) => valueAt(index.numbers.step, row))),
    fellBack: [...fellBack].sort((a, b) => a - b),
  };
}

/** Rows of one kind come in the order of their steps. */
function rightByStep(index: RolloutIndex, rows: readonly number[]): Map<number, boolean> {
  const steps = new Map<number, boolean>();
  for (const row of rows) {
    const step = valueAt(index.numbers.step, row);
    steps.set(step, (steps.get(step) ?? false) || valueAt(index.correct, row) === 1);
  }
  return steps;
}
