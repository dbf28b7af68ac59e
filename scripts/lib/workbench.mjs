import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { npmScript, root, srftFolder } from './paths.mjs';
import { Failure, run } from './run.mjs';
import { timed } from './say.mjs';
import { hashOf, readStamp, removeStamp, writeStamp } from './stamp.mjs';
import { inflateBrowser, inflatedBrowser, inflatedProgram, installedBrowser } from './workbenchBrowser.mjs';
import { hostIn, hostKey, installHost } from './workbenchHost.mjs';

/** The room of the tests in a workbench, with packages of its own that no other command needs. */
export const workbenchRoom = join(root, 'test', 'workbench');

/** What is installed for it; may be deleted at any time. */
export const workbenchFolder = join(srftFolder, 'workbench');

/**
 * What a test in a real workbench runs on.
 * @typedef {object} Workbench
 * @property {string} node a Node that code-server takes
 * @property {string} codeServer its folder
 * @property {import('./workbenchBrowser.mjs').Browser} browser
 */

/** Makes a real workbench ready: packages, VS Code for the browser, a browser; quick when it is. @returns {Promise<Workbench>} */
export async function ensureWorkbench() {
  await ensureWorkbenchPackages();
  const host = await ensureWorkbenchHost();
  return { ...host, browser: await ensureBrowser() };
}

/** The npm packages of test/workbench/package-lock.json. */
export async function ensureWorkbenchPackages() {
  const lock = join(workbenchRoom, 'package-lock.json');
  await once('workbench-packages', hashOf([lock]), join(workbenchRoom, 'node_modules'), async () => {
    const npm = npmScript();
    if (npm === undefined) throw new Failure('npm was not found beside Node; start the command with `npm run …`.');
    await timed('fetching the packages of the workbench tests (about 105 MB)', async () => {
      // Some packages name a newer Node than they need; what is run here was tried on Node 20.
      const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      const code = await run(process.execPath, [npm, 'ci', ...quiet], { cwd: workbenchRoom, toStderr: true });
      if (code !== 0) throw new Failure('npm ci failed (see above); check the network and run the command again.');
    });
  });
}

/** VS Code for the browser alone, for a person who has a browser. @returns {Promise<import('./workbenchHost.mjs').WorkbenchHost>} */
export async function ensureWorkbenchHost() {
  const folder = join(workbenchFolder, 'host');
  const entry = join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
  await once('workbench-host', hostKey, entry, () => installHost(folder));
  return hostIn(folder);
}

async function ensureBrowser() {
  const installed = installedBrowser();
  if (installed !== undefined) return installed;
  const folder = join(workbenchFolder, 'browser');
  const key = hashOf([join(workbenchRoom, 'package-lock.json')]);
  await once('workbench-browser', key, inflatedProgram(folder), () => inflateBrowser(folder, workbenchRoom));
  return inflatedBrowser(folder);
}

/**
 * Does a piece of set-up unless its stamp says that it is done and its result is there.
 * @param {string} stamp
 * @param {string} key
 * @param {string} result
 * @param {() => Promise<void>} work
 */
async function once(stamp, key, result, work) {
  const isReady = () => readStamp(stamp) === key && existsSync(result);
  if (isReady()) return;
  await withLock(async () => {
    if (isReady()) return;
    removeStamp(stamp);
    await work();
    writeStamp(stamp, key);
  });
}
