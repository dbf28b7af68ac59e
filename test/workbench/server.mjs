import { spawn, spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Nothing that moves by itself, asks questions or looks outside. @type {Record<string, unknown>} */
const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'typescript.disableAutomaticTypeAcquisition': true,
  'json.schemaDownload.enable': false,
  'npm.fetchOnlinePackageInfo': false,
  'git.autofetch': false,
  'git.openRepositoryInParentFolders': 'never',
  'editor.minimap.enabled': false,
  'files.simpleDialog.enable': true,
  // As on the desktop; in a browser VS Code saves by itself after a second.
  'files.autoSave': 'off',
  // A dirty untitled editor would otherwise open a box that waits for ever.
  'debug.saveBeforeStart': 'none',
};

const startLimitMs = 60_000;

/** Would lead a server of ours to somebody else's data, port or settings. */
const foreignVariables = [
  'PORT',
  'PASSWORD',
  'VSCODE_IPC_HOOK_CLI',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'NODE_OPTIONS',
];

/**
 * @typedef {object} ServerOptions
 * @property {string[]} [vsix] packaged extensions to install first
 * @property {string} [installed] folder of `installExtension`, whose content is there from the beginning
 * @property {Record<string, unknown>} [settings] over the quiet ones
 * @property {'all' | 'asked'} [trust] whether every folder is trusted, or opens in Restricted Mode until a person trusts it
 * @property {NodeJS.ProcessEnv} [env] over this process's; it reaches the extension host
 *
 * @typedef {object} Server
 * @property {string} url
 * @property {string} authority host and port
 * @property {string} folder everything it keeps; gone when it stops
 * @property {string} log path of what it printed
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a workbench on a free port of the loopback interface, with settings, extensions, home and temporary files in
 * a folder that goes when it stops.
 * @param {import('../../scripts/lib/workbenchHost.mjs').WorkbenchHost} host
 * @param {ServerOptions} [options]
 * @returns {Promise<Server>}
 */
export async function startServer(host, { vsix = [], installed, settings = {}, trust = 'all', env = {} } = {}) {
  const { node } = host;
  const folder = mkdtempSync(join(tmpdir(), 'srft-workbench-'));
  const place = throwAwayFolders(folder, settings);
  const common = commonArguments(host, place);
  const environment = environmentFor(node, place, env);
  if (installed !== undefined) cpSync(installed, place.extensions, { recursive: true });
  for (const file of vsix) installVsix(node, common, environment, file);

  const log = join(folder, 'server.log');
  const output = openSync(log, 'w');
  const args = [
    ...common,
    ...['--auth', 'none', '--bind-addr', '127.0.0.1:0'],
    ...['--disable-telemetry', '--disable-update-check', '--disable-proxy', '--ignore-last-opened'],
    '--disable-getting-started-override',
    ...(trust === 'all' ? ['--disable-workspace-trust'] : []),
    // A built workbench heeds the address's payload, which names tests and extensions in development, only with this.
    ...['--vscode-option', 'enable-smoke-test-driver'],
  ];
  // A group of its own, since a server is a tree of processes and some outlive the one that is told to stop.
  const child = spawn(node, args, { env: environment, stdio: ['ignore', output, output], detached: true });
  closeSync(output);
  const ended = new Promise((done) => child.once('exit', done));
  const killAll = () => killGroup(child.pid);
  process.once('exit', killAll);
  const stop = async () => {
    // Nothing in its folder is kept, so there is nothing to end well; a trainer is in a group of its own.
    killAll();
    process.off('exit', killAll);
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const authority = await listeningAddress(log, child);
    return { url: `http://${authority}`, authority, folder, log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Installs a packaged extension into a folder, for servers that are to start with it: installing takes seconds, a copy
 * does not.
 * @param {import('../../scripts/lib/workbenchHost.mjs').WorkbenchHost} host
 * @param {string} file
 * @param {string} target made anew
 */
export function installExtension(host, file, target) {
  const folder = mkdtempSync(join(tmpdir(), 'srft-workbench-'));
  try {
    const place = throwAwayFolders(folder, {});
    installVsix(host.node, commonArguments(host, place), environmentFor(host.node, place, {}), file);
    rmSync(target, { recursive: true, force: true });
    cpSync(place.extensions, target, { recursive: true });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @param {import('../../scripts/lib/workbenchHost.mjs').WorkbenchHost} host @param {ReturnType<typeof throwAwayFolders>} place */
function commonArguments({ codeServer }, place) {
  return [
    join(codeServer, 'out', 'node', 'entry.js'),
    ...['--config', place.config],
    ...['--user-data-dir', place.userData],
    ...['--extensions-dir', place.extensions],
  ];
}

/**
 * The address that opens the workbench.
 * @param {Server} server
 * @param {{ folder?: string, payload?: [key: string, value: string][] }} [open] folder: none opens an empty window
 */
export function workbenchUrl(server, { folder, payload } = {}) {
  const url = new URL(`${server.url}/`);
  if (folder === undefined) url.searchParams.set('ew', 'true');
  else url.searchParams.set('folder', folder);
  if (payload !== undefined) url.searchParams.set('payload', JSON.stringify(payload));
  return url.href;
}

/** How the workbench's page names a file on the server's disk. @param {Server} server @param {string} path */
export function remoteUri(server, path) {
  return `vscode-remote://${server.authority}${resolve(path)}`;
}

/** @param {string} folder @param {Record<string, unknown>} settings */
function throwAwayFolders(folder, settings) {
  const place = {
    userData: join(folder, 'user-data'),
    extensions: join(folder, 'extensions'),
    home: join(folder, 'home'),
    temporary: join(folder, 't'),
    config: join(folder, 'config.yaml'),
  };
  for (const path of [join(place.userData, 'User'), place.extensions, place.home, place.temporary]) {
    mkdirSync(path, { recursive: true });
  }
  writeFileSync(place.config, 'auth: none\n');
  const all = JSON.stringify({ ...quietSettings, ...settings }, undefined, 2);
  // Settings of the machine, such as a path to Python, are read from the second file alone in a remote window.
  for (const kind of ['User', 'Machine']) {
    mkdirSync(join(place.userData, kind), { recursive: true });
    writeFileSync(join(place.userData, kind, 'settings.json'), all);
  }
  return place;
}

/** @param {string} node @param {ReturnType<typeof throwAwayFolders>} place @param {NodeJS.ProcessEnv} extra */
function environmentFor(node, place, extra) {
  /** @type {NodeJS.ProcessEnv} */
  const environment = {
    ...process.env,
    HOME: place.home,
    // Sockets are left behind in the temporary folder.
    TMPDIR: place.temporary,
    PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}`,
    // No marketplace: nothing outside this machine is asked for.
    EXTENSIONS_GALLERY: '{}',
  };
  for (const name of foreignVariables) delete environment[name];
  return { ...environment, ...extra };
}

/** @param {string} node @param {string[]} common @param {NodeJS.ProcessEnv} env @param {string} file */
function installVsix(node, common, env, file) {
  const args = [...common, '--install-extension', resolve(file), '--force'];
  const { status, stdout, stderr } = spawnSync(node, args, { env, encoding: 'utf8' });
  if (status !== 0 || !stdout.includes('successfully installed')) {
    throw new Error(`${file} was not installed: ${stdout}${stderr}`);
  }
}

/** @param {string} log @param {import('node:child_process').ChildProcess} child */
async function listeningAddress(log, child) {
  const end = Date.now() + startLimitMs;
  while (Date.now() < end && child.exitCode === null && child.signalCode === null) {
    const authority = /HTTP server listening on http:\/\/(\S+?)\//.exec(readFileSync(log, 'utf8'))?.[1];
    if (authority !== undefined && (await isHealthy(authority))) return authority;
    await sleep(50);
  }
  throw new Error(`The workbench's server did not start:\n${readFileSync(log, 'utf8')}`);
}

/** @param {string} authority */
async function isHealthy(authority) {
  try {
    return (await fetch(`http://${authority}/healthz`)).ok;
  } catch {
    return false;
  }
}

/** @param {number | undefined} pid of its leader */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}
