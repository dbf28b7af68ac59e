import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseQuery } from '../../core/rolloutQuery';
import { RunStore } from '../runs/runStore';
import { searchRollouts } from '../runs/searchRollouts';
import { benchColumns, randomNumbers, writeBenchRun } from './benchRun';
import { encodeSequence } from './recordWriter';
import { watchLoop } from './watchLoop';

/**
 * Writes a run of 100,000 rollouts of about 150 tokens and 600 bytes of text, searches it in several ways, prints the
 * figures as JSON, cleans up. The run has just been written, so its pages are in memory; a search that a disk has to feed
 * takes as long as that disk.
 */
export async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'srft-bench-'));
  try {
    const records = Array.from({ length: distinctTexts }, (_, seed) => sequence(randomNumbers(seed)));
    await writeBenchRun(folder, {
      tokensEach,
      record: (row) => records[row % distinctTexts] ?? new Uint8Array(0),
    });
    console.log(JSON.stringify(await measure(folder)));
    return 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const tokensEach = 150;
const distinctTexts = 997;
const repetitions = 5;

/** What is asked, by the name of its figure: the slowest of them is `search_100k_s`. */
const searches: Readonly<Record<string, string>> = {
  search_word_s: 'zebra',
  search_common_word_s: 'answer',
  search_words_s: 'wait -therefore "so the"',
  search_expression_s: '/w[ae]it\\b.*?\\b(carry|borrow) \\d/',
  search_other_script_s: 'réponse',
  search_figures_s: 'reward<0.5 length>100 step:60-700 carry',
};

async function measure(folder: string): Promise<Readonly<Record<string, number>>> {
  const opened = await RunStore.open(folder);
  if (opened.kind === 'broken') throw new Error(opened.reason);
  const store = opened.value;
  await store.readAll();
  const figures: Record<string, number> = { rollouts: store.index.length };
  let longestBlockMs = 0;
  const slowest: number[] = [0, 0, 0];
  for (const [name, text] of Object.entries(searches)) {
    const parsed = parseQuery(text);
    if (parsed.kind === 'mistake') throw new Error(parsed.reason);
    const times: number[] = [];
    let hits = 0;
    for (let count = 0; count < repetitions; count += 1) {
      hits = 0;
      const watch = watchLoop();
      const start = performance.now();
      const found = searchRollouts(store, parsed.query);
      while ((await found.next()).done !== true) hits += 1;
      times.push((performance.now() - start) / 1000);
      longestBlockMs = Math.max(longestBlockMs, watch());
    }
    times.sort((a, b) => a - b);
    const [least = 0, median = 0, most = 0] = [times[0], times[repetitions >> 1], times.at(-1)];
    figures[name] = rounded(median);
    figures[name.replace(/_s$/, '_hits')] = hits;
    if (median > (slowest[1] ?? 0)) slowest.splice(0, 3, least, median, most);
  }
  await store.close();
  const [least = 0, median = 0, most = 0] = slowest;
  return {
    search_100k_s: rounded(median),
    search_100k_s_min: rounded(least),
    search_100k_s_max: rounded(most),
    ...figures,
    search_longest_block_ms: rounded(longestBlockMs),
  };
}

const vocabulary =
  'wait so the answer is first we add both numbers and carry one then borrow from tens apples pears let me check that again therefore it makes sense no yes total minus plus equals step think'.split(
    ' ',
  );

function sequence(random: () => number): Uint8Array {
  const encoder = new TextEncoder();
  const numbers = (): number[] => Array.from({ length: tokensEach }, random);
  const tokenBytes = Array.from({ length: tokensEach }, () => {
    const word = vocabulary[Math.floor(random() * vocabulary.length)] ?? '';
    return encoder.encode(random() < 0.2 ? ` ${Math.floor(random() * 100)}` : ` ${word}`);
  });
  const values = { id: numbers().map((share) => Math.floor(share * 150_000)), logprob: numbers(), entropy: numbers() };
  return encodeSequence(benchColumns, {
    kind: 2,
    tokenBytes,
    values: { ...values, 'pull/self': numbers(), entropy_pull: numbers() },
  });
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
