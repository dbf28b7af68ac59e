/**
 * What a test in a workbench is given by the command that starts it, through one environment variable: tests are
 * bundled and run by another Node, so they cannot ask the scripts.
 * @typedef {import('../../scripts/lib/workbench.mjs').Workbench} Workbench
 * @typedef {Workbench & { vsix?: string, reports: string }} Equipment
 *   vsix: the packaged extension for this platform; reports: a folder for pictures of failures
 */

const variable = 'SRFT_WORKBENCH';

/** @param {Equipment} equipment @returns {NodeJS.ProcessEnv} the environment to start tests with */
export function environmentOf(equipment) {
  return { ...process.env, [variable]: JSON.stringify(equipment) };
}

/** @returns {Equipment} */
export function equipment() {
  const text = process.env[variable];
  if (text === undefined) throw new Error(`${variable} is not set; start these tests with npm test -- --suite ui.`);
  return JSON.parse(text);
}
