import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { environmentOf } from '../../test/workbench/equipment.mjs';
import { installExtension } from '../../test/workbench/server.mjs';
import { buildExtension } from './extensionBundle.mjs';
import { filesBelow } from './files.mjs';
import { pythonOf, root, srftFolder, venvFolder } from './paths.mjs';
import { findUv } from './python.mjs';
import { capture, Failure, run } from './run.mjs';
import { packageExtension, targetOfThisMachine } from './vsix.mjs';
import { ensureWorkbench, ensureWorkbenchPackages, workbenchRoom } from './workbench.mjs';

/** Inside the room's node_modules, so that bundles find its packages and nothing lints, formats or commits them. */
const bundleFolder = join(workbenchRoom, 'node_modules', '.cache', 'srft');

const reports = join(srftFolder, 'reports');

/**
 * The tests inside the extension host, on the development build, with a recorded run in the workspace.
 * @returns {Promise<import('./suites.mjs').Counts>}
 */
export async function integrationTests() {
  const entries = testsBelow('test/workbench/integration');
  if (entries.length === 0) return { passed: 0, failed: 0, broke: false };
  const { node, given } = await integrationHost();
  await buildExtension({ minify: false });
  await bundleTests('integration', [...entries, 'test/workbench/integration/runner.ts'], 'cjs');
  mkdirSync(reports, { recursive: true });
  const report = join(reports, 'workbench.json');
  rmSync(report, { force: true });
  const workspace = mkdtempSync(join(tmpdir(), 'srft-workspace-'));
  try {
    cpSync(join(root, 'test/fixtures/runs/rich'), join(workspace, 'runs', 'rich'), { recursive: true });
    const runner = join(bundleFolder, 'integration', 'runner.cjs');
    const env = environmentOf({ root, reports, ...given });
    // The stand-in for `code` is found by the first Node in PATH.
    env['PATH'] = `${dirname(node)}${delimiter}${env['PATH'] ?? ''}`;
    const launcher = join(workbenchRoom, 'integration', 'launch.mjs');
    const code = await run(node, [launcher, root, runner, workspace], { env });
    const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
    return { passed: counts?.passed ?? 0, failed: counts?.failed ?? 0, broke: code !== 0 || counts === undefined };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

/**
 * Makes ready what the tests of the packaged extension need.
 * @returns {Promise<{ bundles: string[], env: NodeJS.ProcessEnv }>} bundles: of node:test, none when there are no tests
 */
export async function prepareUiTests() {
  const entries = testsBelow('test/workbench/ui');
  if (entries.length === 0) return { bundles: [], env: {} };
  const workbench = await ensureWorkbench();
  const { files } = await packageExtension({ targets: [targetOfThisMachine()] });
  const bundles = await bundleTests('ui', entries, 'esm');
  const installed = join(bundleFolder, 'installed');
  for (const { path } of files) installExtension(workbench, path, installed);
  const env = environmentOf({ root, reports, workbench, installed });
  return { bundles, env: { ...env, UV_CACHE_DIR: await uvCache() } };
}

/** A test window has a home of its own; without this cache an environment made in it would fetch gigabytes again. */
async function uvCache() {
  const { stdout } = capture(await findUv(pythonOf(venvFolder)), ['cache', 'dir']);
  return stdout.trim();
}

/** What runs the tests inside the extension host: code-server on Linux, elsewhere a desktop that test-electron fetches. */
async function integrationHost() {
  if (process.platform === 'linux') {
    const workbench = await ensureWorkbench();
    return { node: workbench.node, given: { workbench } };
  }
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 22) {
    throw new Failure(`The tests in VS Code need Node 22 or newer here, and this is Node ${process.versions.node}.`);
  }
  await ensureWorkbenchPackages();
  return { node: process.execPath, given: {} };
}

/** @param {string} folder */
function testsBelow(folder) {
  return filesBelow(folder).filter((path) => path.endsWith('.test.ts'));
}

/** @param {string} name @param {string[]} entries @param {'cjs' | 'esm'} format @returns {Promise<string[]>} */
async function bundleTests(name, entries, format) {
  // Imported here, since it comes with npm ci.
  const { build } = await import('esbuild');
  const outbase = `test/workbench/${name}`;
  const outdir = join(bundleFolder, name);
  const extension = format === 'cjs' ? '.cjs' : '.mjs';
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outbase,
    outdir,
    outExtension: { '.js': extension },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format,
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return entries.map((entry) => join(outdir, entry.slice(outbase.length + 1).replace(/\.ts$/, extension)));
}
