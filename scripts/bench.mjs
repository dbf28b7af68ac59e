// npm run bench [-- --only KEY …] [--threads N] [--quick]: the figures of the project (docs/benchmarks.md), as a table, and as one JSON
// object in the last line. --only measures the figures named; --quick shows in a few minutes whether everything runs, but
// with too few repetitions to rely on, and for the loss head at sizes that mean nothing.
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './lib/bundle.mjs';
import { chosenFigures, printFigures } from './lib/figureTable.mjs';
import { root, trainerFolder } from './lib/paths.mjs';
import { Failure, pythonEnvironment, runMain } from './lib/run.mjs';
import { say, timed } from './lib/say.mjs';
import { ensurePeer, ensurePython, setUp } from './lib/setup.mjs';

/** @typedef {import('./lib/figureTable.mjs').Target} Target */
/** @typedef {Record<string, number>} Figures a benchmark's last line: its keys, their spread as `<key>_min` and `<key>_max`, and what else it tells */
/** @typedef {{ threads?: string, quick: boolean }} Options */
/** @typedef {{ keys: string[], command: (keys: string[], options: Options) => Promise<[program: string, args: string[]]> }} Benchmark */

/** @type {Record<string, Target>} in the order of the last line */
const targets = {
  step_vs_trl_demo_fixed: { is: '≥', than: 2 },
  step_vs_trl_random_fixed: { is: '≥', than: 2 },
  step_vs_trl_demo_natural: { is: '≥', than: 3 },
  sampler_vs_generate: { is: '≥', than: 1.5 },
  loss_memory_ratio: { is: '≤', than: 0.1 },
  loss_16k_mib: { is: '<', than: 1024 },
  recording_share: { is: '<', than: 0.01 },
  rollout_read_ms: { is: '<', than: 0.1 },
  search_100k_s: { is: '<', than: 2 },
};

/** @type {Record<string, Benchmark>} */
const benchmarks = {
  'reading rollouts': {
    keys: ['rollout_read_ms'],
    command: inNode('src/cli/benchRolloutRead.ts'),
  },
  'searching rollouts': {
    keys: ['search_100k_s'],
    command: inNode('src/cli/benchSearch.ts'),
  },
  recording: { keys: ['recording_share'], command: inTrainer('recording', ensurePython) },
  'sampler against generate': { keys: ['sampler_vs_generate'], command: inTrainer('sampler', ensurePython) },
  'step against TRL': {
    keys: ['step_vs_trl_demo_fixed', 'step_vs_trl_random_fixed', 'step_vs_trl_demo_natural'],
    command: async (keys, options) => {
      const [program, args] = await inTrainer('peer_step', ensurePeer)(keys, options);
      return [program, [...args, ...keys.flatMap((key) => ['--only', key])]];
    },
  },
  'loss head': { keys: ['loss_memory_ratio', 'loss_16k_mib'], command: inTrainer('loss_memory', ensurePython) },
};

await runMain(async () => {
  const { wanted, ...options } = readOptions();
  await setUp();
  /** @type {Figures} */
  const figures = {};
  for (const [name, { keys, command }] of Object.entries(benchmarks)) {
    const needed = keys.filter((key) => wanted.includes(key));
    if (needed.length === 0) continue;
    const [program, args] = await command(needed, options);
    await timed(name, async () => Object.assign(figures, await figuresOf(name, program, args)));
  }
  const missing = wanted.find((key) => typeof figures[key] !== 'number');
  if (missing !== undefined) throw new Failure(`no benchmark measured ${missing}.`);
  printFigures(wanted, figures, targets);
  if (options.quick) say('A quick run: it shows that the benchmarks work; its figures are not to be quoted.');
  console.log(JSON.stringify(Object.fromEntries(wanted.map((key) => [key, figures[key]]))));
  return 0;
});

/** @returns {Options & { wanted: string[] }} */
function readOptions() {
  const keys = Object.keys(targets);
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        threads: { type: 'string' },
        quick: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new Failure(
      `${error instanceof Error ? error.message : error} Options are --only KEY, --threads N and --quick.`,
    );
  }
  const { threads, quick } = values;
  if (threads !== undefined && !/^[1-9]\d*$/.test(threads))
    throw new Failure(`--threads is '${threads}', not a number.`);
  return { wanted: chosenFigures(keys, values.only), quick, ...(threads === undefined ? {} : { threads }) };
}

/** @param {string} entry with a `main` that prints the figures @returns {Benchmark['command']} */
function inNode(entry) {
  return async () => {
    const [module = ''] = await bundle('bench', [entry]);
    const call = `import { main } from ${JSON.stringify(pathToFileURL(module).href)}; process.exitCode = await main();`;
    return [process.execPath, ['--input-type=module', '--eval', call]];
  };
}

/** @param {string} module in trainer/benchmarks @param {() => Promise<string>} ensure @returns {Benchmark['command']} */
function inTrainer(module, ensure) {
  return async (_keys, { threads, quick }) => [
    await ensure(),
    [
      '-m',
      `benchmarks.${module}`,
      ...(threads === undefined ? [] : ['--threads', threads]),
      ...(quick ? ['--quick'] : []),
    ],
  ];
}

/**
 * Passes a benchmark's output on to stderr and reads the figures in its last line.
 * @param {string} name @param {string} program @param {string[]} args @returns {Promise<Figures>}
 */
function figuresOf(name, program, args) {
  return new Promise((resolve, reject) => {
    const env = pythonEnvironment({ PYTHONWARNINGS: 'ignore' });
    const cwd = program === process.execPath ? root : trainerFolder;
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stderr.write(text);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) return reject(new Failure(`the benchmark '${name}' ended with exit code ${code}.`));
      const last = output.trim().split('\n').at(-1) ?? '';
      if (!last.startsWith('{')) {
        return reject(new Failure(`the benchmark '${name}' printed no JSON object in its last line.`));
      }
      return resolve(JSON.parse(last));
    });
  });
}
