import { rolloutText } from '../../../core/rolloutColumns';
import { recordOf, spells, withoutEnd, type Spelled } from '../../../core/spelledText';
import { traceOf, type Trace } from '../../../core/trace';
import { encodeUtf8 } from '../../../core/utf8';
import { CheckpointProblem } from '../../inference/problem';
import type { OpenTrace } from '../traces/traceLibrary';
import type { CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';

/** A trace in tokens of a checkpoint. */
export interface TokensOfTrace {
  /** Of prompt and response. */
  readonly ids: Int32Array;
  /** Number of the prompt's. */
  readonly prompt: number;
  /** The trace itself; with tokens where it had none. */
  readonly trace: Trace;
  /** Whether the checkpoint's tokenizer made them; the trace's own otherwise. */
  readonly isTokenised: boolean;
}

/** The tokens that a checkpoint is asked about. Raises a CheckpointProblem where its tokens are others. */
export async function tokensOfTrace(
  service: CheckpointService,
  place: CheckpointPlace,
  open: OpenTrace,
): Promise<TokensOfTrace> {
  const own = await ownTokens(open);
  return own === undefined ? tokenised(service, place, open) : checked(service, place, open.trace, own);
}

/** The text before a token is what the tokenizer puts before a whole text and the text; nothing stands behind it. */
export async function encodedStart(
  service: CheckpointService,
  place: CheckpointPlace,
  text: string,
): Promise<ReturnType<typeof withoutEnd>> {
  const whole = await service.ask(place, { kind: 'encode', text, special: true });
  const plain = await service.ask(place, { kind: 'encode', text, special: false });
  return withoutEnd(whole, plain);
}

interface OwnTokens {
  readonly promptIds: Int32Array;
  readonly prompt: Uint8Array;
  readonly ids: Int32Array;
}

async function ownTokens({ origin, trace }: OpenTrace): Promise<OwnTokens | undefined> {
  const ids = trace.record.columns.get('id')?.values;
  if (ids === undefined || origin.kind === 'file') return undefined;
  const own = { ids: Int32Array.from(ids), prompt: encodeUtf8(trace.text.slice(0, trace.responseStart)) };
  if (origin.kind === 'text') return { ...own, promptIds: origin.promptIds };
  const prompt = await origin.run.store.readPrompt(origin.row);
  const promptIds = prompt.kind === 'read' ? prompt.value.columns.get('id')?.values : undefined;
  if (prompt.kind === 'broken' || promptIds === undefined) return undefined;
  return { ...own, promptIds: Int32Array.from(promptIds), prompt: prompt.value.text };
}

/** Ids say nothing of the tokenizer they came from; the bytes they spell do. */
async function checked(
  service: CheckpointService,
  place: CheckpointPlace,
  trace: Trace,
  { promptIds, prompt, ids }: OwnTokens,
): Promise<TokensOfTrace> {
  const [before, after] = await Promise.all([
    service.ask(place, { kind: 'bytes', ids: promptIds }),
    service.ask(place, { kind: 'bytes', ids }),
  ]);
  const lengths = trace.record.columns.get('byte_length')?.values;
  if (!spells(before, prompt) || !spells(after, trace.record.text, lengths)) throw otherTokens(place);
  const all = new Int32Array(promptIds.length + ids.length);
  all.set(promptIds);
  all.set(ids, promptIds.length);
  return { ids: all, prompt: promptIds.length, trace, isTokenised: false };
}

/** Prompt and response are tokenised by themselves, as they are in training. */
async function tokenised(
  service: CheckpointService,
  place: CheckpointPlace,
  { trace }: OpenTrace,
): Promise<TokensOfTrace> {
  const prompt = trace.text.slice(0, trace.responseStart);
  const [{ text: before }, after] = await Promise.all([
    encodedStart(service, place, prompt),
    service.ask(place, { kind: 'encode', text: rolloutText(trace.record), special: false }),
  ]);
  const lengths = trace.record.tokens === 0 ? undefined : trace.record.columns.get('byte_length')?.values;
  if (!spells(after, trace.record.text, lengths)) throw otherTokens(place);
  const ids = new Int32Array(before.ids.length + after.ids.length);
  ids.set(before.ids);
  ids.set(after.ids, before.ids.length);
  return { ids, prompt: before.ids.length, trace: withTokens(trace, after, prompt), isTokenised: true };
}

/** What was recorded of tokens stays. */
function withTokens(trace: Trace, tokens: Spelled, prompt: string): Trace {
  const made = recordOf(tokens);
  return traceOf({ ...made, columns: new Map([...trace.record.columns, ...made.columns]) }, prompt);
}

function otherTokens({ folder }: CheckpointPlace): CheckpointProblem {
  return new CheckpointProblem(
    'its tokenizer makes other tokens than this trace has',
    folder,
    'choose a checkpoint with the same tokenizer',
  );
}
