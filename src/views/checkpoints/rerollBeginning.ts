import { window } from 'vscode';
import type { RolloutColumns } from '../../../core/rolloutColumns';
import { tokenOffsets } from '../../../core/rolloutColumns';
import type { RecordToken } from '../../../core/rerolls';
import type { Sampling } from '../../inference/sampling';
import type { RunWatch } from '../../runs/runWatch';
import type { TraceFeatures } from '../traces/index';
import { sectionOf } from '../traces/judgeQuestion';
import { isAddress, isRerollPlace, type TraceAddress } from '../traces/traceAddress';
import { tokenAtPosition } from '../traces/traceHover';

/** From where a checkpoint is to go on. T tokens are written. */
export interface Beginning {
  readonly run: RunWatch;
  /** Of the rollout whose group this is. */
  readonly row: number;
  readonly address: TraceAddress;
  /** [P] of the prompt, at least one. */
  readonly prompt: Int32Array;
  /** What they spell. */
  readonly promptBytes: Uint8Array;
  readonly record: RolloutColumns;
  /** [T] of the response. */
  readonly ids: Int32Array;
  /** The token in whose place something else may stand. */
  readonly token: number;
}

/** How the recipe samples rollouts. */
export interface RecipeSampling extends Sampling {
  readonly maxTokens: number;
}

/** What a command was called on, else the trace in front at its cursor; says why where there is none. */
export async function beginningOf(
  traces: TraceFeatures,
  target: unknown,
  token: unknown,
): Promise<Beginning | undefined> {
  const place = isAddress(target) ? await placeOf(traces, target, token) : placeInFront(traces);
  if (typeof place === 'string') {
    void window.showInformationMessage(place);
    return undefined;
  }
  const { run, row, record } = place;
  const prompt = await run.store.readPrompt(row);
  const promptIds = prompt.kind === 'read' ? idsOf(prompt.value) : undefined;
  const ids = idsOf(record);
  const isKept = promptIds !== undefined && promptIds.length > 0 && ids !== undefined && ids.length > 0;
  if (!isKept || prompt.kind === 'broken') {
    void window.showInformationMessage('The tokens of this rollout were not kept, so nothing can go on from them.');
    return undefined;
  }
  const promptBytes = prompt.value.text;
  return { ...place, prompt: promptIds, promptBytes, ids, token: Math.min(place.token, ids.length - 1) };
}

/** The first tokens of a record with figures of a checkpoint, `logProb` and `entropy` being those of each. */
export function tokensOf(
  record: RolloutColumns,
  count: number,
  { logProb, entropy }: { readonly logProb: Float32Array; readonly entropy: Float32Array },
): RecordToken[] {
  const offsets = tokenOffsets(record);
  const ids = idsOf(record);
  return Array.from({ length: count }, (_, token) => ({
    id: ids?.[token] ?? 0,
    logProb: logProb[token] ?? NaN,
    entropy: entropy[token] ?? NaN,
    bytes:
      offsets.kind === 'read' ? record.text.slice(offsets.value[token], offsets.value[token + 1]) : new Uint8Array(0),
  }));
}

/** The recipe in run.json is whole: every default stands in it. */
export function samplingOf(run: RunWatch): RecipeSampling {
  const section = sectionOf(run.store.manifest.recipe, 'rollouts');
  const number = (name: string, otherwise: number): number => {
    const value = section[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
  };
  return {
    temperature: number('temperature', 1),
    topK: number('top_k', 0),
    topP: number('top_p', 1),
    minP: number('min_p', 0),
    maxTokens: number('max_tokens', 1024),
  };
}

/** Settings that differ from sampling from all there is, in words. */
export function samplingWords({ temperature, topK, topP, minP }: Sampling): string {
  return [
    temperature === 0 ? 'greedy' : `temperature ${temperature}`,
    ...(topK > 0 ? [`top-k ${topK}`] : []),
    ...(topP < 1 ? [`top-p ${topP}`] : []),
    ...(minP > 0 ? [`min-p ${minP}`] : []),
  ].join(', ');
}

type Place = Omit<Beginning, 'prompt' | 'promptBytes' | 'ids'>;

async function placeOf(traces: TraceFeatures, target: TraceAddress, token: unknown): Promise<Place | string> {
  const found = await traces.library.find(target);
  if (found.kind === 'broken') return found.reason;
  const { run, row } = found.value;
  const at = typeof token === 'number' && Number.isSafeInteger(token) && token >= 0 ? token : 0;
  const address = { runId: target.runId, id: target.id };
  if (isRerollPlace(target)) {
    const reroll = traces.library.rerollOf(run, row, target.number);
    if (reroll === undefined) return 'This re-roll was forgotten.';
    return { run, row, address, record: reroll.record, token: at };
  }
  const record = await run.store.readRollout(row);
  return record.kind === 'broken' ? `${record.reason}.` : { run, row, address, record: record.value, token: at };
}

function placeInFront({ editors }: TraceFeatures): Place | string {
  const { active } = editors;
  if (active === undefined) return 'Open a trace first: choose a rollout in a run’s panel.';
  const { editor, open } = active;
  const { origin, trace } = open;
  if (origin.kind === 'file' || origin.kind === 'text')
    return 'This trace is no rollout of a run; open one: choose it in a run’s panel.';
  const token = tokenAtPosition(open, editor.selection.start);
  if (token === -1) return 'Put the cursor on a token of the response: what stands there is chosen anew.';
  return { run: origin.run, row: origin.row, address: origin.address, record: trace.record, token };
}

function idsOf(record: RolloutColumns): Int32Array | undefined {
  const ids = record.columns.get('id')?.values;
  return ids === undefined ? undefined : Int32Array.from(ids);
}
