import { Uri } from 'vscode';

/** Names one rollout wherever its run lies. */
export interface TraceAddress {
  readonly runId: string;
  /** Id of the rollout within its run. */
  readonly id: string;
}

/** Offsets within the response, in UTF-16 units. */
export interface TraceRange {
  readonly from: number;
  readonly to: number;
}

/** Scheme of the documents that show traces. */
export const traceScheme = 'srft-trace';

/** Scheme of the documents in which a trace is made a demonstration. */
export const draftScheme = 'srft-draft';

/** What of a rollout stands in the path of its document: tabs and breadcrumbs show it, nothing reads it. */
export interface TraceNames {
  readonly run: string;
  readonly step: number;
  readonly prompt: string;
  readonly rollout: string;
}

/** The document of a rollout. */
export function uriOf({ runId, id }: TraceAddress, { run, step, prompt, rollout }: TraceNames): Uri {
  const path = [run, `step ${step}`, `${prompt} · ${rollout}`].map(segment).join('/');
  return Uri.from({ scheme: traceScheme, path: `/${path}`, query: queryOf({ runId, id }) });
}

/** The draft of the document of a trace. */
export function draftUriOf(trace: Uri): Uri {
  return trace.with({ scheme: draftScheme, path: `${trace.path} (draft)` });
}

/** The rollout of a document, or of a link that was copied; undefined for anything else. */
export function addressOf(uri: Uri): TraceAddress | undefined {
  const values = new URLSearchParams(uri.query);
  const runId = values.get('run');
  const id = values.get('rollout');
  return runId === null || id === null || !/^[0-9a-f]{32}$/.test(runId) ? undefined : { runId, id };
}

/** A line of a file that another program wrote. */
export interface FilePlace {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
}

/** The document of a line of a file. */
export function uriOfFilePlace({ path, line }: FilePlace): Uri {
  const name = path.split(/[\\/]/).at(-1) ?? '';
  const query = new URLSearchParams({ file: path, line: `${line}` }).toString();
  return Uri.from({ scheme: traceScheme, path: `/${segment(name)}/line ${line}`, query });
}

/** The line of a document that shows one. */
export function filePlaceOf(uri: Uri): FilePlace | undefined {
  const values = new URLSearchParams(uri.query);
  const path = values.get('file');
  const line = Number(values.get('line'));
  return path === null || !Number.isSafeInteger(line) || line < 1 ? undefined : { path, line };
}

/** A text that a checkpoint was asked about: hexadecimal SHA-256 of the text, and the checkpoint's hash. */
export interface TextPlace {
  readonly text: string;
  readonly checkpoint: string;
}

/** The document of a text that was scored; `name` and `checkpoint` are for people. */
export function uriOfTextPlace(place: TextPlace, names: { readonly name: string; readonly checkpoint: string }): Uri {
  const query = new URLSearchParams({ ...place }).toString();
  const path = `/${segment(`${names.name} · ${names.checkpoint}`)}`;
  return Uri.from({ scheme: traceScheme, path, query });
}

/** The text of a document that shows one. */
export function textPlaceOf(uri: Uri): TextPlace | undefined {
  const values = new URLSearchParams(uri.query);
  const [text, checkpoint] = [values.get('text') ?? '', values.get('checkpoint') ?? ''];
  return sha256.test(text) && sha256.test(checkpoint) ? { text, checkpoint } : undefined;
}

/** A link that opens the trace in this editor, wherever it is pasted. `extension` is the extension's id. */
export function linkOf(address: TraceAddress, editor: string, extension: string): string {
  return `${editor}://${extension}/trace?${queryOf(address)}`;
}

/** The address in a text that somebody pasted: a link, the address of a document, or nothing. */
export function pastedAddress(text: string): TraceAddress | undefined {
  try {
    return addressOf(Uri.parse(text.trim(), true));
  } catch {
    // What is no address at all is not one of a trace.
    return undefined;
  }
}

/** Is something that a command was called with the address of a trace? */
export function isAddress(value: unknown): value is TraceAddress {
  return (
    typeof value === 'object' &&
    value !== null &&
    'runId' in value &&
    'id' in value &&
    typeof value.runId === 'string' &&
    typeof value.id === 'string'
  );
}

/** Is something that a command was called with a range of a response? */
export function isRange(value: unknown): value is TraceRange {
  return (
    typeof value === 'object' &&
    value !== null &&
    'from' in value &&
    'to' in value &&
    typeof value.from === 'number' &&
    typeof value.to === 'number'
  );
}

const sha256 = /^[0-9a-f]{64}$/;

function queryOf({ runId, id }: TraceAddress): string {
  return new URLSearchParams({ run: runId, rollout: id }).toString();
}

/** A name may hold anything; within a path it is one segment. */
function segment(name: string): string {
  const words = name.replaceAll(/[/\\\p{Cc}\p{Cf}]/gu, ' ').slice(0, 80);
  return /^\.*$/.test(words.trim()) ? `_${words}` : words;
}
