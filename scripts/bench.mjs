// npm run bench [-- NAME …]: the figures of the project, or the named benchmarks alone; one JSON object as the last line.
// A benchmark is a file in trainer/benchmarks that prints its figures as a JSON object in its last line; one whose
// name begins with `peer_` runs in the peer's environment. `rollout_read` is the TypeScript side's own.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './lib/bundle.mjs';
import { root, trainerFolder } from './lib/paths.mjs';
import { Failure, pythonEnvironment, runMain } from './lib/run.mjs';
import { timed } from './lib/say.mjs';
import { ensurePeer, ensurePython, setUp } from './lib/setup.mjs';

await runMain(async () => {
  const all = benchmarks();
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !all.has(name));
  if (unknown !== undefined) {
    throw new Failure(`There is no benchmark '${unknown}'; take some of ${[...all.keys()].join(', ')}.`);
  }
  await setUp();
  const figures = {};
  for (const [name, command] of all) {
    if (names.length > 0 && !names.includes(name)) continue;
    const [program, args] = await command();
    await timed(name, async () => Object.assign(figures, await figuresOf(program, args)));
  }
  console.log(JSON.stringify(figures));
  return 0;
});

/** @returns {Map<string, () => Promise<[program: string, args: string[]]>>} how each benchmark is run, by name */
function benchmarks() {
  const found = new Map();
  found.set('rollout_read', async () => {
    const [module = ''] = await bundle('bench', ['src/cli/benchRolloutRead.ts']);
    const call = `import { main } from ${JSON.stringify(pathToFileURL(module).href)}; process.exitCode = await main();`;
    return [process.execPath, ['--input-type=module', '--eval', call]];
  });
  const folder = join(trainerFolder, 'benchmarks');
  for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
    if (!/^[a-z]\w*\.py$/.test(file)) continue;
    const python = file.startsWith('peer_') ? ensurePeer : ensurePython;
    found.set(file.slice(0, -'.py'.length), async () => [await python(), [join(folder, file)]]);
  }
  return found;
}

/** Passes a benchmark's output on to stderr and reads the figures in its last line. @param {string} program @param {string[]} args */
function figuresOf(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env: pythonEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stderr.write(text);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) return reject(new Failure(`the benchmark ended with exit code ${code}.`));
      const last = output.trim().split('\n').at(-1) ?? '';
      if (!last.startsWith('{')) return reject(new Failure('the benchmark printed no JSON object in its last line.'));
      return resolve(JSON.parse(last));
    });
  });
}
