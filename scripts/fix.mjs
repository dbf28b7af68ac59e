// The writing twin of check.mjs: generates, formats, and mends what the linters can mend.
import { join } from 'node:path';
import { root, trainerFolder, venvProgram } from './lib/paths.mjs';
import { run, runMain } from './lib/run.mjs';
import { setUp } from './lib/setup.mjs';

await runMain(async () => {
  await setUp();
  const codes = [
    await run(process.execPath, ['scripts/generate.mjs']),
    await run(process.execPath, [join(root, 'node_modules/eslint/bin/eslint.js'), '--fix', '--max-warnings=0', '.']),
    await run(process.execPath, [
      join(root, 'node_modules/prettier/bin/prettier.cjs'),
      '--write',
      '--log-level',
      'warn',
      '.',
    ]),
    await run(venvProgram('ruff'), ['check', '--fix', '--quiet', '--output-format', 'concise', '.'], {
      cwd: trainerFolder,
    }),
    await run(venvProgram('ruff'), ['format', '--quiet', '.'], { cwd: trainerFolder }),
  ];
  return codes.every((code) => code === 0) ? 0 : 1;
});
