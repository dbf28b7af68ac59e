import { columnOf, countUpTo, valueAt } from '../../core/columns';
import type { RunHeader } from '../../core/generated/panel';
import { broken, read, type Read } from '../../core/read';
import { listRollouts, rolloutRow } from '../../core/rolloutList';
import { rolloutText } from '../../core/rolloutColumns';
import { column, tokenCount, tokenText, traceOf } from '../../core/trace';
import { factsOfTrace } from '../../core/traceWords';
import type { RunStore } from './runStore';

/** What a language model gets is JSON, bounded in size; text that another model wrote stands under `written_by_model`. */
export type ToolAnswer = Read<Readonly<Record<string, unknown>>>;

/** What a model asked for. */
export type Asked = Readonly<Record<string, unknown>>;

const mostRows = 50;
const mostMetrics = 60;
const mostPoints = 40;
const mostText = 12_000;
const mostTokens = 60;

/** Runs with their state and headline figures. */
export function listRunsAnswer(headers: readonly RunHeader[]): ToolAnswer {
  const runs = headers.slice(0, mostRows).map((header) => ({
    run: header.runId,
    name: header.name,
    state: header.stateText,
    step: header.step,
    steps: header.steps,
    method: header.method,
    figures: Object.fromEntries(header.figures.map(({ label, value }) => [label, value])),
    alerts: header.alerts.map(({ fact }) => fact),
  }));
  return read({ runs, shown: runs.length, of: headers.length });
}

/** Metrics of a run over a range of steps: some points of each, evenly chosen, the last included. */
export function figuresAnswer({ model }: RunStore, asked: Asked): ToolAnswer {
  const { steps } = model;
  const names = [...steps.metrics.keys()];
  const metrics = asked['metrics'];
  const wanted = (Array.isArray(metrics) ? metrics.map(String) : names).slice(0, mostMetrics);
  const unknown = wanted.find((name) => !steps.metrics.has(name));
  if (unknown !== undefined) return broken(`The run has no metric '${unknown}'. It has: ${names.join(', ')}.`);
  const from = countUpTo(steps.step, wholeNumber(asked['fromStep'], 0) - 1);
  const to = countUpTo(steps.step, wholeNumber(asked['toStep'], Infinity));
  const rows = evenly(from, to, mostPoints);
  return read({
    step: rows.map((row) => valueAt(steps.step, row)),
    metrics: Object.fromEntries(
      wanted.map((name) => {
        const values = steps.metrics.get(name)?.curve.values ?? columnOf(new Float64Array(0));
        return [name, rows.map((row) => finite(valueAt(values, row)))];
      }),
    ),
    points: rows.length,
    of: to - from,
    evaluations: model.evaluations
      .slice(-mostRows)
      .map(({ step, name, checkpoint, greedy }) => ({ step, name, checkpoint, accuracy: greedy['accuracy'] })),
  });
}

/** Rollouts of a range of steps. What a model asked for may be anything: what is no choice is the usual one. */
export function findRolloutsAnswer({ index, model }: RunStore, asked: Asked): ToolAnswer {
  const list = listRollouts(index, model.attempts, {
    kind: 'rollouts',
    request: 0,
    run: 0,
    fromStep: wholeNumber(asked['fromStep'], 0),
    toStep: wholeNumber(asked['toStep'], Number.MAX_SAFE_INTEGER),
    upTo: null,
    sources: choice(asked['sources'], ['rollouts', 'demonstrations', 'evaluations']),
    filter: choice(asked['filter'], ['all', 'right', 'wrong', 'truncated']),
    text: typeof asked['text'] === 'string' ? asked['text'] : '',
    grouping: 'none',
    sort: choice(asked['sort'], ['step', 'prompt', 'reward', 'advantage', 'tokens', 'entropy']),
    descending: asked['descending'] !== false,
  });
  if (list.kind === 'broken') return list;
  const rows = [...list.value.rows.subarray(0, mostRows)].map((row) => {
    const { id, step, prompt, reward, advantage, tokens, entropy, correct, truncated, head } = rolloutRow(index, row);
    return { id, step, prompt, reward, advantage, tokens, entropy, correct, truncated, written_by_model: head };
  });
  return read({ counts: list.value.counts, rollouts: rows, shown: rows.length, of: list.value.rows.length });
}

/** One rollout: its figures, its text, and the tokens the model was least sure of. */
export async function traceAnswer(store: RunStore, id: string): Promise<ToolAnswer> {
  const { index } = store;
  const row = index.rowOfId.get(id);
  if (row === undefined) return broken(`The run has no rollout '${id}'.`);
  const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
  if (record.kind === 'broken') return record;
  const trace = traceOf(record.value, prompt.kind === 'read' ? rolloutText(prompt.value) : '');
  const response = trace.text.slice(trace.responseStart);
  const entropy = column(trace, 'entropy');
  const unsure = Array.from({ length: tokenCount(trace) }, (_, token) => token)
    .filter((token) => Number.isFinite(entropy?.[token]))
    .sort((a, b) => (entropy?.[b] ?? 0) - (entropy?.[a] ?? 0))
    .slice(0, mostTokens)
    .sort((a, b) => a - b);
  return read({
    id,
    kind: index.kinds[row],
    step: valueAt(index.numbers.step, row),
    correct: valueAt(index.correct, row) === 1,
    figures: Object.fromEntries(factsOfTrace(trace, index, row).map(({ name, value }) => [name, value])),
    prompt: trace.text.slice(0, Math.min(trace.responseStart, mostText)),
    written_by_model: response.slice(0, mostText),
    characters: response.length,
    highest_entropy: unsure.map((token) => ({
      position: token + 1,
      written_by_model: tokenText(trace, token),
      nats: finite(entropy?.[token] ?? NaN),
      logprob: finite(column(trace, 'logprob')?.[token] ?? NaN),
    })),
  });
}

/** Every metric at two steps, with the difference. */
export function compareStepsAnswer({ model }: RunStore, first: number, second: number): ToolAnswer {
  const { steps } = model;
  const rowOf = (step: number): number => {
    const row = countUpTo(steps.step, step) - 1;
    return valueAt(steps.step, row) === step ? row : -1;
  };
  const rows = [rowOf(first), rowOf(second)] as const;
  if (rows.includes(-1)) {
    const range = `${valueAt(steps.step, 0)}–${valueAt(steps.step, steps.step.length - 1)}`;
    return broken(`The run has no step ${rows[0] === -1 ? first : second}; it has steps ${range}.`);
  }
  const metrics = [...steps.metrics].map(([name, { curve }]) => {
    const [a, b] = [valueAt(curve.values, rows[0]), valueAt(curve.values, rows[1])];
    return [name, { before: finite(a), after: finite(b), difference: finite(b - a) }] as const;
  });
  return read({ before: first, after: second, metrics: Object.fromEntries(metrics) });
}

function choice<Value extends string>(value: unknown, choices: readonly [Value, ...Value[]]): Value {
  return choices.find((one) => one === value) ?? choices[0];
}

function wholeNumber(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : otherwise;
}

function evenly(from: number, to: number, most: number): number[] {
  const count = Math.min(most, Math.max(0, to - from));
  return Array.from({ length: count }, (_, place) =>
    Math.round(from + ((to - 1 - from) * place) / Math.max(1, count - 1)),
  );
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : null;
}
