// npm run build [-- --development]: the extension into dist/, ready to be run by a workbench.
import { buildExtension } from './lib/extensionBundle.mjs';
import { runMain } from './lib/run.mjs';
import { ensureNodeModules } from './lib/setup.mjs';

await runMain(async () => {
  await ensureNodeModules();
  const sizes = await buildExtension({ minify: !process.argv.includes('--development') });
  console.log(JSON.stringify(sizes));
  return 0;
});
