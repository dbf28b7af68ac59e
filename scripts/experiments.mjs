// npm run experiments [-- --seconds 60 --seeds 5 --only demo]: compares the methods on the demo, writes docs/experiments.md.
import { pythonEnvironment, run, runMain } from './lib/run.mjs';
import { ensurePython, setUp } from './lib/setup.mjs';

await runMain(async () => {
  await setUp();
  const python = await ensurePython();
  return run(python, ['-m', 'experiments', ...process.argv.slice(2)], { env: pythonEnvironment() });
});
