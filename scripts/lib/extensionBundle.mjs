import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { notePackages } from './notices.mjs';
import { copyNativeFiles, nativeBesideBundle } from './nativeRuntime.mjs';
import { root } from './paths.mjs';
import { Failure } from './run.mjs';

/** What the extension is made of, below the root. */
export const distFolder = join(root, 'dist');

/** npm packages that are in the bundles which were built. @type {Set<string>} */
export const bundledPackages = new Set();

/**
 * Bundles the extension host's and the webview's side into dist/, and the process that holds a checkpoint with this
 * machine's native files.
 * @param {{ minify: boolean }} options
 * @returns {Promise<{
 *   host_bundle_bytes: number,
 *   host_beside_bytes: number,
 *   model_process_bytes: number,
 *   webview_bundle_bytes: number,
 *   webview_bundle_gzip_bytes: number,
 * }>}
 */
export async function buildExtension({ minify }) {
  // Imported here, since it comes with npm ci.
  const { build } = await import('esbuild');
  rmSync(distFolder, { recursive: true, force: true });
  mkdirSync(join(distFolder, 'webview'), { recursive: true });
  const host = await buildHost(distFolder, { minify });
  const modelProcess = await buildModelProcess(distFolder, { minify });
  copyNativeFiles(`${process.platform}-${process.arch}`, distFolder);
  await build({
    ...commonOptions({ minify }),
    ...pageOptions,
    entryPoints: {
      panel: 'webview/panel.tsx',
      group: 'webview/group.tsx',
      analyses: 'webview/analyses.tsx',
      playground: 'webview/playground.tsx',
      checkpoints: 'webview/checkpoints.tsx',
    },
    outdir: join(distFolder, 'webview'),
    target: 'chrome120',
    loader: { '.ttf': 'file' },
  });
  await buildReport(join(distFolder, 'webview'));
  copyFileSync(join(root, 'node_modules/@vscode/codicons/dist/codicon.ttf'), join(distFolder, 'webview/codicon.ttf'));
  const script = readFileSync(join(distFolder, 'webview/panel.js'));
  return {
    ...host,
    model_process_bytes: modelProcess,
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
    entryPoints: ['src/extension.ts', 'src/runs/recordThread.ts', 'src/checkpoints/tokenizerThread.ts'],
    entryNames: '[name]',
    chunkNames: 'host/[name]-[hash]',
    outdir,
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    format: 'esm',
    splitting: true,
    target: 'node20',
    external: ['vscode'],
    // The UMD builds of some packages ask for files that a bundle does not have.
    mainFields: ['module', 'main'],
  });
  refuseNative(metafile);
  return hostSizes(metafile);
}

/** A crash in native code would end every extension of the window. @param {import('esbuild').Metafile} metafile */
function refuseNative({ inputs }) {
  const native = Object.keys(inputs).find((path) => path.includes('node_modules/onnxruntime-'));
  if (native !== undefined) {
    throw new Failure(
      `${native} is in what the extension host loads; only src/checkpoints/modelProcess.ts may need it.`,
    );
  }
}

/**
 * What is forked to hold a checkpoint: one file, which finds its native half in `native/` beside it.
 * CommonJS, since that loads native files and knows its own folder.
 * @param {string} outdir
 * @param {{ minify: boolean, from?: string, native?: import('esbuild').Plugin }} options from: the project's folder;
 * native: how it finds its native half
 * @returns {Promise<number>} its size in bytes
 */
export async function buildModelProcess(outdir, { minify, from = root, native = nativeBesideBundle() }) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    ...commonOptions({ minify, from }),
    entryPoints: ['src/checkpoints/modelProcess.ts'],
    outdir,
    outExtension: { '.js': '.cjs' },
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    plugins: [native, notePackages(bundledPackages)],
  });
  return Object.entries(metafile.outputs)
    .filter(([path]) => path.endsWith('.cjs'))
    .reduce((bytes, [, output]) => bytes + output.bytes, 0);
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
    metafile: /** @type {const} */ (true),
    plugins: [notePackages(bundledPackages)],
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
