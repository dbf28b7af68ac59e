import './quietRuntime';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decoderGraph } from '../inference/decoderGraph';
import type { DecoderConfig, DecoderParts } from '../inference/model';
import { rotaryTables } from '../inference/rope';
import { drawToken, uniform } from '../inference/sampling';
import { KeyValueCache } from './keyValueCache';
import type {
  GoOn,
  LanguageModel,
  LoadLanguageModel,
  LoadOptions,
  ScoreRequest,
  Scores,
  WriteRequest,
  Written,
} from './languageModel';

/** Loads a checkpoint with the first provider that takes it. Raises what the last of them said. */
export const loadLanguageModel: LoadLanguageModel = async (parts, options) => {
  const graph = decoderGraph(parts, await adapterFile(parts, options.adapterFolder));
  let refusal: unknown = new Error('No provider was named.');
  for (const provider of options.providers) {
    try {
      return new OnnxModel(parts.config, await sessionOf(graph, options, provider), provider);
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
};

async function adapterFile({ adapter }: DecoderParts, folder: string | null): Promise<Uint8Array | undefined> {
  const [first] = adapter?.layers.values() ?? [];
  return first === undefined || folder === null ? undefined : await readFile(join(folder, first.down.file));
}

async function sessionOf(graph: Uint8Array, options: LoadOptions, provider: string): Promise<InferenceSession> {
  return InferenceSession.create(graph, {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    extra: {
      session: {
        // The weights' own files; a graph that comes as bytes has no folder of its own.
        model_external_initializers_file_folder_path: options.folder,
        // A thread that spins while it waits takes the core from a training.
        'intra_op.allow_spinning': '0',
      },
    },
  });
}

/** New tokens and where they stand. */
interface Added {
  readonly ids: readonly number[] | Int32Array;
  readonly position: (index: number) => number;
  readonly branch: (index: number) => number;
  /** Which of them are asked for their next token. */
  readonly rows: readonly number[];
  /** What came next, one for each of `rows`. */
  readonly targets: readonly number[];
}

/** Milliseconds that one run of the model should take, so that a cancellation is heard in time. */
const runMilliseconds = 60;
const fewestTokens = 16;
const mostTokens = 256;

class OnnxModel implements LanguageModel {
  private readonly cache: KeyValueCache;
  /** Ids of branch 0, from the beginning: what the next question may share. */
  private held: number[] = [];
  private chunk = 32;

  constructor(
    private readonly config: DecoderConfig,
    private readonly session: InferenceSession,
    readonly provider: string,
  ) {
    this.cache = new KeyValueCache(config);
  }

  async score(request: ScoreRequest, goOn: GoOn, done: (tokens: number) => void): Promise<Scores | undefined> {
    const { ids, from, top } = request;
    const count = ids.length - from;
    const scores = emptyScores(count, top);
    const end = ids.length - 1;
    // The token before the first that is scored is asked, so it is computed again.
    for (let at = this.share(ids, from - 1); at < end;) {
      if (!(await goOn())) return undefined;
      const to = Math.min(end, at + this.chunk);
      const asked = Array.from(
        { length: Math.max(0, to - Math.max(at, from - 1)) },
        (_, index) => Math.max(at, from - 1) + index,
      );
      const outputs = await this.extend(
        {
          ids: ids.subarray(at, to),
          position: (index) => at + index,
          branch: () => 0,
          rows: asked.map((position) => position - at),
          targets: asked.map((position) => ids[position + 1] ?? 0),
        },
        { names: scoreNames, temperature: request.temperature, top, length: ids.length },
      );
      if (asked.length > 0) keepScores(scores, outputs, Math.max(at, from - 1) - (from - 1), top);
      at = to;
      done(Math.max(0, at - (from - 1)));
    }
    return scores;
  }

  async write(request: WriteRequest, goOn: GoOn, written: (tokens: readonly Written[]) => void): Promise<boolean> {
    const { prefix, seeds, sampling, maxTokens } = request;
    const asking = { names: ['probabilities', 'entropy'], temperature: sampling.temperature || 1, top: 1 };
    let outputs: Outputs = {};
    for (let at = this.share(prefix, prefix.length - 1); at < prefix.length;) {
      if (!(await goOn())) return false;
      const to = Math.min(prefix.length, at + this.chunk);
      const isLast = to === prefix.length;
      outputs = await this.extend(
        {
          ids: prefix.subarray(at, to),
          position: (index) => at + index,
          branch: () => 0,
          rows: isLast ? [to - at - 1] : [],
          targets: isLast ? [0] : [],
        },
        { ...asking, length: prefix.length },
      );
      at = to;
    }
    try {
      this.cache.reserve(prefix.length + Math.min(maxTokens, 64) * seeds.length);
      // All rows begin with the same distribution.
      let rows = seeds.map((seed, row) => ({ row, seed, from: 0 }));
      for (let token = 0; token < maxTokens && rows.length > 0; token += 1) {
        if (!(await goOn())) return false;
        const drawn = rows.map(({ row, seed, from }) =>
          draw(outputs, from, row, sampling, uniform(seed, request.firstPosition + token), this.config.vocabulary),
        );
        written(drawn);
        const going = drawn.filter(({ id }) => !request.endTokens.includes(id));
        if (going.length === 0 || token + 1 === maxTokens) return true;
        outputs = await this.extend(
          {
            ids: going.map(({ id }) => id),
            position: () => prefix.length + token,
            branch: (index) => (going[index]?.row ?? 0) + 1,
            rows: going.map((_, index) => index),
            targets: going.map(() => 0),
          },
          { ...asking, length: prefix.length + token + 1 },
        );
        rows = going.map(({ row }, from) => ({ row, seed: seeds[row] ?? 0n, from }));
      }
      return true;
    } finally {
      this.forget(prefix.length);
    }
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  /**
   * Keeps what is cached of the same beginning, at most `limit` tokens of it, and forgets the rest.
   * @returns how many tokens need not be computed again
   */
  private share(ids: Int32Array, limit: number): number {
    let shared = 0;
    // Dynamic frequencies depend on the length of the text, and with them all that is cached.
    const most = this.config.rope.kind === 'dynamic' ? 0 : Math.min(limit, this.held.length);
    while (shared < most && this.held[shared] === ids[shared]) shared += 1;
    this.forget(shared);
    this.cache.reserve(ids.length);
    return shared;
  }

  private forget(from: number): void {
    this.cache.keep(from);
    this.held.length = Math.min(this.held.length, from);
  }

  private async extend(
    { ids, position, branch, rows, targets }: Added,
    { names, temperature, top, length }: { names: readonly string[]; temperature: number; top: number; length: number },
  ): Promise<Outputs> {
    const begin = performance.now();
    const positions = Int32Array.from(ids, (_, index) => position(index));
    const branches = Int32Array.from(ids, (_, index) => branch(index));
    const { cos, sin } = rotaryTables(this.config, positions, length);
    const half = this.config.headSize / 2;
    const outputs = (await this.session.run(
      {
        ...this.cache.feeds({ positions, branches }),
        ids: integers(ids),
        cosine: new Tensor('float32', cos, [ids.length, half]),
        sine: new Tensor('float32', sin, [ids.length, half]),
        // The runtime computes what is not asked for too, and divides by the number of rows (SIGFPE).
        rows: integers(rows.length === 0 ? [0] : rows),
        targets: integers(rows.length === 0 ? [0] : targets),
        temperature: new Tensor('float32', Float32Array.of(temperature), []),
        top: integers([top]),
      },
      rows.length === 0 ? this.cache.outputs : [...names, ...this.cache.outputs],
    )) as Outputs;
    this.cache.append(outputs, ids.length);
    ids.forEach((id, index) => {
      if (branches[index] === 0) this.held.push(id);
    });
    this.adapt(ids.length, performance.now() - begin);
    return outputs;
  }

  /** Chooses how many tokens the next run takes. */
  private adapt(tokens: number, milliseconds: number): void {
    if (tokens < this.chunk) return;
    const next = (tokens * runMilliseconds) / Math.max(milliseconds, 1);
    this.chunk = Math.round(Math.min(mostTokens, Math.max(fewestTokens, next)));
  }
}

type Outputs = Readonly<Record<string, { readonly data: unknown }>>;

const scoreNames = ['logprob', 'entropy', 'rank', 'top_logprobs', 'top_ids'];

function emptyScores(count: number, top: number): Scores {
  return {
    logProb: new Float32Array(count),
    entropy: new Float32Array(count),
    rank: new Int32Array(count),
    topIds: new Int32Array(count * top),
    topLogProbs: new Float32Array(count * top),
  };
}

/** Writes the figures of a run to their place, from token `at` on. */
function keepScores(scores: Scores, outputs: Outputs, at: number, top: number): void {
  scores.logProb.set(outputs['logprob']?.data as Float32Array, at);
  scores.entropy.set(outputs['entropy']?.data as Float32Array, at);
  scores.rank.set(outputs['rank']?.data as Int32Array, at);
  scores.topLogProbs.set(outputs['top_logprobs']?.data as Float32Array, at * top);
  scores.topIds.set(Int32Array.from(outputs['top_ids']?.data as BigInt64Array, Number), at * top);
}

/** The next token of a row whose distribution is entry `from` of the outputs. */
function draw(
  outputs: Outputs,
  from: number,
  row: number,
  sampling: WriteRequest['sampling'],
  random: number,
  vocabulary: number,
): Written {
  const all = outputs['probabilities']?.data as Float32Array;
  const probabilities = all.subarray(from * vocabulary, (from + 1) * vocabulary);
  const id = drawToken(probabilities, sampling, random);
  const entropy = (outputs['entropy']?.data as Float32Array)[from] ?? 0;
  return { row, id, logProb: Math.log(probabilities[id] ?? 0), entropy };
}

function integers(values: readonly number[] | Int32Array): Tensor {
  return new Tensor('int64', BigInt64Array.from(values as readonly number[], BigInt), [values.length]);
}
