import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { filesBelow } from './files.mjs';
import { pythonOf, srftFolder, trainerFolder, venvFolder } from './paths.mjs';
import { pythonEnvironment, run } from './run.mjs';
import { ensureLongPackages } from './setup.mjs';
import { integrationTests, prepareUiTests } from './workbenchSuites.mjs';

/**
 * @typedef {{ passed: number, failed: number, broke: boolean }} Counts broke: the runner itself ended with an error
 * @typedef {object} Suite
 * @property {string} name
 * @property {boolean} byDefault whether `npm test` runs it
 * @property {boolean} [beside] may run beside others, with its output in a file
 * @property {(rest: string[], output?: number) => Promise<Counts>} run
 */

/** @type {readonly Suite[]} */
export const suites = [
  { name: 'unit', byDefault: true, run: unitTests },
  // Inside the extension host of a real workbench.
  { name: 'workbench', byDefault: true, run: () => integrationTests() },
  // One core is enough for it, as for the two above.
  {
    name: 'python',
    byDefault: true,
    beside: true,
    run: (rest, output) => pytest('python', 'not long and not gpu', rest, output),
  },
  // Mouse and keyboard on the packaged extension.
  {
    name: 'ui',
    byDefault: true,
    run: async (rest) => {
      const { bundles, env } = await prepareUiTests();
      // Two windows at a time: each is a browser and a server. Three take as long, on two cores.
      return nodeTests('ui', bundles, ['--test-concurrency=2', ...rest], env);
    },
  },
  {
    name: 'long',
    byDefault: false,
    run: async (rest) => {
      await ensureLongPackages();
      return pytest('long', 'long and not gpu', rest);
    },
  },
];

/**
 * Tests are found, never listed: every *.test.ts below the folder.
 * @param {string[]} rest
 */
async function unitTests(rest) {
  const entries = filesBelow('test/unit').filter((path) => path.endsWith('.test.ts'));
  return nodeTests('unit', await bundle('test', entries), rest, process.env);
}

/**
 * @param {string} name
 * @param {string[]} bundles
 * @param {string[]} rest
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Counts>}
 */
async function nodeTests(name, bundles, rest, env) {
  if (bundles.length === 0) return { passed: 0, failed: 0, broke: false };
  const report = freshReport(`${name}.tap`);
  const reporters = ['spec', 'stdout', 'tap', report];
  const args = [
    '--enable-source-maps',
    '--test',
    ...reporters.map((value, index) =>
      index % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
    ),
    ...rest,
    ...bundles,
  ];
  const code = await run(process.execPath, args, { env });
  return tapCounts(existsSync(report) ? readFileSync(report, 'utf8') : '', code !== 0);
}

/** @param {string} tap @param {boolean} broke @returns {Counts} */
export function tapCounts(tap, broke) {
  const count = (name) => Number(tap.match(new RegExp(`^# ${name} (\\d+)$`, 'm'))?.[1] ?? 0);
  // Node counts a file that holds no test as one that passed.
  const empty = tap.match(/^ok \d+ - .*\.test\.mjs$/gm)?.length ?? 0;
  return { passed: count('pass') - empty, failed: count('fail') + count('cancelled') + empty, broke };
}

/**
 * @param {string} name
 * @param {string} marks
 * @param {string[]} rest
 * @param {number} [output] an open file
 * @returns {Promise<Counts>}
 */
async function pytest(name, marks, rest, output) {
  const report = freshReport(`${name}.xml`);
  const code = await run(pythonOf(venvFolder), ['-m', 'pytest', '-m', marks, `--junit-xml=${report}`, ...rest], {
    output,
    cwd: trainerFolder,
    env: pythonEnvironment({ TOKENIZERS_PARALLELISM: 'false', HF_HUB_OFFLINE: '1' }),
  });
  // 5 is pytest's word for "no tests ran", which the counts say too.
  return junitCounts(existsSync(report) ? readFileSync(report, 'utf8') : '', code !== 0 && code !== 5);
}

/** @param {string} xml @param {boolean} broke @returns {Counts} */
export function junitCounts(xml, broke) {
  const suite = xml.match(/<testsuite [^>]*>/)?.[0] ?? '';
  const count = (name) => Number(suite.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  return { passed: count('tests') - failed - count('skipped'), failed, broke };
}

/**
 * Runs a suite without showing what it writes.
 * @param {Suite} suite
 * @param {string[]} rest
 * @returns {Promise<{ counts: Counts, written: string }>}
 */
export async function runSilently(suite, rest) {
  const path = freshReport(`${suite.name}.out`);
  const output = openSync(path, 'w');
  try {
    return { counts: await suite.run(rest, output), written: readFileSync(path, 'utf8') };
  } finally {
    closeSync(output);
  }
}

/** A place for a report, without the last run's. @param {string} name */
function freshReport(name) {
  const folder = join(srftFolder, 'reports');
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, name), { force: true });
  return join(folder, name);
}
