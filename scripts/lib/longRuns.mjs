import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

// Long runs for benchmarks, written straight into the format of docs/run-directory.md: no trainer would be done with them today.

/** What a step reports, as SRFT does, filled up to forty with parts of the reward. */
export const metricNames = [
  ...['loss/total', 'loss/demo_sft', 'loss/demo_rl', 'loss/self_rl'],
  ...['entropy/rollout', 'entropy/demonstration', 'weight/sft', 'weight/rl'],
  ...['logprob/rollout', 'logprob/demonstration', 'logprob/wrong', 'logprob/drift'],
  ...['reward/mean', 'advantage/demonstration', 'rollouts/correct', 'rollouts/truncated', 'rollouts/unjudged'],
  ...['demonstrations/correct', 'groups/all_right', 'groups/all_wrong'],
  ...['length/rollout', 'length/longest', 'length/demonstration', 'gradient/norm', 'learning_rate'],
  ...['generate', 'logprob', 'reward', 'train', 'record', 'evaluate', 'checkpoint', 'other', 'step'].map(
    (part) => `seconds/${part}`,
  ),
  'tokens_per_second',
  ...['exact', 'format', 'length', 'language', 'steps'].map((part) => `reward/${part}`),
];

const bufferCharacters = 4_000_000;

/**
 * @typedef {object} LongRun
 * @property {number} steps
 * @property {number} [rollouts] lines of the index, spread evenly over the steps
 * @property {number} [metrics] only so many of them
 * @property {number} [seed] runs with other seeds have other curves
 * @property {number} [created] seconds since 1970
 * @property {boolean} [ended] default true
 */

/** @param {string} folder made @param {LongRun} run */
export function writeLongRun(
  folder,
  { steps, rollouts = 0, metrics = metricNames.length, seed = 1, created = 1_700_000_000, ended = true },
) {
  mkdirSync(join(folder, 'rollouts'), { recursive: true });
  const random = randomFrom(seed);
  const acknowledged = writeIndex(join(folder, 'rollouts', 'index.jsonl'), steps, rollouts, random);
  const names = metricNames.slice(0, metrics);
  const lines = linesInto(join(folder, 'events.jsonl'));
  let seq = 0;
  const event = (time, rest) => lines.put(JSON.stringify({ seq: seq++, time, ...rest }));
  event(created, { kind: 'started', attempt: 1, steps });
  for (let step = 1; step <= steps; step += 1) {
    const time = created + step * 2;
    const index_bytes = acknowledged[step] ?? 0;
    if (step % Math.ceil(steps / 50) === 1) event(time, evaluationAfter(step - 1, index_bytes, random));
    event(time, {
      ...{ kind: 'step', step, phase: 'srft', metrics: metricsOf(step, steps, random, names) },
      ...{ index_bytes, tokens: step * 4096 },
    });
  }
  const time = created + steps * 2 + 1;
  if (ended) event(time, { kind: 'ended', step: steps, end: { kind: 'finished', message: null } });
  lines.close();
  const runId = seed.toString(16).padStart(32, '0');
  writeJson(join(folder, 'status.json'), statusOf({ runId, steps, time, ended }));
  writeJson(join(folder, 'run.json'), manifestOf({ runId, created, steps, seed }));
}

/** One more event at the end of a run, as a trainer appends it. @param {number} step @param {number} seq @param {number} time */
export function stepLine(step, seq, time) {
  const metrics = metricsOf(step, step, randomFrom(step));
  return `${JSON.stringify({ seq, time, kind: 'step', step, phase: 'srft', metrics, index_bytes: 0, tokens: step * 4096 })}\n`;
}

function metricsOf(step, steps, random, names = metricNames) {
  const share = step / steps;
  /** @type {Record<string, number>} */
  const metrics = {};
  names.forEach((name, place) => {
    const level = levels[name] ?? 0.2 + 0.5 * share + place / 100;
    metrics[name] = (name.startsWith('entropy/') ? level - share * 0.6 : level) * (0.95 + 0.1 * random());
  });
  return metrics;
}

/** A run that nothing is wrong with: alerts are not what is measured. @type {Record<string, number>} */
const levels = {
  'entropy/rollout': 1,
  'entropy/demonstration': 1.2,
  'logprob/drift': 0.002,
  'rollouts/truncated': 0.02,
  'rollouts/correct': 0.5,
  'groups/all_right': 0.2,
  'groups/all_wrong': 0.2,
  'length/rollout': 120,
  'length/longest': 400,
  'length/demonstration': 150,
  'gradient/norm': 1,
  'seconds/record': 0.02,
  'seconds/step': 4,
  tokens_per_second: 900,
};

function evaluationAfter(step, index_bytes, random) {
  const value = Math.round((0.4 + 0.2 * random()) * 200) / 200;
  const greedy = { accuracy: { value, low: value - 0.06, high: value + 0.06, count: 200 } };
  const metrics = { length: 120, truncated: 0.02, entropy: 0.4, reward: value, seconds: 9 };
  return {
    kind: 'evaluation',
    step,
    name: 'evaluation',
    checkpoint: 'current',
    greedy,
    sampled: null,
    metrics,
    index_bytes,
  };
}

const openings = [
  'Let me',
  'First, we',
  'We need',
  'The answer',
  'Wait, let',
  'Consider the',
  'Suppose that',
  'So the',
];

/** @returns {number[]} length of the index after each step */
function writeIndex(path, steps, rollouts, random) {
  const lines = linesInto(path);
  const acknowledged = [];
  let row = 0;
  for (let step = 1; step <= steps; step += 1) {
    for (; row < Math.floor((rollouts * step) / steps); row += 1) {
      const correct = random() < 0.5;
      lines.put(
        JSON.stringify({
          ...{ id: `a1-s${step}-g${row >> 3}-${row & 7}`, attempt: 1, step, group: row >> 3, index: row & 7 },
          ...{ prompt_id: `problem-${(row >> 3) % 500}`, kind: 'rollout', reward: Number(correct) },
          ...{ parts: { exact: Number(correct) }, advantage: correct ? 1 : -1, correct, truncated: random() < 0.05 },
          ...{ stop: 'end', tokens: 50 + Math.floor(random() * 400), temperature: 1, entropy: random() },
          ...{ weights: { w_rl: random() }, policy_version: step, note: null },
          head: `<think>${openings[Math.floor(random() * openings.length)]} ${Math.floor(random() * 1000)} apples and as many pears, so that`,
          address: { segment: 1, offset: 4096 + row * 2048, length: 1984 },
          prompt: { segment: 1, offset: 4096 + (row & ~7) * 2048, length: 480 },
        }),
      );
    }
    acknowledged[step] = lines.bytes();
  }
  lines.close();
  return acknowledged;
}

function statusOf({ runId, steps, time, ended }) {
  return {
    ...{
      format: '1.0',
      run_id: runId,
      host: 'elsewhere',
      boot_id: null,
      pid_namespace: null,
      pid: 1,
      pid_started: null,
    },
    ...{
      attempt: 1,
      state: ended ? 'ended' : 'running',
      stage: 'generate',
      step: steps,
      steps,
      heartbeat: 1,
      updated: time,
    },
    ...{ metrics: {}, end: ended ? { kind: 'finished', message: null } : null },
  };
}

function manifestOf({ runId, created, steps, seed }) {
  const recipe = {
    name: `long-${seed}`,
    seed,
    method: 'srft',
    training: { steps, learning_rate: 1e-6 * (1 + (seed % 5)) },
  };
  return {
    ...{ format: '1.0', run_id: runId, created, recipe, recipe_file: null, parent: null },
    ...{ versions: { srft: '0.1.0' }, hashes: [], parameters: 1_000_000, trainable_parameters: 1_000_000 },
    device: { kind: 'cpu', name: 'written by a benchmark', count: 1, memory_bytes: null, threads: 2 },
  };
}

function writeJson(path, value) {
  writeFileSync(path, JSON.stringify(value));
}

/** Lines gathered into large writes. @param {string} path */
function linesInto(path) {
  const file = openSync(path, 'w');
  let held = '';
  let bytes = 0;
  const flush = () => {
    writeSync(file, held);
    held = '';
  };
  return {
    /** ASCII alone, so that characters are bytes. @param {string} line */
    put(line) {
      held += `${line}\n`;
      bytes += line.length + 1;
      if (held.length > bufferCharacters) flush();
    },
    bytes: () => bytes,
    close() {
      flush();
      closeSync(file);
    },
  };
}

/** Numbers between 0 and 1, the same for the same seed (mulberry32). @param {number} seed */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
