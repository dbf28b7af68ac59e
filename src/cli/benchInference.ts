import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { openCheckpoint, type Checkpoint } from '../checkpoints/checkpointFiles';
import { memoryNeed } from '../checkpoints/memory';
import { ModelHost } from '../checkpoints/modelHost';
import type { ModelSource } from '../checkpoints/modelSeat';
import { watchLoop } from './watchLoop';
import { decoderGraph } from '../inference/decoderGraph';
import { CheckpointProblem } from '../inference/problem';

/** What is measured, and with what. */
export interface InferenceBench {
  /** Folder of the checkpoint. */
  readonly model: string;
  /** The forked process of the built extension. */
  readonly entry: string;
  /** What starts the trainer's side (trainer/benchmarks/inference.py). */
  readonly peer: { readonly program: string; readonly args: readonly string[]; readonly cwd: string };
  readonly threads: number;
  readonly rounds: number;
}

const scoredTokens = 1024;
const prefixTokens = 64;
const writtenTokens = 64;
const alternatives = 8;

/**
 * The extension's way to ask a checkpoint against torch and the trainer's own sampler: alternating, with as many threads
 * each. Raises an error when both do not say the same.
 */
export async function measureInference(bench: InferenceBench): Promise<Readonly<Record<string, number>>> {
  const checkpoint = await opened(bench);
  const peer = new Peer(bench);
  const host = hostOf(bench);
  let longestBlock = 0;
  /** Seconds of work of ours; how long this thread was away meanwhile is kept. */
  const ours = async (work: () => Promise<unknown>): Promise<number> => {
    const watch = watchLoop();
    const begin = performance.now();
    await work();
    const seconds = (performance.now() - begin) / 1000;
    longestBlock = Math.max(longestBlock, watch());
    return seconds;
  };
  try {
    const model = host.open(sourceOf(checkpoint, bench));
    const { vocabulary } = checkpoint.parts.config;
    await model.load();
    const ratios: Record<string, number[]> = { score_vs_torch: [], decode_vs_torch_b1: [], decode_vs_torch_b8: [] };
    const seconds: Record<string, number[]> = {};
    const note = (name: string, value: number): void => {
      (seconds[name] ??= []).push(value);
    };
    for (let round = 0; round <= bench.rounds; round += 1) {
      // Another beginning each time, since a beginning that is known is not computed again.
      const ids = textIds(scoredTokens, vocabulary, round);
      let logProb = NaN;
      const own = await ours(async () => {
        const scores = await model.score({ ids, from: 1, temperature: 1, top: alternatives });
        logProb = sum(scores.logProb);
      });
      const theirs = await peer.ask(`score ${scoredTokens}`);
      if (round === 0) refuseDifference(logProb, theirs['logprob'] ?? NaN);
      else ratios['score_vs_torch']?.push(own / (theirs['seconds'] ?? NaN));
      note('score_seconds', own);
      note('torch_score_seconds', theirs['seconds'] ?? NaN);
      for (const rows of [1, 8]) {
        const writing = await ours(() =>
          model.write(
            {
              prefix: textIds(prefixTokens, vocabulary, round),
              seeds: Array.from({ length: rows }, (_, row) => BigInt(row)),
              firstPosition: 0,
              maxTokens: writtenTokens,
              sampling: { temperature: 1, topK: 0, topP: 1, minP: 0 },
              endTokens: [],
            },
            { onTokens: () => undefined },
          ),
        );
        const their = await peer.ask(`decode ${rows} ${prefixTokens} ${writtenTokens}`);
        if (round > 0) ratios[`decode_vs_torch_b${rows}`]?.push((their['seconds'] ?? NaN) / writing);
        note(`tokens_per_second_b${rows}`, (rows * writtenTokens) / writing);
        note(`torch_tokens_per_second_b${rows}`, (rows * writtenTokens) / (their['seconds'] ?? NaN));
      }
    }
    host.dispose();
    const opens: number[] = [];
    for (let round = 0; round < bench.rounds; round += 1) {
      opens.push(await ours(() => openAndScore(bench)));
    }
    const { parts, bytes } = checkpoint;
    return {
      ...Object.fromEntries(Object.entries(ratios).flatMap(([key, values]) => Object.entries(spread(key, values)))),
      ...spread('open_135m_s', opens),
      host_block_ms: longestBlock,
      graph_kb: decoderGraph(parts).length / 1000,
      ...Object.fromEntries(Object.entries(seconds).map(([key, values]) => [key, median(values)])),
      checkpoint_mb: bytes / 1e6,
      predicted_memory_mb: memoryNeed(parts, { tokens: scoredTokens, rows: 1, chunk: 256 }).total / 1e6,
    };
  } finally {
    host.dispose();
    peer.end();
  }
}

/** From the wish to the first score: files read and checked, process started, weights loaded, a text scored. */
async function openAndScore(bench: InferenceBench): Promise<void> {
  const host = hostOf(bench);
  try {
    const checkpoint = await opened(bench);
    const ids = textIds(prefixTokens, checkpoint.parts.config.vocabulary, 0);
    await host.open(sourceOf(checkpoint, bench)).score({ ids, from: 1, temperature: 1, top: alternatives });
  } finally {
    host.dispose();
  }
}

async function opened({ model }: InferenceBench): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(model, { chosen: null, below: [] });
  if (checkpoint instanceof CheckpointProblem) throw checkpoint;
  if (checkpoint.kind === 'base needed') throw new Error(`${model} is an adapter.`);
  return checkpoint;
}

function hostOf({ entry }: InferenceBench): ModelHost {
  return new ModelHost({
    entry,
    idleMs: () => 600_000,
    onNotice: (sentence) => {
      throw new Error(sentence);
    },
    onLog: (text) => {
      console.error(text);
    },
  });
}

function sourceOf({ parts, weightsFolder, adapterFolder, hash }: Checkpoint, { threads }: InferenceBench): ModelSource {
  const options = { folder: weightsFolder, adapterFolder, threads, providers: ['cpu'] };
  return { key: hash, name: 'the model', parts, options };
}

/** The same text as the peer's, but for its first token. */
function textIds(length: number, vocabulary: number, first: number): Int32Array {
  return Int32Array.from({ length }, (_, index) => (index === 0 ? 13 + first : index * 7919 + 13) % vocabulary);
}

/** Both computed the same sum of log-probs, to a thousandth of a nat a token. */
function refuseDifference(ours: number, theirs: number): void {
  const gap = Math.abs(ours - theirs) / scoredTokens;
  if (!(gap < 1e-3)) throw new Error(`Log-probs sum up to ${ours} here and to ${theirs} with torch.`);
}

/** The trainer's side: one order a line, one answer a line. */
class Peer {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor({ peer: { program, args, cwd } }: InferenceBench) {
    this.child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.child;
    if (stdout === null) throw new Error('The trainer’s side has no output.');
    this.answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async ask(order: string): Promise<Readonly<Record<string, number>>> {
    this.child.stdin?.write(`${order}\n`);
    const next = await this.answers.next();
    if (next.done === true) throw new Error('The trainer’s side has ended; see above.');
    return JSON.parse(next.value) as Record<string, number>;
  }

  end(): void {
    this.child.stdin?.end();
    this.child.kill();
  }
}

function spread(key: string, values: readonly number[]): Record<string, number> {
  return { [key]: median(values), [`${key}_min`]: Math.min(...values), [`${key}_max`]: Math.max(...values) };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}
