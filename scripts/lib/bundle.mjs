import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './paths.mjs';

/**
 * Bundles TypeScript entry points for this Node, which cannot run TypeScript before version 22.18.
 * npm packages stay outside, so a bundle must lie somewhere below the root; ours lie in .srft/build.
 * @param {string} name of the folder in .srft/build
 * @param {string[]} entries paths relative to the root
 * @param {string} [from] the project's folder
 * @returns {Promise<string[]>} the bundles, in the order of the entries
 */
export async function bundle(name, entries, from = root) {
  // Imported here, since it comes with npm ci.
  const { build } = await import('esbuild');
  const outdir = join(from, '.srft', 'build', name);
  await build({
    absWorkingDir: from,
    entryPoints: entries,
    outbase: from,
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
  return entries.map((entry) => join(outdir, entry.replace(/\.ts$/, '.mjs')));
}

/**
 * Bundles one entry point and imports it.
 * @param {string} name of the folder in .srft/build
 * @param {string} entry path relative to the root
 * @returns {Promise<any>} what it exports
 */
export async function importBundled(name, entry) {
  const [file = ''] = await bundle(name, [entry]);
  // eslint-disable-next-line srft/borders -- what was just built has no path to write down
  return import(pathToFileURL(file).href);
}
