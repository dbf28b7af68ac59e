// npm run demo [-- --method srft|sft|grpo|luffy|sft_rl] [--seed N] [--steps N] [--run-dir DIR] [--json]
// Makes everything ready, then hands over to src/cli/demo.ts, which starts the trainer and shows the run.
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { importBundled } from './lib/bundle.mjs';
import { root } from './lib/paths.mjs';
import { Failure, pythonEnvironment, runMain } from './lib/run.mjs';
import { ensurePython, setUp } from './lib/setup.mjs';

const methods = ['srft', 'sft', 'grpo', 'luffy', 'sft_rl'];
const usage = `npm run demo -- [--method ${methods.join('|')}] [--seed N] [--steps N] [--run-dir DIR] [--json]`;

await runMain(async () => {
  const { method, overrides, runDir, json, help } = readOptions();
  if (help) {
    console.log(usage);
    return 0;
  }
  const start = performance.now();
  await setUp();
  const python = await ensurePython();
  const { main } = await importBundled('demo', 'src/cli/demo.ts');
  const secondsSetup = (performance.now() - start) / 1000;
  const recipe = join('trainer', 'demo', 'recipes', `${method}.srft.json`);
  return main({ python, env: pythonEnvironment(), recipe, runDir, overrides, json, secondsSetup });
});

function readOptions() {
  const values = parsed();
  const method = values.method ?? 'srft';
  if (!methods.includes(method)) throw new Failure(`--method is '${method}'; take one of ${methods.join(', ')}.`);
  const overrides = [
    ...(values.seed === undefined ? [] : [`seed=${wholeNumber('seed', values.seed, 0)}`]),
    ...(values.steps === undefined ? [] : [`training.steps=${wholeNumber('steps', values.steps, 1)}`]),
  ];
  const when = new Date().toISOString().slice(0, 19).replaceAll(/[:-]/g, '').replace('T', '-');
  const runDir = values['run-dir'] ?? relative(root, join(root, 'runs', `demo-${method}-${when}`));
  return { method, overrides, runDir, json: values.json ?? false, help: values.help ?? false };
}

function parsed() {
  try {
    return parseArgs({
      options: {
        method: { type: 'string' },
        seed: { type: 'string' },
        steps: { type: 'string' },
        'run-dir': { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : error}\nUsage: ${usage}`);
  }
}

/** @param {string} name @param {string} text @param {number} least */
function wholeNumber(name, text, least) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new Failure(`--${name} is '${text}'; give a whole number from ${least}.`);
  }
  return value;
}
