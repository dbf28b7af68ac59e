import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHeader, encodeSequence } from '../../../src/cli/recordWriter';
import type { Address } from '../../../core/generated/wire';
import { columns, step, writeRun } from '../../unit/support/writtenRun';
import { hiding, markup } from './hostileRun';

/** Text in scripts that join, turn round and stack their characters. */
export const scripts = 'שלום עולם e\u0301\u0302 नमस्ते 👩‍👩‍👧 مرحبا';

/** Columns that a later release might write: no log-prob, and one that is unknown here. */
const otherColumns = [...columns.slice(0, 3), { name: 'mystery', dtype: 'f32', unit: null, per: 'token' } as const];

/** Writes a run whose records are what goes wrong with files, and what models write. Ids say which is which. */
export async function writeOddRun(workspace: string): Promise<string> {
  const directory = join(workspace, 'runs', 'odd');
  mkdirSync(directory, { recursive: true });
  const extra = { id: 'whole', prompt_id: 'whole' };
  await writeRun(directory, {
    events: [],
    rows: [{ id: 'a1-s1-g0-0', kind: 'rollout', text: 'whole', correct: true, extra }],
  });
  const rollouts = join(directory, 'rollouts');
  const first = join(rollouts, '000001.seg');
  const put = (id: string, words: readonly string[]): Address => {
    const address = appendRecord(first, 1, columns, words);
    appendLine(rollouts, id, words.length, address);
    return address;
  };
  const damaged = put('damaged', ['some', ' words']);
  const bytes = readFileSync(first);
  bytes[damaged.offset + 40] = (bytes[damaged.offset + 40] ?? 0) ^ 1;
  writeFileSync(first, bytes);
  put('markup', [markup, hiding]);
  put(
    'scripts',
    scripts.split(' ').map((word) => `${word} `),
  );
  put(
    'long',
    Array.from({ length: 100_000 }, (_, token) => `${token % 12 === 11 ? '\n' : ' '}w${token}`),
  );
  put(
    'one-line',
    Array.from({ length: 1000 }, () => 'L'.repeat(1000)),
  );
  const last = appendRecord(first, 1, columns, ['cut', ' off']);
  appendLine(rollouts, 'torn', 2, { ...last, length: last.length + 64 });
  const other = join(rollouts, '000002.seg');
  writeFileSync(other, encodeHeader(otherColumns));
  appendLine(rollouts, 'other', 2, appendRecord(other, 2, otherColumns, ['of a later', ' release']));
  const gone = join(rollouts, '000003.seg');
  writeFileSync(gone, encodeHeader(columns));
  appendLine(rollouts, 'gone', 1, appendRecord(gone, 3, columns, ['not there']));
  rmSync(gone);
  const index_bytes = statSync(join(rollouts, 'index.jsonl')).size;
  const events = [
    { kind: 'started', attempt: 1, steps: 1 },
    { ...step(1), index_bytes },
    { kind: 'ended', step: 1, end: { kind: 'finished' } },
  ].map((event, seq) => `${JSON.stringify({ seq, time: 1000 + seq, ...event })}\n`);
  writeFileSync(join(directory, 'events.jsonl'), events.join(''));
  return directory;
}

function appendRecord(file: string, segment: number, of: typeof columns, words: readonly string[]): Address {
  const numbers = words.map((_, number) => number);
  const tokenBytes = words.map((word) => new TextEncoder().encode(word));
  const values = Object.fromEntries(['id', 'logprob', 'mystery'].map((name) => [name, numbers]));
  const bytes = encodeSequence(of, { kind: 2, tokenBytes, values });
  const { size: offset } = statSync(file);
  appendFileSync(file, bytes);
  return { segment, offset, length: bytes.length };
}

function appendLine(rollouts: string, id: string, tokens: number, address: Address): void {
  const index = join(rollouts, 'index.jsonl');
  const [first = ''] = readFileSync(index, 'utf8').split('\n');
  const line = { ...(JSON.parse(first) as object), id, prompt_id: id, group: tokens, tokens, address };
  appendFileSync(index, `${JSON.stringify(line)}\n`);
}
