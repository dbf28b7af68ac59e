// Format, lint, types and generated files of both languages. Every step runs, even after one has failed.
import { join } from 'node:path';
import { filesBelow } from './lib/files.mjs';
import { root, trainerFolder, venvFolder, venvProgram } from './lib/paths.mjs';
import { rooms } from './lib/rooms.mjs';
import { run, runMain } from './lib/run.mjs';
import { seconds } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';
import { ensureWorkbenchPackages } from './lib/workbench.mjs';

const node = process.execPath;
/** @param {string} path inside node_modules */
const tool = (path) => join(root, 'node_modules', path);

/** @type {[name: string, program: string, args: string[], folder?: string][]} */
const steps = [
  ['generated files', node, ['scripts/generate.mjs', '--check']],
  ['prettier', node, [tool('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']],
  ['eslint', node, [tool('eslint/bin/eslint.js'), '--max-warnings=0', '.']],
  ...rooms.filter(hasFiles).map(typeCheck),
  ['ruff check', venvProgram('ruff'), ['check', '--quiet', '--output-format', 'concise', '.'], trainerFolder],
  ['ruff format', venvProgram('ruff'), ['format', '--check', '--quiet', '.'], trainerFolder],
  ['ty', venvProgram('ty'), ['check', '--output-format', 'concise', '--python', venvFolder, '.'], trainerFolder],
];

await runMain(async () => {
  await setUp();
  // Their types are needed, not what they start.
  await ensureWorkbenchPackages();
  const failed = [];
  for (const [name, program, args, folder = root] of steps) {
    const start = performance.now();
    const ok = (await run(program, args, { cwd: folder })) === 0;
    console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name}  ${seconds(performance.now() - start)}`);
    if (!ok) failed.push(name);
  }
  console.log(
    failed.length === 0 ? `All ${steps.length} checks passed.` : `Failed: ${failed.join(', ')}. Try npm run fix.`,
  );
  return failed.length === 0 ? 0 : 1;
});

/** @param {import('./lib/rooms.mjs').Room} room @returns {[string, string, string[]]} */
function typeCheck({ folder }) {
  return [`tsc ${folder}`, node, [tool('typescript/bin/tsc'), '--pretty', 'false', '--project', folder]];
}

/** tsc calls a room without sources an error. @param {import('./lib/rooms.mjs').Room} room */
function hasFiles({ folder }) {
  return filesBelow(folder).some((path) => /\.m?[tj]s$/.test(path));
}
