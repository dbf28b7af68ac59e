import { parseArgs } from 'node:util';
import { assertNever } from '../../core/assertNever';
import { valueAt } from '../../core/columns';
import { formatDuration, formatNumber } from '../../core/format';
import { elapsedSeconds, lastStep, newestValue } from '../../core/progress';
import { tokenTexts, type RolloutColumns } from '../../core/rolloutColumns';
import { isCurrent } from '../../core/rolloutIndex';
import { watchHeartbeat, type Liveness } from '../runs/liveness';
import { RunStore } from '../runs/runStore';
import { whoRuns } from '../runs/whoRuns';
import { plain } from './style';
import { summaryTable } from './summary';
import { clipped, fitted, manyLines, oneLine } from './terminalText';

const usage = 'usage: npm run inspect -- RUN [--rollout ID | --step N]';

/** Prints a run's summary, the rollouts of one step, or one trace token by token. Resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const asked = readArguments(args);
  if (asked === undefined) {
    console.error(usage);
    return 2;
  }
  const opened = await RunStore.open(asked.run);
  if (opened.kind === 'broken') {
    console.error(oneLine(opened.reason));
    return 2;
  }
  const store = opened.value;
  const lines = await linesFor(store, asked);
  for (const line of lines.kind === 'found' ? lines.lines : []) console.log(line);
  for (const trouble of [...store.troubles, ...(lines.kind === 'missing' ? [lines.message] : [])]) {
    console.error(oneLine(trouble));
  }
  await store.close();
  return lines.kind === 'found' ? 0 : 2;
}

interface Asked {
  readonly run: string;
  readonly rollout: string | undefined;
  readonly step: number | undefined;
}

type Lines =
  | { readonly kind: 'found'; readonly lines: readonly string[] }
  | { readonly kind: 'missing'; readonly message: string };

function readArguments(args: readonly string[]): Asked | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { rollout: { type: 'string' }, step: { type: 'string' } },
    });
    const [run, ...more] = positionals;
    const step = values.step === undefined ? undefined : Number(values.step);
    if (run === undefined || more.length > 0 || (step !== undefined && !Number.isSafeInteger(step))) return undefined;
    return { run, rollout: values.rollout, step };
  } catch {
    // parseArgs throws about an option it does not know; the usage says which there are.
    return undefined;
  }
}

function linesFor(store: RunStore, asked: Asked): Promise<Lines> | Lines {
  if (asked.rollout !== undefined) return traceLines(store, asked.rollout);
  if (asked.step !== undefined) return stepLines(store, asked.step);
  return summaryLines(store);
}

async function summaryLines(store: RunStore): Promise<Lines> {
  const { model, manifest, index } = store;
  const unknown = model.oddities.unknownEvents.length;
  const lines = [
    `${oneLine(manifest.run_id)}  format ${manifest.format}  ${oneLine(manifest.device.name)}`,
    `step ${lastStep(model)} of ${model.stepsPlanned ?? '?'}  ${await stateOf(store)}  ${formatDuration(elapsedSeconds(model))}`,
    `attempts ${model.attempts.length}  rollouts ${index.length}  checkpoints ${model.checkpoints.length}`,
    ...(unknown === 0 ? [] : [`${unknown} events of kinds this release does not know`]),
    '',
    ...[...model.steps.metrics.keys()].sort().map((name) => {
      return `${fitted(oneLine(name), 32)}${formatNumber(newestValue(model, name))}`;
    }),
    '',
    ...summaryTable(model, plain),
  ];
  return { kind: 'found', lines };
}

async function stateOf(store: RunStore): Promise<string> {
  const { status } = store;
  const { end } = store.model;
  if (end !== null)
    return oneLine(end.reason.message === null ? end.reason.kind : `${end.reason.kind}: ${end.reason.message}`);
  if (status === null) return 'no status.json';
  const nowMs = performance.now();
  return livenessWords(await whoRuns(status, watchHeartbeat(undefined, status, nowMs), nowMs), status.stage);
}

function livenessWords(found: Liveness, stage: string): string {
  switch (found.kind) {
    case 'running':
      return `running: ${oneLine(stage)}`;
    case 'gone':
      return 'interrupted: its process is gone, and it wrote no end';
    case 'ended':
      return 'ended';
    case 'silent':
    case 'watching':
      return 'runs on another machine, or ran';
    default:
      return assertNever(found);
  }
}

function stepLines(store: RunStore, step: number): Lines {
  const { index, model } = store;
  const lines: string[] = [];
  for (let row = 0; row < index.length; row += 1) {
    if (valueAt(index.numbers.step, row) === step && isCurrent(index, row, model.attempts))
      lines.push(rowLine(store, row));
  }
  if (lines.length > 0) return { kind: 'found', lines };
  return { kind: 'missing', message: `the run has no rollouts of step ${step}; its last step is ${lastStep(model)}` };
}

function rowLine(store: RunStore, row: number): string {
  const { index } = store;
  const mark = valueAt(index.correct, row) === 1 ? '✓' : '✗';
  return [
    fitted(oneLine(index.ids[row] ?? ''), 18),
    fitted(oneLine(index.kinds[row] ?? ''), 13),
    mark,
    formatNumber(valueAt(index.numbers.reward, row)).padStart(7),
    `${valueAt(index.numbers.tokens, row)}`.padStart(5),
    clipped(oneLine(index.heads[row] ?? ''), 60),
  ].join(' ');
}

async function traceLines(store: RunStore, id: string): Promise<Lines> {
  const row = store.index.rowOfId.get(id);
  if (row === undefined) {
    return { kind: 'missing', message: `the run has no rollout ${id}; --step N lists the ids of a step` };
  }
  const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
  if (record.kind === 'broken') return { kind: 'missing', message: `${id}: ${record.reason}` };
  const promptTexts = prompt.kind === 'read' ? tokenTexts(prompt.value) : prompt;
  return {
    kind: 'found',
    lines: [
      rowLine(store, row),
      '',
      ...(promptTexts.kind === 'read' ? manyLines(promptTexts.value.join('')) : [promptTexts.reason]),
      '',
      ...tokenTable(record.value),
    ],
  };
}

function tokenTable(record: RolloutColumns): string[] {
  const texts = tokenTexts(record);
  const hidden = new Set(['byte_length']);
  const shown = [...record.columns].filter(([name, column]) => column.per === 'token' && !hidden.has(name));
  const widths = shown.map(([name]) => Math.max(9, oneLine(name).length + 1));
  const heads = shown.map(([name], number) => oneLine(name).padStart(widths[number] ?? 0)).join('');
  const rows = Array.from({ length: record.tokens }, (_, token) => {
    const figures = shown.map(([name, column], number) => {
      return figure(name, column.values[token]).padStart(widths[number] ?? 0);
    });
    const text = texts.kind === 'read' ? `"${oneLine(texts.value[token] ?? '')}"` : '?';
    return `${`${token}`.padStart(5)}  ${fitted(text, 18)}${figures.join('')}`;
  });
  return [
    ...(texts.kind === 'read' ? [] : [texts.reason]),
    `${'token'.padStart(5)}  ${fitted('text', 18)}${heads}`,
    ...rows,
  ];
}

function figure(name: string, value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  return name === 'id' || name === 'origin' ? `${value}` : value.toFixed(4);
}
