import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { window, workspace, type QuickPickItem, type Uri } from 'vscode';
import { formatCount } from '../../../core/format';
import { readForeignTrace } from '../../../core/foreignTraces';
import { broken, read, type Read } from '../../../core/read';
import { overlaysOf } from '../../../core/traceOverlays';
import { sectionsOf } from '../../../core/traceSections';
import { traceOf } from '../../../core/trace';
import { visibleWords } from '../../../core/visibleWords';
import { uriOfFilePlace, type FilePlace } from './traceAddress';
import type { OpenTrace } from './traceLibrary';

/** So many lines are offered; a person who looks for one farther down searches the file. */
const mostLines = 5000;
const mostBytes = 1e9;
const headCharacters = 120;

/** Ask for a JSONL that another program wrote, and for a line of it; show that as a trace. */
export async function openForeignTraces(target: Uri | undefined): Promise<void> {
  const file = target?.fsPath ?? (await pickFile());
  if (file === undefined) return;
  const lines = await readLines(file);
  if (lines.kind === 'broken') {
    void window.showWarningMessage(lines.reason);
    return;
  }
  const items = lines.value.items;
  const title = `Traces of ${basename(file)}${lines.value.more ? `, the first ${formatCount(mostLines)} lines` : ''}`;
  const picked = items.length === 1 ? items[0] : await window.showQuickPick(items, { title, matchOnDetail: true });
  if (picked === undefined) return;
  const document = await workspace.openTextDocument(uriOfFilePlace({ path: file, line: picked.line }));
  await window.showTextDocument(document, { preview: true });
}

/** The trace of one line. */
export async function readOfFile(place: FilePlace): Promise<Read<OpenTrace>> {
  const line = await lineOf(place);
  if (line.kind === 'broken') return line;
  const found = readForeignTrace(line.value);
  if (found.kind === 'broken') return broken(`${place.path}, line ${place.line}: ${found.reason}.`);
  const { prompt, record, facts, missing } = found.value;
  const trace = traceOf(record, prompt);
  return read({
    origin: { kind: 'file', place, facts, missing },
    trace,
    overlays: overlaysOf(trace, NaN),
    sections: sectionsOf(trace.text, trace.responseStart),
    scores: [],
  });
}

interface LineItem extends QuickPickItem {
  readonly line: number;
}

async function readLines(file: string): Promise<Read<{ items: LineItem[]; more: boolean }>> {
  const items: LineItem[] = [];
  let number = 0;
  let firstFault = '';
  try {
    if ((await stat(file)).size > mostBytes) return broken(`${file} is larger than 1 GB; cut it into smaller files.`);
    for await (const line of linesOf(file)) {
      number += 1;
      if (line.trim() === '') continue;
      if (items.length === mostLines) return read({ items, more: true });
      const found = readForeignTrace(line);
      if (found.kind === 'broken') firstFault ||= `line ${number}: ${found.reason}`;
      else {
        const { record, facts } = found.value;
        items.push({
          line: number,
          label: `line ${number}`,
          description: facts.map(({ name, value }) => `${name} ${visibleWords(value)}`).join(', '),
          detail: visibleWords(new TextDecoder().decode(record.text.subarray(0, headCharacters))),
        });
      }
    }
  } catch (error) {
    return broken(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return items.length === 0 ? broken(`${file} has no traces. ${firstFault}`) : read({ items, more: false });
}

async function lineOf({ path, line }: FilePlace): Promise<Read<string>> {
  let number = 0;
  try {
    for await (const text of linesOf(path)) {
      number += 1;
      if (number === line) return read(text);
    }
  } catch (error) {
    return broken(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return broken(`${path} has no line ${line} any more.`);
}

function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
}

async function pickFile(): Promise<string | undefined> {
  const chosen = await window.showOpenDialog({
    title: 'Traces that another program wrote',
    filters: { 'JSON lines': ['jsonl', 'json', 'ndjson'] },
  });
  return chosen?.[0]?.fsPath;
}
