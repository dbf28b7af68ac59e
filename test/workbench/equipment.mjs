/**
 * What a test in a workbench is given by the command that starts it, through one environment variable: tests are
 * bundled and run by another Node, so they cannot ask the scripts.
 * @typedef {import('../../scripts/lib/workbench.mjs').Workbench} Workbench
 * @typedef {object} Equipment
 * @property {string} root the project's folder
 * @property {string} reports a folder for counts, and for pictures of failures
 * @property {Workbench} [workbench] missing where the desktop's VS Code is used
 * @property {string} [installed] a folder with the packaged extension for this platform, installed, for the tests of the window
 */

const variable = 'SRFT_WORKBENCH';

/** @param {Equipment} equipment @returns {NodeJS.ProcessEnv} the environment to start tests with */
export function environmentOf(equipment) {
  return { ...process.env, [variable]: JSON.stringify(equipment) };
}

/** @returns {Equipment} */
export function equipment() {
  const text = process.env[variable];
  if (text === undefined) throw new Error(`${variable} is not set; start these tests with npm test.`);
  return JSON.parse(text);
}

/** The workbench of this run. @returns {Workbench} */
export function givenWorkbench() {
  const { workbench } = equipment();
  if (workbench === undefined) throw new Error('These tests were started without a workbench.');
  return workbench;
}
