import { countUpTo, valueAt, valuesOf, type NumberColumn } from '../../core/columns';
import { envelope } from '../../core/curves';
import type {
  PreviewAnswer,
  PreviewRequest,
  RangeCurves,
  RolloutsAnswer,
  RolloutsRequest,
  RowsAnswer,
  RowsRequest,
  SeriesRange,
  ToHost,
  ToPanel,
} from '../../core/generated/panel';
import { broken, read, type Read } from '../../core/read';
import { rolloutText, tokenTexts, type RolloutColumns } from '../../core/rolloutColumns';
import { listRollouts, rolloutRow } from '../../core/rolloutList';
import type { RunModel } from '../../core/runModel';
import type { RunStore } from './runStore';

type Question = Extract<ToHost, { readonly request: number; readonly kind: ToPanel['kind'] }>;

/** The answer to a panel's question about the runs it shows; what is wrong with it is an answer too. */
export async function answerTo(stores: readonly RunStore[], question: Question): Promise<ToPanel> {
  const failed = (message: string): ToPanel => ({ kind: 'failed', request: question.request, message });
  if (question.kind === 'series') {
    const curves = question.ranges.flatMap((range) => {
      const store = stores[range.run];
      return store === undefined ? [] : [rangeCurves(store.model, range)];
    });
    if (curves.length < question.ranges.length) return failed(noSuchRun);
    return { kind: 'series', request: question.request, ranges: curves };
  }
  const store = stores[question.run];
  if (store === undefined) return failed(noSuchRun);
  if (question.kind === 'rows') return rowsAnswer(store, question);
  const answer = question.kind === 'rollouts' ? rolloutsAnswer(store, question) : await previewAnswer(store, question);
  return answer.kind === 'read' ? answer.value : failed(answer.reason);
}

const noSuchRun = 'there is no such run in this panel';

/** Curves of the asked rows, each bucket with its extremes. A metric the run has not is left out. */
export function rangeCurves(model: RunModel, range: SeriesRange): RangeCurves {
  const { steps } = model;
  const from = Math.min(range.from, steps.step.length);
  const to = Math.min(range.to, steps.step.length);
  const curves = range.metrics.flatMap((name) => {
    const metric = steps.metrics.get(name);
    return metric === undefined ? [] : [{ name, envelope: envelope(metric.curve, from, to, range.buckets) }];
  });
  const rows = curves[0]?.envelope.rows ?? new Uint32Array(0);
  const startedAt = model.startedAt ?? valueAt(steps.time, 0);
  return {
    run: range.run,
    from,
    to,
    step: picked(steps.step, rows),
    tokens: picked(steps.tokens, rows),
    seconds: picked(steps.time, rows).map((time) => time - startedAt),
    curves: curves.map(({ name, envelope: { low, high } }) => ({ metric: name, low, high })),
  };
}

/** The list of a range of steps. */
export function rolloutsAnswer(store: RunStore, request: RolloutsRequest): Read<RolloutsAnswer> {
  const list = listRollouts(store.index, store.model.attempts, request);
  if (list.kind === 'broken') return list;
  return read({ kind: 'rollouts', request: request.request, run: request.run, ...list.value });
}

/** Details of rows that are there. */
export function rowsAnswer(store: RunStore, request: RowsRequest): RowsAnswer {
  const rows = request.rows.filter((row) => row < store.index.length).map((row) => rolloutRow(store.index, row));
  return { kind: 'rows', request: request.request, run: request.run, rows };
}

/** One rollout, whole, with its prompt. */
export async function previewAnswer(store: RunStore, request: PreviewRequest): Promise<Read<PreviewAnswer>> {
  const { index } = store;
  const { row } = request;
  if (row >= index.length) return broken('there is no such rollout any more');
  const line = rolloutRow(index, row);
  const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
  const text =
    record.kind === 'read'
      ? pieces(record.value)
      : { text: line.head, ends: new Int32Array(0), characters: line.head.length };
  const tokenTruth = record.kind === 'broken' ? `Only the first words are stored: ${record.reason}.` : null;
  return read({
    kind: 'preview',
    request: request.request,
    run: request.run,
    row,
    id: line.id,
    record: index.kinds[row] ?? '',
    step: line.step,
    prompt: prompt.kind === 'read' ? rolloutText(prompt.value).slice(0, longestText) : `(${prompt.reason})`,
    text: text.text,
    characters: text.characters,
    pieces: text.ends,
    entropy: record.kind === 'read' ? entropyOf(record.value, text.ends.length) : new Float32Array(0),
    figures: figuresOf(store, row),
    note: [index.notes.get(row), tokenTruth].filter((part) => typeof part === 'string').join(' ') || null,
  });
}

/** A panel shows the beginning of a longer text; the whole is a document's work. */
const longestText = 200_000;

function pieces(record: RolloutColumns): { text: string; ends: Int32Array; characters: number } {
  const texts = tokenTexts(record);
  if (texts.kind === 'broken') {
    const text = rolloutText(record);
    return { text: text.slice(0, longestText), ends: new Int32Array(0), characters: text.length };
  }
  const ends: number[] = [];
  let length = 0;
  for (const piece of texts.value) {
    length += piece.length;
    if (length <= longestText) ends.push(length);
  }
  return { text: texts.value.join('').slice(0, longestText), ends: Int32Array.from(ends), characters: length };
}

function entropyOf(record: RolloutColumns, count: number): Float32Array {
  const values = record.columns.get('entropy')?.values;
  return values === undefined ? new Float32Array(0) : Float32Array.from(values.slice(0, count));
}

function figuresOf({ index }: RunStore, row: number): PreviewAnswer['figures'] {
  const { numbers } = index;
  const named: [string, number][] = [
    ['reward', valueAt(numbers.reward, row)],
    ['advantage', valueAt(numbers.advantage, row)],
    ['tokens', valueAt(numbers.tokens, row)],
    ['mean entropy', valueAt(numbers.entropy, row)],
    ['temperature', valueAt(numbers.temperature, row)],
    ...[...index.parts].map(([name, column]): [string, number] => [`reward part ${name}`, valueAt(column, row)]),
    ...[...index.weights].map(([name, column]): [string, number] => [`weight ${name}`, valueAt(column, row)]),
  ];
  return named
    .filter(([, value]) => !Number.isNaN(value))
    .map(([name, value]) => ({ name, value: Number.isInteger(value) ? `${value}` : value.toPrecision(4) }));
}

function picked(column: NumberColumn, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => valueAt(column, row));
}

/** Everything a run recorded, one row a step, for an export. */
export function stepColumns(model: RunModel): { readonly name: string; readonly values: Float64Array }[] {
  const { step, time, tokens, metrics } = model.steps;
  return [
    { name: 'step', values: valuesOf(step) },
    { name: 'time', values: valuesOf(time) },
    { name: 'tokens', values: valuesOf(tokens) },
    ...[...metrics].map(([name, { curve }]) => ({ name, values: valuesOf(curve.values) })),
  ];
}

/** Rows of the step table of the given steps, the last one excluded. */
export function rowsOfSteps(model: RunModel, fromStep: number, toStep: number): { from: number; to: number } {
  return { from: countUpTo(model.steps.step, fromStep - 1), to: countUpTo(model.steps.step, toStep) };
}
