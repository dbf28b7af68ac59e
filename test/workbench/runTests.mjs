import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { format } from 'node:util';
import { launchBrowser, screenshot } from './browser.mjs';
import { remoteUri, startServer, workbenchUrl } from './server.mjs';

/** What VS Code itself says in every run. */
const noise =
  /^(Ignoring fetching|Creating a socket|Resolv|\[Service Worker\]|\[reconnection|\[AgentHost|\[AccountPolicy|Updating additional|Started local|Settings Sync|%c)/;

/** How long an exit code may take to come after the extension host has ended. */
const graceMs = 8_000;

/**
 * @typedef {object} TestRun
 * @property {string[]} extensionDevelopmentPaths extensions that are not installed but taken from their folders
 * @property {string} extensionTestsPath a CommonJS module with `run()`, for the extension host
 * @property {string | undefined} folder the workspace; undefined is an empty window
 * @property {number} timeoutMs
 * @property {string} [picture] where to keep a picture of the window when the run fails
 */

/**
 * Does in code-server's extension host what @vscode/test-electron does in the desktop's.
 * VS Code reports success when the extension host dies in the middle, so success counts only together with the report
 * that the tests write at their end (integration/runner.ts).
 * @param {import('./equipment.mjs').Workbench} workbench
 * @param {TestRun} testRun
 * @returns {Promise<{ ok: boolean, reason: string }>}
 */
export async function runTests(workbench, { folder, picture, timeoutMs, ...paths }) {
  const server = await startServer(workbench);
  const browser = await launchBrowser(workbench);
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    const end = exitOf(page);
    await page.exposeFunction('codeAutomationLog', printed);
    await page.goto(
      workbenchUrl(server, { ...(folder === undefined ? {} : { folder }), payload: payloadOf(server, paths) }),
    );
    const late = sleep(timeoutMs, { ok: false, reason: `no end within ${timeoutMs / 1000} s` }, { ref: false });
    const result = await Promise.race([end, late, deathWithoutExit(server)]);
    if (!result.ok && picture !== undefined) await screenshot(page, picture);
    return result;
  } finally {
    await browser.close();
    await server.stop();
  }
}

/**
 * @param {import('./server.mjs').Server} server
 * @param {Pick<TestRun, 'extensionDevelopmentPaths' | 'extensionTestsPath'>} paths
 * @returns {[string, string][]}
 */
function payloadOf(server, { extensionDevelopmentPaths, extensionTestsPath }) {
  return [
    ...extensionDevelopmentPaths.map(
      (path) => /** @type {[string, string]} */ (['extensionDevelopmentPath', remoteUri(server, path)]),
    ),
    ['extensionTestsPath', remoteUri(server, extensionTestsPath)],
    ['skipWelcome', 'true'],
  ];
}

/** The workbench calls this function of the page when `run()` has ended. @param {import('playwright-core').Page} page */
function exitOf(page) {
  /** @type {Promise<{ ok: boolean, reason: string }>} */
  const end = new Promise((resolve, reject) => {
    page.on('crash', () => {
      resolve({ ok: false, reason: 'the page crashed' });
    });
    page
      .exposeFunction('codeAutomationExit', (code) => {
        resolve({ ok: code === 0, reason: `exit code ${code}` });
      })
      .catch(reject);
  });
  return end;
}

/** Everything the extension host prints with console.*. @param {string} type @param {unknown[]} args */
function printed(type, args) {
  const line = format(...args);
  if (!noise.test(line)) process.stdout.write(`${type === 'error' ? '[error] ' : ''}${line}\n`);
}

/** @param {import('./server.mjs').Server} server */
async function deathWithoutExit(server) {
  let death;
  while (death === undefined) {
    await sleep(300, undefined, { ref: false });
    death = hostEnd(server);
  }
  await sleep(graceMs, undefined, { ref: false });
  return { ok: false, reason: `the extension host ended without an exit code: ${death}` };
}

/** @param {import('./server.mjs').Server} server */
function hostEnd({ log }) {
  let text;
  try {
    text = readFileSync(log, 'utf8');
  } catch {
    return undefined;
  }
  const [, code, signal] = /Extension Host Process exited with code: (\S+), signal: (\S+?)\.\s/.exec(text) ?? [];
  return code === undefined ? undefined : `code ${code}, signal ${signal}`;
}
