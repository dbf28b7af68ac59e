const everySeconds = 10;

/** Progress goes to stderr, so that what a command prints for programs stays clean. @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Names a piece of work, repeats the time every few seconds while it lasts, and says how long it took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function timed(what, work) {
  const start = performance.now();
  say(`• ${what} …`);
  const ticker = process.stderr.isTTY
    ? undefined
    : setInterval(() => say(`  … ${seconds(performance.now() - start)} so far`), everySeconds * 1000);
  try {
    const result = await work();
    say(`  done in ${seconds(performance.now() - start)}`);
    return result;
  } finally {
    clearInterval(ticker);
  }
}

/** @param {number} milliseconds */
export function seconds(milliseconds) {
  return milliseconds < 60_000
    ? `${(milliseconds / 1000).toFixed(1)} s`
    : `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}
