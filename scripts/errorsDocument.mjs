// Writes docs/errors.md: runs every test that provokes a refusal, and sets down what was given and what was said.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesBelow } from './lib/files.mjs';
import { root, trainerFolder } from './lib/paths.mjs';
import { Failure, pythonEnvironment, run, runMain } from './lib/run.mjs';
import { say } from './lib/say.mjs';
import { ensurePython } from './lib/setup.mjs';

/** @typedef {{ section: string, given: string, sentence: string }} Row */

const head = `# Errors

What the trainer says when something is wrong: each time one sentence with the place, the fault and the remedy.
Input that is wrong ends a command with exit code 2, a disk that refuses with 1; what a run survives is an event or a note in it.
\`--debug\` adds the traceback.

This page is written by the tests that provoke each of these (\`npm run docs:errors\`); do not edit it.
`;

await runMain(async () => {
  const python = await ensurePython();
  const folder = mkdtempSync(join(tmpdir(), 'srft-errors-'));
  try {
    const table = join(folder, 'errors.jsonl');
    const tests = testsThatRecord();
    say(`running ${tests.length} files of tests; this takes a minute or two`);
    const code = await run(python, ['-m', 'pytest', '-q', '-m', 'not long and not gpu', ...tests], {
      cwd: trainerFolder,
      env: pythonEnvironment({ SRFT_ERROR_TABLE: table, OMP_NUM_THREADS: '1' }),
    });
    if (code !== 0) throw new Failure('the tests did not pass, so docs/errors.md stays as it was.');
    const rows = readFileSync(table, 'utf8').trimEnd().split('\n');
    writeFileSync(join(root, 'docs/errors.md'), document(rows.map((line) => JSON.parse(line))));
    say('wrote docs/errors.md');
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Files of tests, relative to the trainer's folder, that record refusals or use a table of them. */
function testsThatRecord() {
  return filesBelow('trainer/tests')
    .filter((path) => /\/test_\w+\.py$/u.test(path))
    .filter((path) => readFileSync(join(root, path), 'utf8').includes('from tests.error_table import'))
    .map((path) => path.slice('trainer/'.length));
}

/** @param {Row[]} rows */
function document(rows) {
  const sections = [...new Set(rows.map((row) => row.section))].sort();
  const tables = sections.map((section) => {
    /** @type {Map<string, string>} Of several tests that give the same, the first sentence by order. */
    const said = new Map();
    const own = rows.filter((row) => row.section === section);
    for (const { given, sentence } of own.sort(bySentence)) if (!said.has(given)) said.set(given, sentence);
    const lines = [...said]
      .sort(([a], [b]) => order(a, b))
      .map(([given, sentence]) => `| ${cell(given)} | ${cell(sentence)} |`);
    return `## ${section[0]?.toUpperCase()}${section.slice(1)}\n\n| given | said |\n|---|---|\n${lines.join('\n')}\n`;
  });
  return `${head}\n${tables.join('\n')}`;
}

/** @param {Row} a @param {Row} b */
function bySentence(a, b) {
  return order(a.sentence, b.sentence);
}

/** By code units, the same on every machine. @param {string} a @param {string} b */
function order(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A table's cell: one line, nothing read as markup. @param {string} text */
function cell(text) {
  return text
    .replaceAll(/\s*\n\s*/gu, ' ')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;');
}
