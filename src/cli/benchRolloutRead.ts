import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address, Column, IndexLine, RunManifest } from '../../core/generated/wire';
import { formatVersion } from '../../core/generated/wireFacts';
import { RunStore } from '../runs/runStore';
import { encodeHeader, encodeSequence } from './recordWriter';

/** Writes a run of 100,000 rollouts to a folder of its own, reads some at random, prints the figures as JSON, cleans up. */
export async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'srft-bench-'));
  try {
    await writeRun(folder);
    console.log(JSON.stringify(await measure(folder)));
    return 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const rolloutCount = 100_000;
const tokensEach = 100;
const readCount = 5_000;

const columns: readonly Column[] = [
  { name: 'text', dtype: 'u8', unit: null, per: 'byte' },
  { name: 'id', dtype: 'u32', unit: null, per: 'token' },
  { name: 'byte_length', dtype: 'u16', unit: 'byte', per: 'token' },
  { name: 'logprob', dtype: 'f32', unit: 'nat', per: 'token' },
  { name: 'entropy', dtype: 'f32', unit: 'nat', per: 'token' },
  { name: 'pull/self', dtype: 'f32', unit: null, per: 'token' },
  { name: 'entropy_pull', dtype: 'f32', unit: null, per: 'token' },
];

async function measure(folder: string): Promise<Readonly<Record<string, number>>> {
  const opening = performance.now();
  const opened = await RunStore.open(folder);
  if (opened.kind === 'broken') throw new Error(opened.reason);
  const store = opened.value;
  const openMs = performance.now() - opening;
  const times: number[] = [];
  const random = randomNumbers(1);
  for (let count = 0; count < readCount; count += 1) {
    const row = Math.floor(random() * store.index.length);
    const start = performance.now();
    const record = await store.readRollout(row);
    times.push(performance.now() - start);
    if (record.kind === 'broken' || record.value.tokens !== tokensEach) throw new Error(`row ${row} was not read`);
  }
  await store.close();
  times.sort((a, b) => a - b);
  return {
    rollout_read_ms: quantile(times, 0.5),
    rollout_read_p95_ms: quantile(times, 0.95),
    run_open_ms: Math.round(openMs),
    rollouts: store.index.length,
  };
}

async function writeRun(folder: string): Promise<void> {
  await mkdir(join(folder, 'rollouts'));
  const segment = createWriteStream(join(folder, 'rollouts', '000001.seg'));
  const index = createWriteStream(join(folder, 'rollouts', 'index.jsonl'));
  const header = encodeHeader(columns);
  await put(segment, header);
  let offset = header.length;
  let indexBytes = 0;
  const random = randomNumbers(0);
  for (let number = 0; number < rolloutCount; number += 1) {
    const record = encodeSequence(columns, randomSequence(random));
    const line = `${JSON.stringify(indexLine(number, { segment: 1, offset, length: record.length }))}\n`;
    await put(segment, record);
    await put(index, line);
    offset += record.length;
    indexBytes += line.length;
  }
  await Promise.all([finished(segment), finished(index)]);
  await writeFile(join(folder, 'run.json'), JSON.stringify(manifest()));
  await writeFile(join(folder, 'events.jsonl'), events(indexBytes));
}

function randomSequence(random: () => number): {
  kind: number;
  tokenBytes: Uint8Array[];
  values: Record<string, number[]>;
} {
  const numbers = (): number[] => Array.from({ length: tokensEach }, random);
  const tokenBytes = Array.from({ length: tokensEach }, () => Uint8Array.of(97 + Math.floor(random() * 26), 32));
  const ids = Array.from({ length: tokensEach }, () => Math.floor(random() * 150_000));
  return {
    kind: 2,
    tokenBytes,
    values: { id: ids, logprob: numbers(), entropy: numbers(), 'pull/self': numbers(), entropy_pull: numbers() },
  };
}

function indexLine(number: number, address: Address): IndexLine {
  const step = 1 + Math.floor(number / 128);
  return {
    id: `a1-s${step}-g${Math.floor((number % 128) / 8)}-${number % 8}`,
    attempt: 1,
    step,
    group: Math.floor((number % 128) / 8),
    index: number % 8,
    prompt_id: `${number % 512}`,
    kind: 'rollout',
    reward: number % 2,
    parts: { exact: number % 2 },
    advantage: 0.5,
    correct: number % 2 === 1,
    truncated: false,
    stop: 'end',
    tokens: tokensEach,
    temperature: 1,
    entropy: 0.3,
    weights: { w_rl: 0.1 },
    policy_version: step,
    head: 'some first words of this rollout, as they stand in the index',
    note: null,
    address,
    prompt: null,
  };
}

function manifest(): RunManifest {
  return {
    format: formatVersion,
    run_id: '0'.repeat(32),
    created: 0,
    recipe: {},
    recipe_file: null,
    parent: null,
    versions: {},
    hashes: [],
    device: { kind: 'cpu', name: 'none', count: 1, memory_bytes: null, threads: null },
    parameters: 0,
    trainable_parameters: 0,
  };
}

function events(indexBytes: number): string {
  const step = Math.ceil(rolloutCount / 128);
  const started = { seq: 0, time: 0, kind: 'started', attempt: 1, steps: step };
  const last = { seq: 1, time: 1, kind: 'step', step, phase: 'srft', metrics: {}, index_bytes: indexBytes, tokens: 1 };
  return `${JSON.stringify(started)}\n${JSON.stringify(last)}\n`;
}

async function put(stream: WriteStream, data: string | Uint8Array): Promise<void> {
  if (!stream.write(data)) await once(stream, 'drain');
}

async function finished(stream: WriteStream): Promise<void> {
  stream.end();
  await once(stream, 'finish');
}

/** A linear congruential generator: the same numbers every time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? NaN) * 10_000) / 10_000;
}
