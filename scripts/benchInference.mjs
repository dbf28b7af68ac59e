// npm run bench:inference [-- --only KEY …] [--rounds N]: how fast a checkpoint answers in the extension, against torch and the
// trainer's own sampler (docs/benchmarks.md). A table, and one JSON object in the last line. Wants a quiet machine.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { importBundled } from './lib/bundle.mjs';
import { buildModelProcess, distFolder } from './lib/extensionBundle.mjs';
import { chosenFigures, printFigures } from './lib/figureTable.mjs';
import { copyNativeFiles } from './lib/nativeRuntime.mjs';
import { pythonOf, srftFolder, trainerFolder, venvFolder } from './lib/paths.mjs';
import { Failure, run, runMain } from './lib/run.mjs';
import { say, timed } from './lib/say.mjs';
import { ensureLongPackages, setUp } from './lib/setup.mjs';

/** @type {Record<string, import('./lib/figureTable.mjs').Target>} in the order of the last line */
const targets = {
  score_vs_torch: { is: '≤', than: 1.5 },
  decode_vs_torch_b1: { is: '≥', than: 0.7 },
  decode_vs_torch_b8: { is: '≥', than: 0.7 },
  open_135m_s: { is: '<', than: 2 },
  host_block_ms: { is: '<', than: 20 },
  graph_kb: { is: '<', than: 300 },
};

const threads = 2;

await runMain(async () => {
  const { wanted, rounds } = readOptions();
  await setUp();
  await ensureLongPackages();
  const python = pythonOf(venvFolder);
  const folder = join(srftFolder, 'examples', 'smollm2');
  const model = join(folder, 'model');
  if (!existsSync(model)) {
    const code = await run(python, ['examples/smollm2/prepare.py', folder], { cwd: trainerFolder });
    if (code !== 0) throw new Failure('the model could not be prepared (see above).');
  }
  await buildModelProcess(distFolder, { minify: true });
  copyNativeFiles(`${process.platform}-${process.arch}`, distFolder);
  /** @type {typeof import('../src/cli/benchInference')} */
  const { measureInference } = await importBundled('bench', 'src/cli/benchInference.ts');
  /** @type {Readonly<Record<string, number>>} */
  let figures = {};
  await timed('measuring', async () => {
    figures = await measureInference({
      model,
      entry: join(distFolder, 'modelProcess.cjs'),
      peer: {
        program: python,
        args: ['-m', 'benchmarks.inference', model, '--threads', String(threads)],
        cwd: trainerFolder,
      },
      threads,
      rounds,
    });
  });
  printFigures(wanted, figures, targets);
  const besides = Object.entries(figures).filter(([key]) => !(key.replace(/_(min|max)$/, '') in targets));
  say(`besides: ${besides.map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`).join(', ')}`);
  console.log(JSON.stringify(Object.fromEntries(wanted.map((key) => [key, figures[key] ?? null]))));
  return 0;
});

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({ options: { only: { type: 'string', multiple: true }, rounds: { type: 'string' } } }));
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : error} Options are --only KEY and --rounds N.`);
  }
  const rounds = values.rounds ?? '5';
  if (!/^[1-9]\d*$/.test(rounds)) throw new Failure(`--rounds is '${rounds}', not a number.`);
  return { wanted: chosenFigures(Object.keys(targets), values.only), rounds: Number(rounds) };
}
