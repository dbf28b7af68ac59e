import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address, Column, IndexLine, RunManifest, Status } from '../../../core/generated/wire';
import { encodeHeader, encodeSequence } from '../../../src/cli/recordWriter';

/** One row of a run that a test writes. */
export interface WrittenRow {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly correct: boolean;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A run directory that a test writes: the whole content, or grown by writing it again with more. */
export interface WrittenRun {
  readonly format?: string;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly rows: readonly WrittenRow[];
  readonly torn?: string;
}

export const columns: readonly Column[] = [
  { name: 'text', dtype: 'u8', unit: null, per: 'byte' },
  { name: 'id', dtype: 'u32', unit: null, per: 'token' },
  { name: 'byte_length', dtype: 'u16', unit: 'byte', per: 'token' },
  { name: 'logprob', dtype: 'f32', unit: 'nat', per: 'token' },
];

export const device: RunManifest['device'] = { kind: 'cpu', name: 'test', count: 1, memory_bytes: null, threads: 1 };

/** Write the directory. An event's `index_rows` becomes the `index_bytes` behind so many rows; default: all. */
export async function writeRun(directory: string, run: WrittenRun): Promise<void> {
  await mkdir(join(directory, 'rollouts'), { recursive: true });
  const { segment, lines } = recorded(run.rows);
  await writeFile(join(directory, 'rollouts', '000001.seg'), segment);
  await writeFile(join(directory, 'rollouts', 'index.jsonl'), lines.join(''));
  const events = run.events.map((event, seq) => {
    const { index_rows: rows, ...rest } = event;
    const reach = lines.slice(0, typeof rows === 'number' ? rows : lines.length);
    return `${JSON.stringify({ seq, time: 1000 + seq, ...(needsIndex(event) ? { index_bytes: Buffer.byteLength(reach.join('')) } : {}), ...rest })}\n`;
  });
  await writeFile(join(directory, 'status.json'), JSON.stringify(status));
  await writeFile(join(directory, 'events.jsonl'), events.join('') + (run.torn ?? ''));
  await writeFile(join(directory, 'run.json'), JSON.stringify({ ...manifest, format: run.format ?? '1.0' }));
}

export const step = (
  number: number,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> => ({
  kind: 'step',
  step: number,
  phase: 'srft',
  tokens: number * 10,
  metrics: {
    'reward/mean': number / 10,
    'entropy/rollout': 0.3,
    'seconds/generate': 1,
    'seconds/train': 3,
    'seconds/step': 4,
  },
  ...more,
});

export const evaluation = (number: number, accuracy: number): Readonly<Record<string, unknown>> => ({
  kind: 'evaluation',
  step: number,
  name: 'evaluation',
  checkpoint: 'current',
  greedy: { accuracy: interval(accuracy), steps: interval(accuracy / 2) },
  sampled: null,
  metrics: { reward: accuracy, entropy: 0.2, length: 40, truncated: 0, seconds: 1 },
});

function interval(value: number): Readonly<Record<string, number>> {
  return { value, low: value - 0.05, high: value + 0.05, count: 100 };
}

function needsIndex(event: Readonly<Record<string, unknown>>): boolean {
  return event['kind'] === 'step' || event['kind'] === 'evaluation';
}

function recorded(rows: readonly WrittenRow[]): { segment: Uint8Array; lines: string[] } {
  const parts = [encodeHeader(columns)];
  let offset = parts[0]?.length ?? 0;
  const put = (kind: number, text: string): Address => {
    const tokenBytes = Array.from(text, (character) => new TextEncoder().encode(character));
    const numbers = tokenBytes.map((_, number) => number);
    const bytes = encodeSequence(columns, { kind, tokenBytes, values: { id: numbers, logprob: numbers } });
    const address = { segment: 1, offset, length: bytes.length };
    parts.push(bytes);
    offset += bytes.length;
    return address;
  };
  const lines = rows.map((row) => {
    const prompt = put(1, `<|im_start|>user\nQuestion ${row.id}?<|im_end|>\n`);
    return `${JSON.stringify({ ...indexLine(row, put(2, row.text), prompt), ...row.extra })}\n`;
  });
  return { segment: Buffer.concat(parts), lines };
}

function indexLine(row: WrittenRow, address: Address, prompt: Address): Omit<IndexLine, 'kind'> & { kind: string } {
  const [, attempt, number, group, index] = /^a(\d+)-[a-z](\d+)-g(\d+)-(\d+)$/.exec(row.id) ?? [];
  return {
    id: row.id,
    attempt: Number(attempt),
    step: Number(number),
    group: Number(group),
    index: Number(index),
    prompt_id: `p${group ?? ''}`,
    kind: row.kind,
    reward: Number(row.correct),
    parts: { exact: Number(row.correct) },
    advantage: null,
    correct: row.correct,
    truncated: false,
    stop: 'end',
    tokens: Array.from(row.text).length,
    temperature: 1,
    entropy: 0.5,
    weights: {},
    policy_version: 0,
    head: row.text.slice(0, 80),
    note: null,
    address,
    prompt,
  };
}

const manifest: RunManifest = {
  format: '1.0',
  run_id: 'f'.repeat(32),
  created: 1000,
  recipe: {},
  recipe_file: null,
  parent: null,
  versions: {},
  hashes: [],
  device,
  parameters: 1,
  trainable_parameters: 1,
};

const status: Status = {
  format: '1.0',
  run_id: manifest.run_id,
  host: 'test',
  boot_id: null,
  pid_namespace: null,
  pid: 1,
  pid_started: null,
  attempt: 1,
  state: 'running',
  stage: 'generate',
  step: 1,
  steps: 10,
  heartbeat: 1,
  updated: 1000,
  metrics: {},
  end: null,
};
