import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { broken, read, type Read } from '../../../core/read';
import { recordOf, type PartedText } from '../../../core/spelledText';
import { sectionsOf } from '../../../core/traceSections';
import { traceOf } from '../../../core/trace';
import { absentAsUndefined } from '../../runs/tail';
import type { TextPlace } from './traceAddress';
import type { OpenTrace } from './traceLibrary';

/** A text as a checkpoint was asked about it. */
export interface ScoredText extends PartedText {
  /** Of the document it came from. */
  readonly name: string;
  /** Of the checkpoint, as a person knows it. */
  readonly checkpoint: string;
}

/** So many texts are kept; of more, those that were scored longest ago go. */
const mostKept = 200;

/** Keep a text, so that its document is there after a reload. `folder` is the extension's own. */
export async function keepText(folder: string, place: TextPlace, text: ScoredText): Promise<void> {
  await mkdir(folder, { recursive: true });
  const aside = join(folder, `${randomUUID()}.aside`);
  await writeFile(aside, JSON.stringify(storedOf(text)), { flag: 'wx' });
  await rename(aside, fileOf(folder, place));
  const kept = await Promise.all((await readdir(folder)).map((name) => timed(join(folder, name))));
  kept.sort((one, other) => other.changedMs - one.changedMs);
  for (const { path } of kept.slice(mostKept)) await rm(path, { force: true });
}

/** The document of a text that was kept. */
export async function readOfText(folder: string, place: TextPlace): Promise<Read<OpenTrace>> {
  const bytes = await absentAsUndefined(readFile(fileOf(folder, place), 'utf8'));
  const text = bytes === undefined ? undefined : textOf(bytes);
  if (text === undefined) {
    return broken('The text of this document is not kept any more: open its file and choose SRFT: Score This Text.');
  }
  const { name, checkpoint, promptIds, prompt, record } = text;
  const trace = traceOf(record, prompt);
  return read({
    origin: { kind: 'text', name, checkpoint, promptIds },
    trace,
    overlays: [],
    sections: sectionsOf(trace.text, trace.responseStart),
    scores: [],
  });
}

interface StoredText {
  readonly name: string;
  readonly checkpoint: string;
  readonly prompt: string;
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly lengths: readonly number[];
  /** In Base64: a token may be a part of a character. */
  readonly bytes: string;
}

function storedOf({ name, checkpoint, prompt, promptIds, record }: ScoredText): StoredText {
  return {
    name,
    checkpoint,
    prompt,
    promptIds: [...promptIds],
    ids: [...(record.columns.get('id')?.values ?? [])],
    lengths: [...(record.columns.get('byte_length')?.values ?? [])],
    bytes: Buffer.from(record.text).toString('base64'),
  };
}

/** Undefined for a file that another program changed. */
function textOf(content: string): ScoredText | undefined {
  const stored = parsed(content);
  if (!isStored(stored)) return undefined;
  const { name, checkpoint, prompt, promptIds, ids, lengths, bytes } = stored;
  const spelled = {
    ids: Int32Array.from(ids),
    lengths: Int32Array.from(lengths),
    bytes: new Uint8Array(Buffer.from(bytes, 'base64')),
  };
  return { name, checkpoint, prompt, promptIds: Int32Array.from(promptIds), record: recordOf(spelled) };
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    // What is no JSON is no text that was kept.
    return undefined;
  }
}

function isStored(value: unknown): value is StoredText {
  if (typeof value !== 'object' || value === null) return false;
  const stored = value as Readonly<Record<string, unknown>>;
  return (
    ['name', 'checkpoint', 'prompt', 'bytes'].every((key) => typeof stored[key] === 'string') &&
    ['promptIds', 'ids', 'lengths'].every((key) => isNumbers(stored[key]))
  );
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
}

function fileOf(folder: string, { text, checkpoint }: TextPlace): string {
  return join(folder, `${text}-${checkpoint}.json`);
}

async function timed(path: string): Promise<{ readonly path: string; readonly changedMs: number }> {
  const facts = await absentAsUndefined(stat(path));
  return { path, changedMs: facts?.mtimeMs ?? 0 };
}
