import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunStore } from '../runs/runStore';
import { benchColumns, randomNumbers, writeBenchRun } from './benchRun';
import { encodeSequence, type WrittenSequence } from './recordWriter';

/** Writes a run of 100,000 rollouts to a folder of its own, reads some at random, prints the figures as JSON, cleans up. */
export async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'srft-bench-'));
  try {
    const random = randomNumbers(0);
    await writeBenchRun(folder, { tokensEach, record: () => encodeSequence(benchColumns, randomSequence(random)) });
    console.log(JSON.stringify(await measure(folder)));
    return 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const tokensEach = 100;
const readCount = 5_000;

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

function randomSequence(random: () => number): WrittenSequence {
  const numbers = (): number[] => Array.from({ length: tokensEach }, random);
  const tokenBytes = Array.from({ length: tokensEach }, () => Uint8Array.of(97 + Math.floor(random() * 26), 32));
  const ids = Array.from({ length: tokensEach }, () => Math.floor(random() * 150_000));
  return {
    kind: 2,
    tokenBytes,
    values: { id: ids, logprob: numbers(), entropy: numbers(), 'pull/self': numbers(), entropy_pull: numbers() },
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? NaN) * 10_000) / 10_000;
}
