import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSequence } from '../../../src/cli/recordWriter';
import { columns, evaluation, step, writeRun } from '../../unit/support/writtenRun';

/** What would run, load or lead somewhere, where a page took it for markup. */
export const markup =
  '<img src=x onerror="globalThis.srftHacked=1"><script>globalThis.srftHacked=1</script><svg onload=alert(1)>' +
  '<a href="javascript:alert(1)">a</a> [b](command:workbench.action.quit) [c](javascript:alert(1)) ![d](https://example.invalid/d.png)';

/** What would hide or reorder other characters, or colour a terminal. */
export const hiding = 'x\u001b[31mred\u001b[0m \u202Egnp.exe\u202C zero\u200Bwidth\uFEFF\u2066 back\b\u0000';

const hostile = `${markup} ${hiding}`;

/** Writes a run in which every text that a model, a file or a trainer supplies is hostile. The folder's name is, too. */
export async function writeHostileRun(workspace: string): Promise<string> {
  const directory = join(workspace, 'runs', '<img src=x onerror=globalThis.srftHacked=1> \u202Egnp');
  mkdirSync(directory, { recursive: true });
  const extra = { head: hostile, note: hostile, prompt_id: hostile };
  const rows = [0, 1, 2, 3].map((index) => ({
    id: `a1-s1-g0-${index}`,
    kind: 'rollout',
    text: index === 0 ? hostile : 'W'.repeat(1000),
    correct: index % 2 === 0,
    extra,
  }));
  await writeRun(directory, { events: [], rows });
  appendRow(directory, {
    id: 'a1-s1-g0-4',
    extra,
    tokens: [new Uint8Array([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]), text('bad bytes')],
  });
  appendRow(directory, { id: 'a1-s1-g0-5', extra, tokens: Array.from({ length: 1000 }, () => text('L'.repeat(1000))) });
  const index_bytes = statSync(join(directory, 'rollouts', 'index.jsonl')).size;
  const events = [
    { kind: 'started', attempt: 1, steps: 10 },
    { ...step(1), index_bytes },
    { ...step(2), index_bytes },
    { ...evaluation(2, 0.5), index_bytes },
    { kind: 'phase', step: 2, phase: hostile },
    { kind: 'notice', step: 2, name: hostile, message: hostile },
    {
      kind: 'checkpoint',
      step: 2,
      path: 'checkpoints/step-000002',
      bytes: 1,
      accuracy: 0.5,
      best: true,
      chosen_on: hostile,
      removed: [],
    },
    { kind: 'control', request: hostile, asked: hostile, outcome: 'refused', reason: hostile, step: 2 },
    { kind: hostile, step: 2 },
    { kind: 'ended', step: 2, end: { kind: 'failed', message: hostile } },
  ];
  const lines = events.map((event, seq) => `${JSON.stringify({ seq, time: 1000 + seq, ...event })}\n`);
  writeFileSync(join(directory, 'events.jsonl'), lines.join(''));
  change(directory, 'run.json', (manifest) => ({
    ...manifest,
    recipe: { name: hostile, [hostile]: { [hostile]: hostile } },
    device: { ...(manifest['device'] as object), name: hostile },
  }));
  change(directory, 'status.json', (status) => ({ ...status, host: hostile, stage: hostile }));
  writeFileSync(join(directory, 'trainer.log'), hostile);
  return directory;
}

/** A rollout whose tokens are these bytes, which need not be text. */
function appendRow(
  directory: string,
  { id, extra, tokens }: { readonly id: string; readonly extra: object; readonly tokens: readonly Uint8Array[] },
): void {
  const segment = join(directory, 'rollouts', '000001.seg');
  const numbers = tokens.map((_, number) => number);
  const bytes = encodeSequence(columns, { kind: 2, tokenBytes: tokens, values: { id: numbers, logprob: numbers } });
  const address = { segment: 1, offset: statSync(segment).size, length: bytes.length };
  appendFileSync(segment, bytes);
  const index = join(directory, 'rollouts', 'index.jsonl');
  const [first = ''] = readFileSync(index, 'utf8').split('\n');
  const number = Number(id.split('-').at(-1));
  const line = { ...(JSON.parse(first) as object), id, index: number, tokens: tokens.length, address, ...extra };
  appendFileSync(index, `${JSON.stringify(line)}\n`);
}

function change(directory: string, name: string, by: (value: Record<string, unknown>) => object): void {
  const file = join(directory, name);
  writeFileSync(file, JSON.stringify(by(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)));
}

function text(words: string): Uint8Array {
  return new TextEncoder().encode(words);
}
