import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeGroupRun } from '../../scripts/lib/groupRun.mjs';
import { writeLongRun } from '../../scripts/lib/longRuns.mjs';

/** Chosen by their common beginning in the list of runs; a comparison takes eight of ten. */
export const comparedNames = Array.from({ length: 10 }, (_, run) => `compare-${run < 8 ? 'a' : 'b'}${run}`);
export const comparedCount = 8;
export const comparedSteps = 10_000;
export const longSteps = 100_000;
/** A record is read for the first time only once, so a median needs several. */
export const longNames = ['long-1', 'long-2', 'long-3'];
export const groupSize = { sequences: 64, tokens: 4096 };
/** Traces to open, and how many of each length. */
export const traceCount = 7;
export const traceLengths = { 'traces-8k': 8192, 'traces-64k': 65_536 };
const lineTokens = 12;

/**
 * The runs that are measured: two in a workspace, the others where nobody looks before they are asked for.
 * @param {string} folder
 */
export async function writeRuns(folder) {
  const workspace = join(folder, 'workspace');
  const elsewhere = join(folder, 'elsewhere');
  mkdirSync(join(workspace, 'runs'), { recursive: true });
  mkdirSync(elsewhere, { recursive: true });
  writeLongRun(join(workspace, 'runs', 'small'), { steps: 20, created: 1 });
  writeLongRun(join(workspace, 'runs', 'live'), { steps: comparedSteps, seed: 50, created: 3, ended: false });
  writeLongRun(join(elsewhere, 'listed'), { steps: 1000, rollouts: 100_000, seed: 60, created: 4 });
  for (const [run, name] of longNames.entries()) {
    writeLongRun(join(elsewhere, name), { steps: longSteps, seed: 70 + run, created: 20 + run });
  }
  writeLongRun(join(elsewhere, 'million'), { steps: 1_000_000, metrics: 8, seed: 80, created: 6 });
  await writeGroupRun(join(elsewhere, 'group'), { ...groupSize, created: 2 });
  for (const [run, [name, tokens]] of Object.entries(traceLengths).entries()) {
    const created = 7 + run;
    await writeGroupRun(join(workspace, 'runs', name), { sequences: traceCount, tokens, lineTokens, created });
  }
  for (let copy = 0; copy < traceCount; copy += 1) writeFileSync(join(workspace, plainName(copy)), plainText(copy));
  comparedNames.forEach((name, run) => {
    writeLongRun(join(elsewhere, name), { steps: comparedSteps, seed: 100 + run, created: 10 + run });
  });
  return { workspace, elsewhere };
}

/** A file with as much text as a trace of 8k tokens, in lines as long. @param {number} copy */
export function plainName(copy) {
  return `plain-${copy}.txt`;
}

/** @param {number} copy */
function plainText(copy) {
  return Array.from({ length: traceLengths['traces-8k'] }, (_, place) => {
    const word = `w${(copy * 7919 + place * 13) % 50_000}`;
    return `${(place + 1) % lineTokens === 0 ? '\n' : ' '}${word}`;
  }).join('');
}
