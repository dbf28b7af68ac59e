import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';

/**
 * All files below a folder, sorted, as paths relative to the root with forward slashes.
 * (`readdirSync` is recursive by itself only from Node 20.1 on.)
 * @param {string} folder relative to the root
 * @param {string} [base] the root, for a caller that was bundled and so lies elsewhere
 * @returns {string[]}
 */
export function filesBelow(folder, base = root) {
  return readdirSync(join(base, folder), { withFileTypes: true })
    .map((entry) => ({ path: `${folder}/${entry.name}`, isFolder: entry.isDirectory() }))
    .flatMap(({ path, isFolder }) => (isFolder ? filesBelow(path, base) : [path]))
    .sort();
}
