import { valueAt } from '../../core/columns';
import { rolloutText } from '../../core/rolloutColumns';
import { isCurrent, type RolloutIndex } from '../../core/rolloutIndex';
import type { RunStore } from '../runs/runStore';

/** A trace as text for people; what it says was written by a model. */
export interface TraceText {
  readonly row: number;
  readonly step: number;
  readonly promptId: string;
  readonly correct: boolean;
  readonly prompt: string;
  readonly text: string;
}

/** One problem before and after training. */
export interface BeforeAfter {
  readonly before: TraceText;
  readonly after: TraceText;
}

/** The newest rollout that is right, or wrong; undefined when there is none. */
export function newestRollout(store: RunStore, correct: boolean): number | undefined {
  const { index } = store;
  for (let row = index.length - 1; row >= 0; row -= 1) {
    if (index.kinds[row] === 'rollout' && (valueAt(index.correct, row) === 1) === correct) return row;
  }
  return undefined;
}

/** The text of a row; the first words stand in where its tokens were not kept. */
export async function traceText(store: RunStore, row: number): Promise<TraceText> {
  const { index } = store;
  const [response, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
  return {
    row,
    step: valueAt(index.numbers.step, row),
    promptId: index.promptIds[row] ?? '',
    correct: valueAt(index.correct, row) === 1,
    prompt: prompt.kind === 'read' ? rolloutText(prompt.value) : '',
    text: response.kind === 'read' ? rolloutText(response.value) : `${index.heads[row] ?? ''} … (${response.reason})`,
  };
}

/** A problem that was wrong at the first evaluation and is right at the last, and one that is still wrong. */
export async function beforeAfter(store: RunStore): Promise<{ mended?: BeforeAfter; wrong?: BeforeAfter }> {
  const steps = store.model.evaluations.filter((event) => event.name === 'evaluation').map((event) => event.step);
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  if (!(last > first)) return {};
  const before = greedyAnswers(store, first);
  const pairs = [...greedyAnswers(store, last)].flatMap(([promptId, after]) => {
    const earlier = before.get(promptId);
    return earlier === undefined || isRight(store.index, earlier) ? [] : [{ before: earlier, after }];
  });
  const mended = pairs.find((pair) => isRight(store.index, pair.after));
  const wrong = pairs.find((pair) => !isRight(store.index, pair.after));
  return {
    ...(mended === undefined ? {} : { mended: await readPair(store, mended) }),
    ...(wrong === undefined ? {} : { wrong: await readPair(store, wrong) }),
  };
}

async function readPair(store: RunStore, rows: { before: number; after: number }): Promise<BeforeAfter> {
  return { before: await traceText(store, rows.before), after: await traceText(store, rows.after) };
}

function isRight(index: RolloutIndex, row: number): boolean {
  return valueAt(index.correct, row) === 1;
}

/** Rows of the greedy answers of an evaluation by prompt. The first answer of a group is the greedy one. */
function greedyAnswers(store: RunStore, step: number): Map<string, number> {
  const { index, model } = store;
  const rows = new Map<string, number>();
  for (let row = 0; row < index.length; row += 1) {
    const matches =
      index.kinds[row] === 'evaluation' &&
      valueAt(index.numbers.step, row) === step &&
      valueAt(index.numbers.index, row) === 0 &&
      isOfEvaluation(index.ids[row] ?? '') &&
      isCurrent(index, row, model.attempts);
    if (matches) rows.set(index.promptIds[row] ?? '', row);
  }
  return rows;
}

/** The letter of an id tells the pass: `e` is the evaluation, `l` and `b` are the final one of last and best checkpoint. */
function isOfEvaluation(id: string): boolean {
  return /^a\d+-e/.test(id);
}
