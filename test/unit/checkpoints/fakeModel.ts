import { mkdirSync } from 'node:fs';
import { bundle } from '../../../scripts/lib/bundle.mjs';
import { defaultThreads } from '../../../src/checkpoints/modelHost';
import type { ModelSource } from '../../../src/checkpoints/modelSeat';

type Deed = { readonly onlyFirst?: boolean } & (
  | { readonly kind: 'kill'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'throw' }
);

/** What the fake model does, besides answering. */
export interface Behaviour {
  /** Leaves its process id in its folder, from which a second process knows that it is not the first. */
  readonly mark?: boolean;
  readonly refuse?: boolean;
  readonly atLoad?: Deed;
  readonly atScore?: Deed;
  readonly atWrite?: Deed;
  /** Tokens before the deed. */
  readonly after?: number;
  /** Each token blocks the process for so long. */
  readonly slowMs?: number;
  /** Tokens of each row between two looks at messages. */
  readonly chunk?: number;
}

export const vocabulary = 100;

/** The law of the fake model: what follows a token. */
export function logProbOf(before: number, id: number, tokens: number): number {
  return Math.fround(-((before * 31 + id) % tokens) / 10);
}

export function nextToken(before: number, seed: bigint, place: number, tokens: number): number {
  return (before * 7 + Number(seed % 1000n) * 13 + place * 3 + 1) % tokens;
}

/** A checkpoint of the fake model; `folder` is where it leaves its marks. */
export function fakeSource(key: string, behaviour: Behaviour = {}, folder = '.'): ModelSource {
  mkdirSync(folder, { recursive: true });
  return {
    key,
    name: `step ${key}`,
    parts: { config: { ...config, vocabulary }, tensors: new Map(), adapter: null },
    options: { folder, adapterFolder: null, threads: defaultThreads, providers: [JSON.stringify(behaviour)] },
  };
}

/** The forked script. `name`: of the test's file, since files are tested side by side. */
export async function bundledFake(name: string): Promise<string> {
  const [entry = ''] = await bundle(name, ['test/unit/checkpoints/fakeModelProcess.ts'], process.cwd());
  return entry;
}

const config: ModelSource['parts']['config'] = {
  architecture: 'llama',
  hiddenSize: 8,
  intermediateSize: 16,
  layers: 1,
  heads: 1,
  keyValueHeads: 1,
  headSize: 8,
  vocabulary,
  normEpsilon: 1e-6,
  ropeTheta: 10_000,
  rope: { kind: 'default' },
  maxPositions: 2048,
  windows: [null],
  activation: 'silu',
  tied: true,
  bias: { query: false, output: false, mlp: false },
  headNorms: false,
  endTokens: [0],
};
