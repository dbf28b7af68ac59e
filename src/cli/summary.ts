import { formatNumber } from '../../core/format';
import type { EvaluationEvent } from '../../core/generated/wire';
import type { RunModel } from '../../core/runModel';
import { accuracyOf, questionOf } from './picture';
import type { Style } from './style';
import { fitted, manyLines, oneLine, wrapped } from './terminalText';
import type { BeforeAfter, TraceText } from './traces';

/** The first evaluation of a run and the last one after it, as far as there are any. */
export function firstAndLast(model: RunModel): { first?: EvaluationEvent; last?: EvaluationEvent } {
  const evaluations = model.evaluations.filter((event) => event.name === 'evaluation');
  const [first, last] = [evaluations[0], evaluations.slice(1).at(-1)];
  return { ...(first === undefined ? {} : { first }), ...(last === undefined ? {} : { last }) };
}

/** Before and after, side by side. */
export function summaryTable(model: RunModel, style: Style): string[] {
  const { first, last } = firstAndLast(model);
  if (first === undefined) return ['The run has no evaluation, so there is no before and after to show.'];
  if (last === undefined) {
    return [
      `Held-out accuracy at step ${first.step}: ${formatNumber(accuracyOf(first))}; the run ended before it was measured again.`,
    ];
  }
  const rows: readonly (readonly [string, (event: EvaluationEvent) => number | null | undefined])[] = [
    ['greedy held-out accuracy', accuracyOf],
    ['step-valid rate', (event) => event.greedy['steps']?.value],
    ['reward', (event) => event.metrics['reward']],
    ['entropy (nats)', (event) => event.metrics['entropy']],
    ['length (tokens)', (event) => event.metrics['length']],
  ];
  const shown = rows.filter(([, valueOf]) => valueOf(first) !== undefined || valueOf(last) !== undefined);
  return [
    style('strong', row(['held-out problems', `step ${first.step}`, `step ${last.step}`])),
    ...shown.map(([name, valueOf]) => row([name, formatNumber(valueOf(first)), formatNumber(valueOf(last))])),
    style('quiet', row(['95 % interval of the accuracy', intervalOf(first), intervalOf(last)])),
  ];
}

/** One problem before and after, with each wrong sum named. */
export function comparisonLines(title: string, pair: BeforeAfter, columns: number, style: Style): string[] {
  const width = Math.max(20, columns - 1);
  return [
    style('strong', title),
    ...wrapped(oneLine(questionOf(pair.after.prompt)), width),
    ...answerLines('before', pair.before, width, style),
    ...answerLines('after', pair.after, width, style),
  ];
}

/** What to do next, in three lines. */
export function nextSteps(runDirectory: string): string[] {
  return [
    'Other methods:        npm run demo -- --method sft (or grpo, luffy, sft_rl)',
    'See that all is well: npm test',
    `Every curve and token: ${oneLine(runDirectory)} (docs/run-directory.md says what is where)`,
  ];
}

const mostLines = 14;

function answerLines(when: string, trace: TraceText, width: number, style: Style): string[] {
  const role = trace.correct ? 'right' : 'wrong';
  const lines = manyLines(trace.text).flatMap((line) => wrapped(line + slipIn(line), width - 4));
  const shown = lines.slice(0, mostLines);
  const cut = lines.length > shown.length ? [style('quiet', `    … ${lines.length - shown.length} more lines`)] : [];
  return [
    `  ${style(role, trace.correct ? '✓' : '✗')} ${when} (step ${trace.step})`,
    ...shown.map((line) => `    ${style(role, line)}`),
    ...cut,
  ];
}

/** Names the slip in a line `a+b=c` or `a-b=c` that is not true. */
function slipIn(line: string): string {
  const match = /^\s*(\d{1,9})\s*([+-])\s*(\d{1,9})\s*=\s*(-?\d{1,9})\s*$/.exec(line);
  if (match === null) return '';
  const [left, operand] = [Number(match[1]), Number(match[3])];
  const right = match[2] === '-' ? left - operand : left + operand;
  return right === Number(match[4]) ? '' : `   ← ${right}`;
}

function intervalOf(event: EvaluationEvent): string {
  const interval = event.greedy['accuracy'];
  return interval === undefined ? '–' : `${interval.low.toFixed(2)}–${interval.high.toFixed(2)}`;
}

function row(cells: readonly [string, string, string]): string {
  return `${fitted(cells[0], 32)}${fitted(cells[1], 12)}${cells[2]}`;
}
