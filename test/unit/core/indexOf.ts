import { appendLine, rolloutIndex, type RolloutIndex } from '../../../core/rolloutIndex';
import type { ReadIndexLine } from '../../../core/wireText';

/** A line of the index with only what a test is about. */
export type Line = Partial<ReadIndexLine>;

/** An index of such lines. */
export function indexOf(lines: readonly Line[]): RolloutIndex {
  const index = rolloutIndex();
  lines.forEach((line, row) => {
    appendLine(index, { ...plain, id: `r${row}`, ...line });
  });
  return index;
}

const plain: ReadIndexLine = {
  id: '',
  attempt: 1,
  step: 1,
  group: 0,
  index: 0,
  prompt_id: 'p1',
  kind: 'rollout',
  reward: 1,
  parts: {},
  advantage: 0,
  correct: true,
  truncated: false,
  stop: 'end',
  tokens: 10,
  temperature: 1,
  entropy: 0.5,
  weights: {},
  policy_version: 0,
  head: 'Let us see',
  note: null,
  address: null,
  prompt: null,
};
