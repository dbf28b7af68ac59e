// npm run inspect -- RUN [--rollout ID | --step N]: a run directory in the terminal. Needs no Python.
import { importBundled } from './lib/bundle.mjs';
import { runMain } from './lib/run.mjs';
import { ensureNodeModules } from './lib/setup.mjs';

await runMain(async () => {
  await ensureNodeModules();
  const { main } = await importBundled('inspect', 'src/cli/inspect.ts');
  return main(process.argv.slice(2));
});
