import { formatNumber } from './format';
import type { NewVerdict } from './judgeAgain';
import { visibleWords } from './visibleWords';

/** What a judge said, for the line above a text: right or wrong, the reward with its parts, and the reason. */
export function verdictTitles({ correct, reward, parts, note }: Omit<NewVerdict, 'row'>): string[] {
  return [
    rightOrWrong(correct),
    rewardWords(reward, Object.entries(parts)),
    ...(note === null ? [] : [visibleWords(note)]),
  ];
}

export function rightOrWrong(isRight: boolean): string {
  return isRight ? '$(pass)\u00a0right' : '$(error)\u00a0wrong';
}

export function rewardWords(
  reward: number | null,
  parts: readonly (readonly [name: string, value: number | null | undefined])[],
): string {
  const named = parts.map(([name, value]) => `${visibleWords(name)} ${shortNumber(value)}`);
  return `reward ${shortNumber(reward)}${named.length === 0 ? '' : ` (${named.join(', ')})`}`;
}

/** Whole numbers without a fraction. */
export function shortNumber(value: number | null | undefined): string {
  return Number.isInteger(value) ? `${value}` : formatNumber(value);
}
