// All tests, or one suite: npm test -- [--suite unit|python|workbench|ui|long] [-- arguments for its runner]
// The last line is `N passed, N failed`, the sum over the suites; a suite that ran no test is a failure.
import { parseArgs } from 'node:util';
import { Failure, runMain } from './lib/run.mjs';
import { seconds } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';
import { runSilently, suites } from './lib/suites.mjs';

await runMain(async () => {
  const chosen = chosenSuites();
  await setUp();
  let passed = 0;
  let failed = 0;
  const beside = startBeside(chosen);
  for (const { name, run } of chosen.suites) {
    const ran = beside.get(name) ?? timed(async () => ({ counts: await run(chosen.rest), written: '' }));
    const { counts, written, ms } = await ran;
    process.stdout.write(written);
    const ranNone = counts.passed + counts.failed === 0;
    passed += counts.passed;
    // A runner that ends badly without naming a failed test has still failed.
    failed += ranNone || counts.broke ? Math.max(counts.failed, 1) : counts.failed;
    const odd = ranNone ? ' (no test ran)' : counts.broke && counts.failed === 0 ? ' (the runner broke off)' : '';
    console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed${odd}, ${seconds(ms)}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});

/** Those that leave a core to the others run from the beginning; what they wrote is shown when their turn comes. */
function startBeside({ suites, rest }) {
  const started = suites.length === 1 ? [] : suites.filter(({ beside }) => beside);
  return new Map(
    started.map((suite) => {
      const ran = timed(() => runSilently(suite, rest));
      // A failure is told when its turn comes.
      ran.catch(() => undefined);
      return [suite.name, ran];
    }),
  );
}

/** @template T @param {() => Promise<T>} work */
async function timed(work) {
  const start = performance.now();
  return { ...(await work()), ms: performance.now() - start };
}

function chosenSuites() {
  const { values, positionals } = parseArgs({
    options: { suite: { type: 'string', multiple: true } },
    allowPositionals: true,
  });
  for (const name of values.suite ?? []) {
    if (!suites.some((suite) => suite.name === name)) {
      throw new Failure(`There is no suite '${name}'; take one of ${suites.map((suite) => suite.name).join(', ')}.`);
    }
  }
  const isChosen = (suite) => values.suite?.includes(suite.name) ?? suite.byDefault;
  return { suites: suites.filter(isChosen), rest: positionals };
}
