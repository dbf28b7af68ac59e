// npm run package [-- --json] [--target linux-x64 …]: the files that are published, into .srft/vsix.
// With --json the last line holds the figures: sizes of the bundles and of each file, the list of what is in all of
// them, and of what each has besides for its own platform.
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './lib/paths.mjs';
import { Failure, runMain } from './lib/run.mjs';
import { ensureNodeModules } from './lib/setup.mjs';
import { ceilings, packageExtension, targets } from './lib/vsix.mjs';

await runMain(async () => {
  const options = parsed();
  await ensureNodeModules();
  const { sizes, contents, files } = await packageExtension({ targets: options.target ?? targets });
  for (const [name, ceiling] of Object.entries(ceilings)) console.log(`${name}: ${sizes[name]} (below ${ceiling})`);
  for (const { path, bytes } of files) console.log(`${relative(root, path)}  ${(bytes / 1e6).toFixed(2)} MB`);
  if (options.json) {
    const vsix = Object.fromEntries(files.map(({ target, bytes }) => [target, bytes]));
    const native = Object.fromEntries(files.map((file) => [file.target, file.native]));
    console.log(JSON.stringify({ ...sizes, vsix, files: contents, native }));
  }
  return 0;
});

function parsed() {
  try {
    return parseArgs({ options: { json: { type: 'boolean' }, target: { type: 'string', multiple: true } } }).values;
  } catch (error) {
    throw new Failure(
      `${error instanceof Error ? error.message : error}\nUsage: npm run package -- [--json] [--target T]`,
    );
  }
}
