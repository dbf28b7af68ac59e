import { valueAt } from './columns';
import { groupName, type RolloutIndex } from './rolloutIndex';
import { tokenCount, type Trace } from './trace';
import { replyIn } from './verifyLines';

/** What of a recipe a judge's question depends on. */
export interface JudgeSettings {
  /** The tag that opens the reasoning. */
  readonly openingTag: string;
  /** The limit of a response, for the penalty of overlong ones; null when it is not known. */
  readonly maxTokens: number | null;
}

/** The judge's new word on a row. */
export interface NewVerdict {
  readonly row: number;
  readonly reward: number | null;
  readonly parts: Readonly<Record<string, number | null>>;
  readonly correct: boolean;
  readonly note: string | null;
}

/** A row before and after. */
export interface Rejudged {
  readonly verdict: NewVerdict;
  readonly rewardBefore: number;
  readonly correctBefore: boolean;
  readonly partsBefore: ReadonlyMap<string, number>;
  /** NaN where the recorded one is not what the rewards of the group give: nothing can be said of it then. */
  readonly advantageBefore: number;
  readonly advantage: number;
}

/**
 * What the judge is asked about a row, as one line of JSON for `srft verify`: the response as training judged it. `stop`
 * is that of what stands in its place, where a checkpoint wrote something else to the row's prompt.
 */
export function judgeRequest(
  trace: Trace,
  index: RolloutIndex,
  row: number,
  settings: JudgeSettings,
  stop = index.stops[row],
): string {
  return JSON.stringify({
    id: index.promptIds[row] ?? '',
    response: judgedText(trace, stop),
    opened_tag: opensTag(trace, settings),
    ended: stop !== 'length',
    length: tokenCount(trace),
    max_tokens: settings.maxTokens,
  });
}

/** The same about a text that a person made of it: it ends where it ends, and how many tokens it has nobody knows. */
export function draftRequest(
  trace: Trace,
  index: RolloutIndex,
  row: number,
  settings: JudgeSettings,
  draft: string,
): string {
  return JSON.stringify({
    id: index.promptIds[row] ?? '',
    response: draft,
    opened_tag: opensTag(trace, settings),
  });
}

function opensTag(trace: Trace, { openingTag }: JudgeSettings): boolean {
  return trace.text.slice(0, trace.responseStart).trimEnd().endsWith(openingTag);
}

/** The response without the token that ended it; other special tokens stay. */
export function judgedText(trace: Trace, stop: RolloutIndex['stops'][number] | undefined): string {
  const { text, starts, responseStart } = trace;
  const last = starts.at(-2) ?? responseStart;
  const hasEnd = stop === 'end' || (stop === 'given' && specialToken.test(text.slice(last)));
  return text.slice(responseStart, hasEnd ? last : text.length);
}

/** A demonstration was not sampled, so nothing but its look says whether its last token is one that ends. */
const specialToken = /^<[^<>\s]{1,40}>$/;

/** A line of the judge's; undefined when it is none, such as what a person's reward prints. A refusal carries its reason. */
export function judgeReply(
  line: string,
  row: number,
): NewVerdict | { readonly row: number; readonly refusal: string } | undefined {
  const reply = replyIn(line);
  if (reply === undefined) return undefined;
  const { reward, parts, correct, note, error } = reply;
  if (typeof error === 'string') return { row, refusal: error };
  if (typeof correct !== 'boolean' || typeof parts !== 'object' || parts === null) return undefined;
  const named = Object.entries(parts).map(([name, value]): [string, number | null] => [name, numberOrNull(value)]);
  return {
    row,
    reward: numberOrNull(reward),
    parts: Object.fromEntries(named),
    correct,
    note: typeof note === 'string' ? note : null,
  };
}

/** Put the new verdicts beside what was recorded. `divideByStd`: as the recipe's method makes advantages. */
export function rejudged(index: RolloutIndex, verdicts: readonly NewVerdict[], divideByStd: boolean): Rejudged[] {
  const groups = new Map<string, NewVerdict[]>();
  for (const verdict of verdicts) {
    const key = groupName(index, verdict.row);
    groups.set(key, [...(groups.get(key) ?? []), verdict]);
  }
  const advantages = new Map<number, { readonly before: number; readonly after: number }>();
  for (const members of groups.values()) {
    const recorded = members.map(({ row }) => valueAt(index.numbers.reward, row));
    const before = groupAdvantages(recorded, divideByStd);
    const after = groupAdvantages(
      members.map(({ reward }) => reward ?? NaN),
      divideByStd,
    );
    // Judged in part, or by another rule: the formula must give what the run recorded before it may say more.
    const isKnown = members.every(
      ({ row }, place) => Math.abs((before[place] ?? NaN) - valueAt(index.numbers.advantage, row)) < closeEnough,
    );
    members.forEach(({ row }, place) => {
      advantages.set(row, {
        before: isKnown ? (before[place] ?? NaN) : NaN,
        after: isKnown ? (after[place] ?? NaN) : NaN,
      });
    });
  }
  return verdicts.map((verdict) => ({
    verdict,
    rewardBefore: valueAt(index.numbers.reward, verdict.row),
    correctBefore: valueAt(index.correct, verdict.row) === 1,
    partsBefore: new Map([...index.parts].map(([name, values]) => [name, valueAt(values, verdict.row)])),
    advantageBefore: advantages.get(verdict.row)?.before ?? NaN,
    advantage: advantages.get(verdict.row)?.after ?? NaN,
  }));
}

/** Did anything change but rounding? */
export function hasChanged({ verdict, rewardBefore, correctBefore, partsBefore }: Rejudged): boolean {
  const differs = (a: number, b: number): boolean => !(Math.abs(a - b) < 1e-6) && !(Number.isNaN(a) && Number.isNaN(b));
  return (
    verdict.correct !== correctBefore ||
    differs(verdict.reward ?? NaN, rewardBefore) ||
    Object.entries(verdict.parts).some(([name, value]) => differs(value ?? NaN, partsBefore.get(name) ?? NaN))
  );
}

const closeEnough = 1e-3;
const stdGuard = 1e-6;

/** A = (R − mean) / (std + 1e-6) over the group, std unbiased (SRFT Eq. 7): as trainer/srft/maths/advantages.py has it. */
export function groupAdvantages(rewards: readonly number[], divideByStd: boolean): number[] {
  const count = rewards.length;
  if (count === 1) return [...rewards];
  if (rewards.every((reward) => reward === rewards[0])) return rewards.map(() => 0);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / count;
  const centred = rewards.map((reward) => reward - mean);
  if (!divideByStd) return centred;
  const variance = centred.reduce((sum, value) => sum + value * value, 0) / (count - 1);
  return centred.map((value) => value / (Math.sqrt(variance) + stdGuard));
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
