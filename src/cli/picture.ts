import { formatCount, formatDuration, formatNumber, formatShare } from '../../core/format';
import type { EvaluationEvent, Live, Status } from '../../core/generated/wire';
import {
  elapsedSeconds,
  lastStep,
  ledgerParts,
  ledgerSeconds,
  remainingSeconds,
  valueAtRow,
} from '../../core/progress';
import type { RunModel } from '../../core/runModel';
import { sparkline } from './sparkline';
import type { Role, Style } from './style';
import { clipped, fitted, oneLine, widthOf, wrapped } from './terminalText';
import type { TraceText } from './traces';

/** All that a picture of a run shows. */
export interface Scene {
  readonly model: RunModel;
  readonly status: Status | null;
  readonly live: Live | null;
  readonly right: TraceText | undefined;
  readonly wrong: TraceText | undefined;
  /** Seconds since the newest event, by the clock of the one who looks. */
  readonly sinceNewestSeconds: number;
  readonly stopping: boolean;
  /** What the trainer said last, shown until it has a status. */
  readonly said: string;
}

/** The picture as lines that fit a terminal of `columns` columns. */
export function picture(scene: Scene, columns: number, style: Style): string[] {
  // The last column stays free: some terminals wrap as soon as it is filled.
  const width = Math.max(1, Math.min(columns - 1, 110));
  const lines: readonly Line[] = [
    [span(headerWords(scene), 'strong')],
    progressLine(scene),
    [],
    ...curveLines(scene.model, width),
    [],
    ...ledgerLines(scene.model, width),
    [],
    ...traceLines('newest right', 'right', scene.right, width),
    ...traceLines('newest wrong', 'wrong', scene.wrong, width),
  ];
  return lines.map((line) => painted(line, width, style));
}

/** A stretch of harmless text in one colour. */
interface Span {
  readonly text: string;
  readonly role: Role | undefined;
}
type Line = readonly Span[];

const labelColumns = 11;

function span(text: string, role?: Role): Span {
  return { text, role };
}

function painted(line: Line, width: number, style: Style): string {
  let free = width;
  const last = line.length - 1;
  return line
    .map(({ text: whole, role }, number) => {
      const text = number === last ? whole.trimEnd() : whole;
      const cut = clipped(text, free);
      free -= widthOf(cut);
      return role === undefined ? cut : style(role, cut);
    })
    .join('');
}

function headerWords(scene: Scene): string {
  const { model, status } = scene;
  const planned = model.stepsPlanned ?? status?.steps;
  const parts = [
    `step ${lastStep(model)}${planned === undefined ? '' : ` of ${planned}`}`,
    model.phases.at(-1)?.phase ?? '',
    stateWords(scene),
    speedWords(scene),
    scene.status === null ? scene.said : '',
  ];
  return oneLine(parts.filter((part) => part !== '').join('  ·  '));
}

function stateWords({ model, status, stopping }: Scene): string {
  if (model.end !== null) return model.end.reason.kind.replaceAll('_', ' ');
  if (stopping) return 'stopping at the next safe point';
  if (status === null) return 'starting the trainer';
  return status.state === 'running' || status.state === 'starting' ? status.stage : status.state;
}

function speedWords({ model, live }: Scene): string {
  const speed = model.end === null ? live?.tokens_per_second : null;
  return speed === null || speed === undefined ? '' : `${formatCount(speed)} tokens/s`;
}

function progressLine(scene: Scene): Line {
  const { model, live, sinceNewestSeconds } = scene;
  const planned = model.stepsPlanned ?? 0;
  const share = planned > 0 ? Math.min(1, lastStep(model) / planned) : 0;
  const elapsed = elapsedSeconds(model) + (model.end === null ? sinceNewestSeconds : 0);
  const remaining = Math.max(0, remainingSeconds(model) - sinceNewestSeconds);
  const words = [
    formatDuration(elapsed),
    model.end !== null || Number.isNaN(remaining) ? '' : `about ${formatDuration(remaining)} to go`,
    model.end === null && live !== null && live.total > 0 ? `${live.phase} ${live.done}/${live.total}` : '',
  ];
  return [span(bar(share, 24), 'rollout'), span(`  ${oneLine(words.filter((word) => word !== '').join('  ·  '))}`)];
}

function bar(share: number, columns: number): string {
  const full = Math.round(share * columns);
  return '━'.repeat(full) + '─'.repeat(columns - full);
}

interface Shown {
  readonly label: string;
  readonly metric: string;
  readonly role: Role;
}

function curveLines(model: RunModel, width: number): Line[] {
  return [
    rewardLine(model, width),
    heldOutLine(model, width),
    pairLine(model, width, 'entropy', [
      { label: 'own', metric: 'entropy/rollout', role: 'rollout' },
      { label: 'demo', metric: 'entropy/demonstration', role: 'demonstration' },
    ]),
    pairLine(model, width, 'weight', [
      { label: 'w_RL', metric: 'weight/rl', role: 'rollout' },
      { label: 'w_SFT', metric: 'weight/sft', role: 'demonstration' },
    ]),
  ];
}

function rewardLine(model: RunModel, width: number): Line {
  const values = seriesOf(model, 'reward/mean');
  return [
    label('reward'),
    span(formatNumber(values.at(-1)).padEnd(8)),
    span(sparkline(values, curveColumns(width)), 'rollout'),
    span(values.length < 2 ? '' : `  ${formatNumber(values[0])} → ${formatNumber(values.at(-1))}`, 'quiet'),
  ];
}

function heldOutLine(model: RunModel, width: number): Line {
  const evaluations = model.evaluations.filter((event) => event.name === 'evaluation');
  const values = evaluations.map(accuracyOf);
  const newest = evaluations.at(-1)?.greedy['accuracy'];
  return [
    label('held-out'),
    span(formatNumber(values.at(-1)).padEnd(8)),
    span(sparkline(values, curveColumns(width)), 'heldOut'),
    span(newest === undefined ? 'not measured yet' : `  ${intervalWords(values, newest)}`, 'quiet'),
  ];
}

function intervalWords(values: readonly number[], newest: { low: number; high: number; count: number }): string {
  const change = values.length < 2 ? '' : `${formatNumber(values[0])} → ${formatNumber(values.at(-1))}  `;
  return `${change}[${newest.low.toFixed(2)}, ${newest.high.toFixed(2)}] of ${newest.count}`;
}

function curveColumns(width: number): number {
  return Math.max(8, width - labelColumns - 48);
}

function pairLine(model: RunModel, width: number, name: string, pair: readonly Shown[]): Line {
  const columns = Math.max(4, Math.floor((width - labelColumns) / 2) - 17);
  return [
    label(name),
    ...pair.flatMap((shown) => {
      const values = seriesOf(model, shown.metric);
      return [
        span(`${fitted(shown.label, 6)}${formatNumber(values.at(-1)).padEnd(8)}`),
        span(fitted(sparkline(values, columns), columns + 3), shown.role),
      ];
    }),
  ];
}

function ledgerLines(model: RunModel, width: number): Line[] {
  const seconds = ledgerParts.map((part) => ({ part, seconds: ledgerSeconds(model, part, 10) }));
  const total = seconds.reduce((sum, item) => sum + item.seconds, 0);
  if (total === 0) return [[label('time'), span('no step finished yet', 'quiet')], []];
  const columns = Math.max(10, Math.min(60, width - labelColumns));
  const present = seconds
    .map((item) => ({ part: item.part, share: item.seconds / total }))
    .filter((item) => item.share >= 0.005)
    .map((item, number) => ({ ...item, block: blocks[number] ?? '█' }));
  const bars = present.map((item) => item.block.repeat(Math.round(item.share * columns)));
  const words = present.map((item) => `${item.block} ${item.part} ${formatShare(item.share)}`);
  return [
    [label('time'), span(bars.join(''), 'rollout')],
    [label(''), span(words.join('  '), 'quiet')],
  ];
}

const blocks = ['█', '▓', '▒', '░', '▚', '▞', '▖', '·'];

function traceLines(name: string, role: Role, trace: TraceText | undefined, width: number): Line[] {
  const mark = span(role === 'right' ? '✓ ' : '✗ ', role);
  if (trace === undefined) return [[mark, span(`${name}: none yet`, 'quiet')], [], []];
  const lines = wrapped(oneLine(trace.text), width - 2);
  return [
    [mark, span(`${name}, step ${trace.step}: `, 'quiet'), span(oneLine(questionOf(trace.prompt)))],
    [span('  '), span(lines[0] ?? '', role)],
    [span('  '), span((lines[1] ?? '') + (lines.length > 2 ? ' …' : ''), role)],
  ];
}

/** The prompt without the marks of its chat template, which take the room of a line. */
export function questionOf(prompt: string): string {
  return prompt
    .replace(/<\|im_start\|>(?:system|user|assistant)\n?/g, '')
    .replace(/<\|[a-z_]+\|>/g, ' ')
    .trim();
}

function label(text: string): Span {
  return span(fitted(text, labelColumns));
}

function seriesOf(model: RunModel, metric: string): number[] {
  return Array.from({ length: model.steps.step.length }, (_, row) => valueAtRow(model, metric, row));
}

/** Greedy held-out accuracy. */
export function accuracyOf(event: EvaluationEvent): number {
  return event.greedy['accuracy']?.value ?? NaN;
}
