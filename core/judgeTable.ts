import { valueAt } from './columns';
import { formatCount, formatNumber } from './format';
import { hasChanged, type Rejudged } from './judgeAgain';
import type { RolloutIndex } from './rolloutIndex';
import { visibleWords } from './visibleWords';

/** What a judge's new look at a run's rollouts came to. */
export interface Judgement {
  readonly run: string;
  /** The recipe whose judge it was, as people write its path. */
  readonly recipe: string;
  readonly rows: readonly Rejudged[];
  /** Rows the judge refused, with its reason. */
  readonly refused: readonly { readonly row: number; readonly refusal: string }[];
  /** Rows whose tokens were not kept. */
  readonly notKept: number;
  /** A person ended it early. */
  readonly cancelled: boolean;
}

/** A line of the table that is about one rollout. */
export interface JudgedLine {
  /** Counts from 0. */
  readonly line: number;
  readonly id: string;
}

/** The judgement as a text of aligned columns, and where its rollouts stand in it. */
export function judgementText(judgement: Judgement, index: RolloutIndex): { text: string; links: JudgedLine[] } {
  const { run, recipe, rows, refused, notKept, cancelled } = judgement;
  const changed = rows.filter(hasChanged);
  const count = (test: (row: Rejudged) => boolean): string => formatCount(rows.filter(test).length);
  const lines = [
    `${run}, judged again as ${recipe}${cancelled ? ' (ended early)' : ''}`,
    '',
    `${formatCount(rows.length)} judged, ${formatCount(changed.length)} changed`,
    `${count(({ verdict, correctBefore }) => correctBefore && !verdict.correct)} right → wrong`,
    `${count(({ verdict, correctBefore }) => !correctBefore && verdict.correct)} wrong → right`,
    ...(notKept === 0 ? [] : [`${formatCount(notKept)} not judged: their tokens were not kept`]),
    ...(refused.length === 0 ? [] : [`${formatCount(refused.length)} refused by the judge`]),
  ];
  const links: JudgedLine[] = [];
  if (changed.length > 0) {
    const table = [heads, ...changed.map((row) => cellsOf(row, index))];
    const widths = heads.map((_, place) => Math.max(...table.map((cells) => cells[place]?.length ?? 0)));
    lines.push('');
    table.forEach((cells, place) => {
      const row = changed[place - 1];
      if (row !== undefined) links.push({ line: lines.length, id: index.ids[row.verdict.row] ?? '' });
      lines.push(
        cells
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd(),
      );
    });
  }
  if (refused.length > 0) {
    lines.push('');
    for (const { row, refusal } of refused) {
      links.push({ line: lines.length, id: index.ids[row] ?? '' });
      lines.push(`${index.ids[row] ?? ''}  ${visibleWords(refusal)}`);
    }
  }
  return { text: `${lines.join('\n')}\n`, links };
}

const heads = ['rollout', 'step', 'prompt', 'verdict', 'reward', 'parts that changed', 'advantage'];

function cellsOf(row: Rejudged, index: RolloutIndex): string[] {
  const { verdict, correctBefore, rewardBefore, partsBefore, advantageBefore, advantage } = row;
  const parts = Object.entries(verdict.parts)
    .filter(([name, value]) => short(value ?? NaN) !== short(partsBefore.get(name) ?? NaN))
    .map(([name, value]) => `${visibleWords(name)} ${change(partsBefore.get(name) ?? NaN, value ?? NaN)}`);
  return [
    index.ids[verdict.row] ?? '',
    `${valueAt(index.numbers.step, verdict.row)}`,
    visibleWords(index.promptIds[verdict.row] ?? ''),
    correctBefore === verdict.correct ? word(verdict.correct) : `${word(correctBefore)} → ${word(verdict.correct)}`,
    change(rewardBefore, verdict.reward ?? NaN),
    parts.join(', '),
    Number.isNaN(advantage) ? '–' : change(advantageBefore, advantage),
  ];
}

function change(before: number, after: number): string {
  return short(before) === short(after) ? short(after) : `${short(before)} → ${short(after)}`;
}

function short(value: number): string {
  const size = Number.isInteger(value) ? `${Math.abs(value)}` : formatNumber(Math.abs(value));
  return value < 0 ? `−${size}` : size;
}

function word(correct: boolean): string {
  return correct ? 'right' : 'wrong';
}
