import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address, Column, IndexLine, RunManifest } from '../../core/generated/wire';
import { formatVersion } from '../../core/generated/wireFacts';
import { encodeHeader } from './recordWriter';

/** What the records of a benchmark's run are made of: what a run with one term of the loss keeps. */
export const benchColumns: readonly Column[] = [
  { name: 'text', dtype: 'u8', unit: null, per: 'byte' },
  { name: 'id', dtype: 'u32', unit: null, per: 'token' },
  { name: 'byte_length', dtype: 'u16', unit: 'byte', per: 'token' },
  { name: 'logprob', dtype: 'f32', unit: 'nat', per: 'token' },
  { name: 'entropy', dtype: 'f32', unit: 'nat', per: 'token' },
  { name: 'pull/self', dtype: 'f32', unit: null, per: 'token' },
  { name: 'entropy_pull', dtype: 'f32', unit: null, per: 'token' },
];

const rolloutCount = 100_000;

/** Writes a run directory of 100,000 rollouts, each of which has a record that `record` makes. */
export async function writeBenchRun(
  folder: string,
  { tokensEach, record: makeRecord }: { readonly tokensEach: number; readonly record: (row: number) => Uint8Array },
): Promise<void> {
  await mkdir(join(folder, 'rollouts'));
  const segment = createWriteStream(join(folder, 'rollouts', '000001.seg'));
  const index = createWriteStream(join(folder, 'rollouts', 'index.jsonl'));
  const header = encodeHeader(benchColumns);
  await put(segment, header);
  let offset = header.length;
  let indexBytes = 0;
  for (let number = 0; number < rolloutCount; number += 1) {
    const record = makeRecord(number);
    const line = `${JSON.stringify(indexLine(number, { segment: 1, offset, length: record.length }, tokensEach))}\n`;
    await put(segment, record);
    await put(index, line);
    offset += record.length;
    indexBytes += line.length;
  }
  await Promise.all([finished(segment), finished(index)]);
  await writeFile(join(folder, 'run.json'), JSON.stringify(manifest()));
  await writeFile(join(folder, 'events.jsonl'), events(indexBytes));
}

function indexLine(number: number, address: Address, tokens: number): IndexLine {
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
    tokens,
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
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
