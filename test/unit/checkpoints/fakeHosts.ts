import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScoreRequest, WriteRequest, Written } from '../../../src/checkpoints/languageModel';
import { ModelHost, type ModelHostOptions } from '../../../src/checkpoints/modelHost';
import { CheckpointProblem } from '../../../src/inference/problem';
import { bundledFake, nextToken, vocabulary } from './fakeModel';

let entry = '';
const hosts: ModelHost[] = [];

/** Bundles the fake process; returns its script. `name`: of the test's file. */
export async function makeFake(name: string): Promise<string> {
  entry = await bundledFake(name);
  return entry;
}

export function endHosts(): void {
  for (const host of hosts.splice(0)) host.dispose();
}

export interface Heard {
  readonly host: ModelHost;
  readonly notices: string[];
  readonly logs: string[];
}

/** A host of the fake process; `endHosts` disposes it. */
export function hostOf(options: Partial<ModelHostOptions> = {}): Heard {
  const heard = { notices: [] as string[], logs: [] as string[] };
  const host = new ModelHost({
    entry,
    idleMs: () => 600_000,
    hangMs: 300,
    onNotice: (sentence) => heard.notices.push(sentence),
    onLog: (text) => heard.logs.push(text),
    ...options,
  });
  hosts.push(host);
  return { host, ...heard };
}

export const ids = (count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, at) => (at * 17 + 3) % vocabulary);
export const scoreOf = (count: number): ScoreRequest => ({ ids: ids(count), from: 1, temperature: 1, top: 2 });

export function writeOf(seeds: readonly bigint[], maxTokens: number): WriteRequest {
  const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  return { prefix: ids(5), seeds, firstPosition: 0, maxTokens, sampling, endTokens: [] };
}

/** What the fake model writes, by the law that it follows. */
export function expectedIds(seed: bigint, maxTokens: number): number[] {
  let last = ids(5).at(-1) ?? 0;
  return Array.from({ length: maxTokens }, (_, place) => (last = nextToken(last, seed, place, vocabulary)));
}

export function rowOf(tokens: readonly Written[], row: number): number[] {
  return tokens.filter((token) => token.row === row).map(({ id }) => id);
}

/** The problem that a promise must end in. */
export async function problemIn(promise: Promise<unknown>): Promise<CheckpointProblem> {
  const error = await promise.then(
    () => assert.fail('it was answered'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CheckpointProblem, String(error));
  return error;
}

export async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 400; tries += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await sleep(25);
  }
  return false;
}

export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10);
}

export const pidIn = (folder: string): number => Number(readFileSync(join(folder, 'began'), 'utf8'));
