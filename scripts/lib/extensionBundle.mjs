import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
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
  const common = {
    absWorkingDir: root,
    bundle: true,
    minify,
    sourcemap: minify ? /** @type {const} */ (false) : /** @type {const} */ ('linked'),
    logLevel: /** @type {const} */ ('warning'),
    legalComments: /** @type {const} */ ('none'),
  };
  await build({
    ...common,
    entryPoints: { extension: 'src/extension.ts', ...hostLibraries },
    outdir: distFolder,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    // The UMD builds of some packages ask for files that a bundle does not have.
    mainFields: ['module', 'main'],
    supported: { 'dynamic-import': false },
    plugins: [besideTheBundle],
  });
  await build({
    ...common,
    ...pageOptions,
    entryPoints: { panel: 'webview/panel.tsx', group: 'webview/group.tsx', analyses: 'webview/analyses.tsx' },
    outdir: join(distFolder, 'webview'),
    target: 'chrome120',
    loader: { '.ttf': 'file' },
  });
  await buildReport(join(distFolder, 'webview'));
  copyFileSync(join(root, 'node_modules/@vscode/codicons/dist/codicon.ttf'), join(distFolder, 'webview/codicon.ttf'));
  const script = readFileSync(join(distFolder, 'webview/panel.js'));
  return {
    host_bundle_bytes: statSync(join(distFolder, 'extension.js')).size,
    host_beside_bytes: Object.keys(hostLibraries)
      .map((name) => statSync(join(distFolder, `${name}.js`)).size)
      .reduce((sum, size) => sum + size),
    webview_bundle_bytes: script.length,
    webview_bundle_gzip_bytes: gzipSync(script, { level: 9 }).length,
  };
}

/** Packages that few need, loaded when they do: files beside the host's bundle, by name. */
const hostLibraries = { parquet: 'hyparquet-writer' };

/** @type {import('esbuild').Plugin} */
const besideTheBundle = {
  name: 'beside the bundle',
  setup({ onResolve }) {
    for (const [name, library] of Object.entries(hostLibraries)) {
      onResolve({ filter: new RegExp(`^${library}$`) }, ({ kind }) =>
        kind === 'dynamic-import' ? { path: `./${name}.js`, external: true } : undefined,
      );
    }
  },
};

/**
 * What draws an exported report, which is one file: its font is in its style.
 * @param {string} outdir
 * @param {string} [from] the project's folder
 */
export async function buildReport(outdir, from = root) {
  const { build } = await import('esbuild');
  await build({
    ...pageOptions,
    absWorkingDir: from,
    bundle: true,
    minify: true,
    logLevel: 'warning',
    legalComments: 'none',
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
