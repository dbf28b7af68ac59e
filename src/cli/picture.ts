import { formatCount, formatDuration, formatNumber, formatShare } from '../../core/format';
import type { EvaluationEvent, Live, Status } from '../../core/generated/wire';
import {
  elapsedSeconds,
  lastStep,
  ledgerParts,
  ledgerSeconds,
  newestValue,
  remainingSeconds,
  valueAtRow,
} from '../../core/progress';
import type { RunModel } from '../../core/runModel';
import { sparkline } from './sparkline';
import type { Role, Style } from './style';
import { clipped, fitted, oneLine, wrapped } from './terminalText';
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
}

/** The picture as lines of at most `columns` columns, colours apart. */
export function picture(scene: Scene, columns: number, style: Style): string[] {
  const width = Math.max(20, Math.min(columns - 1, 110));
  return [
    header(scene, width, style),
    progressLine(scene, width, style),
    '',
    ...curveLines(scene.model, width, style),
    '',
    ...ledgerLines(scene.model, width, style),
    '',
    ...traceLines('newest right', 'right', scene.right, width, style),
    ...traceLines('newest wrong', 'wrong', scene.wrong, width, style),
  ];
}

const labelColumns = 11;

function header(scene: Scene, width: number, style: Style): string {
  const { model, status } = scene;
  const planned = model.stepsPlanned ?? status?.steps;
  const parts = [
    `step ${lastStep(model)}${planned === undefined ? '' : ` of ${planned}`}`,
    model.phases.at(-1)?.phase ?? '',
    stateWords(scene),
    speedWords(scene),
  ];
  return style('strong', clipped(oneLine(parts.filter((part) => part !== '').join('  ·  ')), width));
}

function stateWords({ model, status, stopping }: Scene): string {
  if (model.end !== null) return model.end.reason.kind.replaceAll('_', ' ');
  if (stopping) return 'stopping at the next safe point';
  if (status === null) return 'starting';
  return status.state === 'running' || status.state === 'starting' ? status.stage : status.state;
}

function speedWords({ model, live }: Scene): string {
  const speed = model.end === null ? live?.tokens_per_second : null;
  return speed === null || speed === undefined ? '' : `${formatCount(speed)} tokens/s`;
}

function progressLine(scene: Scene, width: number, style: Style): string {
  const { model, live, sinceNewestSeconds } = scene;
  const planned = model.stepsPlanned ?? 0;
  const share = planned > 0 ? Math.min(1, lastStep(model) / planned) : 0;
  const elapsed = elapsedSeconds(model) + (model.end === null ? sinceNewestSeconds : 0);
  const remaining = Math.max(0, remainingSeconds(model) - sinceNewestSeconds);
  const times = [
    formatDuration(elapsed),
    model.end !== null || Number.isNaN(remaining) ? '' : `about ${formatDuration(remaining)} to go`,
    model.end === null && live !== null && live.total > 0 ? `${live.phase} ${live.done}/${live.total}` : '',
  ];
  const words = times.filter((word) => word !== '').join('  ·  ');
  return `${style('rollout', bar(share, 24))}  ${clipped(oneLine(words), width - 26)}`;
}

function bar(share: number, columns: number): string {
  const full = Math.round(share * columns);
  return '━'.repeat(full) + '─'.repeat(columns - full);
}

function curveLines(model: RunModel, width: number, style: Style): string[] {
  const half = Math.floor(width / 2);
  return [
    metricLine(model, { label: 'reward', metric: 'reward/mean', role: 'rollout' }, width, style),
    heldOutLine(model, width, style),
    label('entropy') +
      pairOf(
        model,
        [
          { label: 'own', metric: 'entropy/rollout', role: 'rollout' },
          { label: 'demo', metric: 'entropy/demonstration', role: 'demonstration' },
        ],
        half,
        style,
      ),
    label('weight') +
      pairOf(
        model,
        [
          { label: 'w_RL', metric: 'weight/rl', role: 'rollout' },
          { label: 'w_SFT', metric: 'weight/sft', role: 'demonstration' },
        ],
        half,
        style,
      ),
  ];
}

interface Shown {
  readonly label: string;
  readonly metric: string;
  readonly role: Role;
}

function metricLine(model: RunModel, shown: Shown, width: number, style: Style): string {
  const values = seriesOf(model, shown.metric);
  const span = values.length < 2 ? '' : `${formatNumber(values[0])} → ${formatNumber(values.at(-1))}`;
  const drawn = style(shown.role, sparkline(values, Math.max(8, width - labelColumns - 32)));
  return `${label(shown.label)}${formatNumber(newestValue(model, shown.metric)).padEnd(7)}${drawn}  ${style('quiet', span)}`;
}

function heldOutLine(model: RunModel, width: number, style: Style): string {
  const evaluations = model.evaluations.filter((event) => event.name === 'evaluation');
  const values = evaluations.map(accuracyOf);
  const newest = evaluations.at(-1)?.greedy['accuracy'];
  const drawn = style('heldOut', sparkline(values, Math.max(8, width - labelColumns - 42)));
  const words = newest === undefined ? 'not measured yet' : intervalWords(values, newest);
  return `${label('held-out')}${formatNumber(values.at(-1)).padEnd(7)}${drawn}  ${style('quiet', words)}`;
}

function intervalWords(values: readonly number[], newest: { low: number; high: number; count: number }): string {
  const span = values.length < 2 ? '' : `${formatNumber(values[0])} → ${formatNumber(values.at(-1))}  `;
  return `${span}[${newest.low.toFixed(2)}, ${newest.high.toFixed(2)}] of ${newest.count}`;
}

function pairOf(model: RunModel, pair: readonly Shown[], half: number, style: Style): string {
  return pair
    .map((shown) => {
      const values = seriesOf(model, shown.metric);
      const drawn = sparkline(values, Math.max(4, half - labelColumns - 12));
      return `${fitted(shown.label, 6)}${formatNumber(values.at(-1)).padEnd(7)}${style(shown.role, drawn)}`;
    })
    .join('  ');
}

function ledgerLines(model: RunModel, width: number, style: Style): string[] {
  const seconds = ledgerParts.map((part) => ({ part, seconds: ledgerSeconds(model, part, 10) }));
  const total = seconds.reduce((sum, item) => sum + item.seconds, 0);
  if (total === 0) return [`${label('time')}${style('quiet', 'no step finished yet')}`];
  const columns = Math.max(10, Math.min(60, width - labelColumns));
  const present = seconds.filter((item) => item.seconds / total >= 0.005);
  const bars = present.map((item, number) =>
    (blocks[number % blocks.length] ?? '█').repeat(Math.round((item.seconds / total) * columns)),
  );
  const words = present.map(
    (item, number) => `${blocks[number % blocks.length] ?? ''} ${item.part} ${formatShare(item.seconds / total)}`,
  );
  return [
    `${label('time')}${style('rollout', bars.join(''))}`,
    `${label('')}${style('quiet', clipped(words.join('  '), width - labelColumns))}`,
  ];
}

const blocks = ['█', '▓', '▒', '░', '▚', '▖', '·'];

function traceLines(name: string, role: Role, trace: TraceText | undefined, width: number, style: Style): string[] {
  const mark = role === 'right' ? '✓' : '✗';
  if (trace === undefined) return [`${style(role, mark)} ${name}`, `  ${style('quiet', 'none yet')}`, '  '];
  const lines = wrapped(oneLine(trace.text), width - 2).slice(0, 2);
  const head = `${name}, step ${trace.step}: `;
  const question = clipped(oneLine(questionOf(trace.prompt)), width - head.length - 2);
  return [
    `${style(role, mark)} ${style('quiet', head)}${question}`,
    ...[lines[0] ?? '', lines[1] ?? ''].map((line) => `  ${style(role, line)}`),
  ];
}

/** The prompt without the marks of its chat template, which take the room of a line. */
export function questionOf(prompt: string): string {
  return prompt
    .replace(/<\|im_start\|>(?:system|user|assistant)\n?/g, '')
    .replace(/<\|[a-z_]+\|>/g, ' ')
    .trim();
}

function label(text: string): string {
  return fitted(text, labelColumns);
}

function seriesOf(model: RunModel, metric: string): number[] {
  return Array.from({ length: model.steps.step.length }, (_, row) => valueAtRow(model, metric, row));
}

/** Greedy held-out accuracy. */
export function accuracyOf(event: EvaluationEvent): number {
  return event.greedy['accuracy']?.value ?? NaN;
}
