import { window, workspace, type Uri } from 'vscode';
import { valueAt } from '../../../core/columns';
import { overlaysOfScores, temperatureWords, type Recorded } from '../../../core/scoreOverlays';
import { isOfScores, placedScores, scorePrefix, withScores, type TraceScores } from '../../../core/traceScores';
import { formatCount } from '../../../core/format';
import { visibleWords } from '../../../core/visibleWords';
import type { Scores } from '../../checkpoints/languageModel';
import { CheckpointProblem } from '../../inference/problem';
import type { RunOrigin, OpenTrace } from '../traces/traceLibrary';
import { foundPlace, keptPlace, pickPlace, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';
import type { CheckpointParts } from './index';
import { tokensOfTrace, type TokensOfTrace } from './tokensOfTrace';

/** Asks which checkpoint, and shows what it says of every token of the trace in front. */
export async function scoreTrace(parts: CheckpointParts, service: CheckpointService): Promise<void> {
  const { active } = parts.traces.editors;
  if (active === undefined) {
    void window.showInformationMessage('Open a trace first: choose a rollout in a run’s panel.');
    return;
  }
  const { open, editor } = active;
  const run = open.origin.kind === 'run' ? open.origin.run : undefined;
  const place = await pickPlace(parts.library, run, 'Score the trace with which checkpoint?', lastPlace(parts));
  if (place !== undefined) await scoreDocument(parts, service, editor.document.uri, place);
}

/** The checkpoint that was asked last, anywhere. */
export function lastPlace({ traces, library }: CheckpointParts): CheckpointPlace | undefined {
  const { last } = traces.scored;
  return last === undefined ? undefined : foundPlace(library, last);
}

/** Asks a checkpoint about an open document, and shows what it says. */
export async function scoreDocument(
  parts: CheckpointParts,
  service: CheckpointService,
  uri: Uri,
  place: CheckpointPlace,
): Promise<void> {
  const { library, scored, editors } = parts.traces;
  const open = library.ofUri(uri);
  if (open === undefined) return;
  const scores = await service.withProgress(`Scoring under ${visibleWords(place.name)}`, async (signal, tell) => {
    const tokens = await tokensOfTrace(service, place, open);
    const asking = askingOf(open, tokens);
    refuseLength(tokens.ids, place);
    const count = tokens.ids.length - asking.from;
    const onProgress = (done: number): void => {
      tell(done, count);
    };
    const answered = await service.score(place, tokens.ids, { ...asking, signal, onProgress });
    return show(service, { parts, uri, open, place, tokens, answered, temperature: asking.temperature });
  });
  if (scores === undefined) return;
  await scored.add(uri, keptPlace(place));
  await editors.choose(firstOverlay(scores, open));
}

/** Shows again under which checkpoints a document was scored, as far as that is stored. No model is loaded. */
export async function restoreScores(parts: CheckpointParts, service: CheckpointService, uri: Uri): Promise<void> {
  // What a workspace that is not trusted names is not read.
  if (!workspace.isTrusted) return;
  const { library, scored } = parts.traces;
  for (const kept of scored.of(uri)) {
    const place = foundPlace(parts.library, kept);
    const open = library.ofUri(uri);
    if (open === undefined) return;
    try {
      if (!(await service.canOpen(place))) continue;
      const tokens = await tokensOfTrace(service, place, open);
      const { from, temperature } = askingOf(open, tokens);
      const answered = await service.known(place, tokens.ids, from, temperature);
      if (answered !== undefined) await show(service, { parts, uri, open, place, tokens, answered, temperature });
    } catch (error) {
      if (!(error instanceof CheckpointProblem)) throw error;
      parts.log.info(`Scores of ${uri.path} are not shown again: ${error.message}`);
    }
  }
}

/** Tokens of a text that a checkpoint is asked about at most. */
const mostTokens = 65_536;

/** Nothing comes before a first token; and a very long text would keep the machine busy for hours. */
export function refuseLength(ids: Int32Array, { name }: CheckpointPlace): void {
  if (ids.length < 2) throw new CheckpointProblem('the text has less than two tokens', name, 'choose a longer text');
  if (ids.length <= mostTokens) return;
  throw new CheckpointProblem(
    `the text has ${formatCount(ids.length)} tokens with its context, and at most ${formatCount(mostTokens)} are scored`,
    name,
    'copy a part of it into a file of its own',
  );
}

interface Answer {
  readonly parts: CheckpointParts;
  readonly uri: Uri;
  /** The document as it was when the checkpoint was asked. */
  readonly open: OpenTrace;
  readonly place: CheckpointPlace;
  readonly tokens: TokensOfTrace;
  readonly answered: Scores;
  readonly temperature: number;
}

/** Put what a checkpoint said to the document, if that is still open and the same. */
async function show(service: CheckpointService, answer: Answer): Promise<TraceScores> {
  const { parts, uri, open, place, tokens, answered, temperature } = answer;
  const unique = Int32Array.from(new Set(answered.topIds));
  const { bytes, lengths } = await service.ask(place, { kind: 'bytes', ids: unique });
  const spelled = new Map<number, Uint8Array>();
  let at = 0;
  unique.forEach((id, index) => {
    const length = lengths[index] ?? 0;
    spelled.set(id, bytes.subarray(at, at + length));
    at += length;
  });
  const now = parts.traces.library.ofUri(uri);
  const scores: TraceScores = {
    key: place.folder,
    name: nameAmong(now?.scores ?? [], place, parts),
    step: place.step,
    temperature,
    ...placedScores(answered, tokens.ids.length - tokens.prompt),
    spelled,
  };
  if (now?.trace.text === open.trace.text) parts.traces.library.enrich(uri, enriched(now, tokens, scores));
  return scores;
}

/** Several runs have a step 60. */
function nameAmong(others: readonly TraceScores[], place: CheckpointPlace, { library }: CheckpointParts): string {
  const name = visibleWords(place.name);
  const hasTwin = others.some((other) => other.key !== place.folder && other.name === name);
  if (!hasTwin) return name;
  return visibleWords(`${name} of ${place.run === undefined ? place.folder : library.header(place.run).name}`);
}

function enriched(open: OpenTrace, { trace, isTokenised }: TokensOfTrace, added: TraceScores): OpenTrace {
  const scores = withScores(open.scores, added);
  const origin =
    open.origin.kind === 'file' && isTokenised
      ? { ...open.origin, missing: `Its tokens are those of the tokenizer of ${added.name}.` }
      : open.origin;
  return {
    ...open,
    origin,
    trace,
    scores,
    overlays: [
      ...open.overlays.filter(({ id }) => !isOfScores(id)),
      ...overlaysOfScores(trace, scores, recordedOf(open, added.temperature)),
    ],
  };
}

/** From the second token on where nothing stands before the first; at the temperature of what was recorded. */
function askingOf({ origin }: OpenTrace, { prompt }: TokensOfTrace): { from: number; temperature: number } {
  return { from: Math.max(1, prompt), temperature: origin.kind === 'run' ? temperatureOf(origin) : 1 };
}

/** Recorded figures are of logits / temperature; greedy ones of plain logits, those of demonstrations of the recipe's. */
function temperatureOf({ run, row }: RunOrigin): number {
  const own = valueAt(run.store.index.numbers.temperature, row);
  const { sampling } = run.store.manifest.recipe as { sampling?: { temperature?: unknown } };
  const ofRecipe = typeof sampling?.temperature === 'number' ? sampling.temperature : 1;
  const temperature = Number.isNaN(own) ? ofRecipe : own;
  return temperature > 0 ? temperature : 1;
}

function recordedOf({ origin }: OpenTrace, temperature: number): Recorded {
  if (origin.kind !== 'run') return { name: 'as written', unit: 'T = 1 and as the file has it' };
  const isGiven = origin.run.store.index.kinds[origin.row] === 'demonstration';
  return {
    name: isGiven ? 'as trained on' : 'as written',
    unit: temperatureWords(temperature),
  };
}

/** What a person asked for is shown at once: how it differs from what was recorded, or how much it surprises. */
function firstOverlay({ key }: TraceScores, { trace }: OpenTrace): string {
  return `${scorePrefix(key)}${trace.record.columns.has('logprob') ? 'difference/recorded' : 'surprise'}`;
}
