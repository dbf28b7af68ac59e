import { thinned } from '../../core/checkpointDifference';
import { valueAt } from '../../core/columns';
import { formatCount } from '../../core/format';
import { addressAt, isCurrent } from '../../core/rolloutIndex';
import { traceOf, type Trace } from '../../core/trace';
import { rowsOfGroup } from './groupMessage';
import type { RunStore } from './runStore';

/** Rows of a run that checkpoints can be asked about together. */
export interface RowSet {
  /** `trace`, `group`, `probes`, `demonstrations`, `evaluations 12`, `rollouts 12`. */
  readonly key: string;
  readonly label: string;
  /** Those whose tokens were kept. */
  readonly rows: readonly number[];
}

/** One sequence with its tokens, prompt first. */
export interface WholeSequence {
  readonly id: string;
  readonly label: string;
  readonly step: number;
  readonly prompt: string;
  readonly verdict: 'right' | 'wrong' | 'given';
  /** The response by itself. */
  readonly trace: Trace;
  /** Tokens of the prompt and then of the response. */
  readonly ids: Int32Array;
  readonly promptTokens: number;
}

/** Sequences that were read, and sentences on those that were not. */
export interface ReadSequences {
  readonly sequences: readonly WholeSequence[];
  readonly notes: readonly string[];
}

/** What a set is cut to: tokens count prompts too. */
export interface SequenceLimits {
  readonly sequences: number;
  readonly tokens: number;
}

/** The sets of a run: those of the rollout in front, if there is one, then the newest first; `steps` are further steps. */
export function rowSets(store: RunStore, front: number | undefined, steps: readonly number[] = []): RowSet[] {
  const { probes, demonstrations, evaluations, rollouts } = keptRows(store);
  const kept = (rows: readonly number[]): number[] => rows.filter((row) => addressAt(store.index, row) !== undefined);
  const last = lastStep(rollouts);
  const wanted = [...new Set([...steps, ...(last === undefined ? [] : [last])])];
  return [
    ...(front === undefined
      ? []
      : [
          { key: 'trace', label: 'this trace', rows: kept([front]) },
          // What a person looked at comes first.
          {
            key: 'group',
            label: 'the group of this trace',
            rows: kept([...new Set([front, ...rowsOfGroup(store, front)])]),
          },
        ]),
    ...[lastStep(evaluations), firstStep(evaluations)]
      .filter((step, place, all) => all.indexOf(step) === place)
      .flatMap((step) => (step === undefined ? [] : [evaluationSet(step, evaluations.get(step) ?? [])])),
    ...wanted.map((step) => ({
      key: `rollouts ${step}`,
      label: `rollouts of step ${formatCount(step)}`,
      rows: rollouts.get(step) ?? [],
    })),
    { key: 'probes', label: 'probes', rows: probes },
    { key: 'demonstrations', label: 'demonstrations', rows: oneEachPrompt(store, demonstrations) },
  ].filter(({ rows }) => rows.length > 0);
}

/** What is compared on where nobody chose: evaluations of the last step that has some, else the last step. */
export function usualSet(sets: readonly RowSet[]): string | undefined {
  return ['group', 'evaluations', 'rollouts']
    .flatMap((kind) => sets.filter(({ key }) => key.split(' ')[0] === kind))
    .at(0)?.key;
}

/** Texts by which the path of a run is measured: what was given, what the base wrote, what the newest wrote. */
export function referenceSets(store: RunStore): RowSet[] {
  const { demonstrations, evaluations, rollouts } = keptRows(store);
  const ofBase = evaluations.get(0);
  const first = firstStep(rollouts);
  const last = lastStep(rollouts);
  const newest = last === undefined ? [] : (rollouts.get(last) ?? []);
  const right = newest.filter((row) => valueAt(store.index.correct, row) === 1);
  return [
    { key: 'demonstrations', label: 'demonstrations', rows: oneEachPrompt(store, demonstrations) },
    ofBase === undefined
      ? { key: 'base', label: `rollouts of step ${first ?? 0}`, rows: rollouts.get(first ?? 0) ?? [] }
      : { key: 'base', label: 'the base’s own answers', rows: ofBase },
    right.length > 0
      ? { key: 'newest', label: `right rollouts of step ${last ?? 0}`, rows: right }
      : { key: 'newest', label: `rollouts of step ${last ?? 0}`, rows: newest },
  ].filter(({ rows }) => rows.length > 0);
}

/** One row a probe: its first right answer, else its first; of problems held out where the recipe has no probes. */
export function probeRows(store: RunStore): { readonly isOfProbes: boolean; readonly rows: readonly number[] } {
  const { probes, evaluations } = keptRows(store);
  const isOfProbes = probes.length > 0;
  const last = lastStep(evaluations);
  const all = isOfProbes ? probes : last === undefined ? [] : (evaluations.get(last) ?? []);
  return { isOfProbes, rows: oneEachPrompt(store, all) };
}

/** Read the tokens of rows, evenly over all of them, as far as the limits go. */
export async function readSequences(
  store: RunStore,
  rows: readonly number[],
  limits: SequenceLimits,
): Promise<ReadSequences> {
  const sequences: WholeSequence[] = [];
  const chosen = thinned(rows, limits.sequences);
  const missing: string[] = [];
  let tokens = 0;
  for (const row of chosen) {
    const sequence = await readSequence(store, row);
    if (typeof sequence === 'string') {
      missing.push(sequence);
      continue;
    }
    if (sequences.length > 0 && tokens + sequence.ids.length > limits.tokens) break;
    tokens += sequence.ids.length;
    sequences.push(sequence);
  }
  const [reason] = missing;
  const cut = sequences.length + missing.length < rows.length;
  return {
    sequences,
    notes: [
      ...(cut ? [`${formatCount(sequences.length)} of ${formatCount(rows.length)} sequences are taken.`] : []),
      ...(reason === undefined ? [] : [`${formatCount(missing.length)} cannot be taken: ${reason}.`]),
    ],
  };
}

/** One row with its tokens, or why they cannot be asked about. */
async function readSequence(store: RunStore, row: number): Promise<WholeSequence | string> {
  const { index } = store;
  const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
  if (record.kind === 'broken') return record.reason;
  // Without its prompt nothing is known of what a response was an answer to.
  if (prompt.kind === 'broken') return prompt.reason;
  const ids = record.value.columns.get('id')?.values;
  const before = prompt.value.columns.get('id')?.values;
  if (ids === undefined || before === undefined) return 'the ids of its tokens were not kept';
  const trace = traceOf(record.value, '');
  if (trace.trouble !== null) return trace.trouble;
  if (ids.length === 0) return 'it has no tokens';
  const kind = index.kinds[row] ?? '';
  const given = kind === 'demonstration';
  const named = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
  return {
    id: index.ids[row] ?? '',
    label: given ? named : `${named} ${valueAt(index.numbers.index, row)}`,
    step: valueAt(index.numbers.step, row),
    prompt: index.promptIds[row] ?? '',
    verdict: given ? 'given' : valueAt(index.correct, row) === 1 ? 'right' : 'wrong',
    trace,
    ids: Int32Array.from([...before, ...ids]),
    promptTokens: before.length,
  };
}

interface KeptRows {
  readonly probes: number[];
  readonly demonstrations: number[];
  /** Greedy ones, by step. */
  readonly evaluations: Map<number, number[]>;
  /** What the policy wrote for training, by step. */
  readonly rollouts: Map<number, number[]>;
}

/** Rows whose tokens were kept and which no later attempt dropped, by what they are. */
function keptRows({ index, model: { attempts } }: RunStore): KeptRows {
  const kept: KeptRows = { probes: [], demonstrations: [], evaluations: new Map(), rollouts: new Map() };
  const mayBeDropped = attempts.length > 1;
  for (let row = 0; row < index.length; row += 1) {
    if (!((index.address.segment.values[row] ?? 0) > 0)) continue;
    if (mayBeDropped && !isCurrent(index, row, attempts)) continue;
    const kind = index.kinds[row];
    const step = index.numbers.step.values[row] ?? NaN;
    if (kind === 'probe') kept.probes.push(row);
    else if (kind === 'demonstration') kept.demonstrations.push(row);
    else if (kind === 'rollout' || kind === 'hybrid') addTo(kept.rollouts, step, row);
    else if (kind === 'evaluation' && index.numbers.temperature.values[row] === 0) addTo(kept.evaluations, step, row);
  }
  return kept;
}

function addTo(rows: Map<number, number[]>, step: number, row: number): void {
  const known = rows.get(step);
  if (known === undefined) rows.set(step, [row]);
  else known.push(row);
}

function evaluationSet(step: number, rows: readonly number[]): RowSet {
  const of = step === 0 ? 'of the base' : `of step ${formatCount(step)}`;
  return { key: `evaluations ${step}`, label: `greedy evaluations ${of}`, rows };
}

/** Of each problem the first row that is right, else the first. */
function oneEachPrompt({ index }: RunStore, rows: readonly number[]): number[] {
  const chosen = new Map<string, number>();
  for (const row of rows) {
    const prompt = index.promptIds[row] ?? '';
    const known = chosen.get(prompt);
    const isRight = (of: number): boolean => valueAt(index.correct, of) === 1;
    if (known === undefined || (!isRight(known) && isRight(row))) chosen.set(prompt, row);
  }
  return [...chosen.values()];
}

function firstStep(rows: ReadonlyMap<number, unknown>): number | undefined {
  return rows.size === 0 ? undefined : [...rows.keys()].reduce((least, step) => Math.min(least, step));
}

function lastStep(rows: ReadonlyMap<number, unknown>): number | undefined {
  return rows.size === 0 ? undefined : [...rows.keys()].reduce((most, step) => Math.max(most, step));
}
