import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './paths.mjs';

/** What the extension is made of, below the root. */
export const distFolder = join(root, 'dist');

/**
 * Bundles the extension host's and the webview's side into dist/.
 * @param {{ minify: boolean }} options
 * @returns {Promise<{ host_bundle_bytes: number, host_beside_bytes: number, webview_bundle_bytes: number, webview_bundle_gzip_bytes: number }>}
 */
export async function buildExtension({ minify }) {
  // Imported here, since it comes with npm ci.
  const { build } = await import('esbuild');
  rmSync(distFolder, { recursive: true, force: true });
  mkdirSync(join(distFolder, 'webview'), { recursive: true });
  const host = await buildHost(distFolder, { minify });
  await build({
    ...commonOptions({ minify }),
    ...pageOptions,
    entryPoints: { panel: 'webview/panel.tsx', group: 'webview/group.tsx' },
    outdir: join(distFolder, 'webview'),
    target: 'chrome120',
    loader: { '.ttf': 'file' },
  });
  await buildReport(join(distFolder, 'webview'));
  copyFileSync(join(root, 'node_modules/@vscode/codicons/dist/codicon.ttf'), join(distFolder, 'webview/codicon.ttf'));
  const script = readFileSync(join(distFolder, 'webview/panel.js'));
  return {
    ...host,
    webview_bundle_bytes: script.length,
    webview_bundle_gzip_bytes: gzipSync(script, { level: 9 }).length,
  };
}

/**
 * The host's side: what is imported on demand is a file of its own.
 * @param {string} outdir
 * @param {{ minify: boolean, from?: string }} options from: the project's folder
 * @returns {Promise<{ host_bundle_bytes: number, host_beside_bytes: number }>}
 */
export async function buildHost(outdir, { minify, from = root }) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    ...commonOptions({ minify, from }),
    entryPoints: ['src/extension.ts', 'src/runs/recordThread.ts'],
    entryNames: '[name]',
    chunkNames: 'host/[name]-[hash]',
    outdir,
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    format: 'esm',
    splitting: true,
    metafile: true,
    target: 'node20',
    external: ['vscode'],
    // The UMD builds of some packages ask for files that a bundle does not have.
    mainFields: ['module', 'main'],
  });
  return hostSizes(metafile);
}

/** @param {{ minify: boolean, from?: string }} options */
function commonOptions({ minify, from = root }) {
  return {
    absWorkingDir: from,
    bundle: true,
    minify,
    sourcemap: minify ? /** @type {const} */ (false) : /** @type {const} */ ('linked'),
    logLevel: /** @type {const} */ ('warning'),
    legalComments: /** @type {const} */ ('none'),
  };
}

/** What is loaded in every window: the entry, the features it loads right after, and what both import. */
const loadedAlways = ['src/extension.ts', 'src/features.ts'];

/**
 * Bytes of the host's files that are loaded in every window, and of those that wait until they are asked for.
 * @param {import('esbuild').Metafile} metafile
 */
function hostSizes({ outputs }) {
  const always = new Set(Object.keys(outputs).filter((path) => loadedAlways.includes(outputs[path]?.entryPoint ?? '')));
  for (const path of always) {
    for (const { path: imported, kind, external } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && !external) always.add(imported);
    }
  }
  const sum = (/** @type {boolean} */ isAlways) =>
    Object.entries(outputs)
      .filter(([path]) => path.endsWith('.mjs') && always.has(path) === isAlways)
      .reduce((bytes, [, output]) => bytes + output.bytes, 0);
  return { host_bundle_bytes: sum(true), host_beside_bytes: sum(false) };
}

/**
 * What draws an exported report, which is one file: its font is in its style.
 * @param {string} outdir
 * @param {string} [from] the project's folder
 */
export async function buildReport(outdir, from = root) {
  const { build } = await import('esbuild');
  await build({
    ...commonOptions({ minify: true, from }),
    ...pageOptions,
    entryPoints: { report: 'webview/report.tsx' },
    outdir,
    target: ['chrome120', 'firefox120', 'safari17'],
    loader: { '.ttf': 'dataurl' },
  });
}

const pageOptions = {
  platform: /** @type {const} */ ('browser'),
  format: /** @type {const} */ ('iife'),
  jsx: /** @type {const} */ ('automatic'),
  jsxImportSource: 'preact',
  assetNames: '[name]',
};
