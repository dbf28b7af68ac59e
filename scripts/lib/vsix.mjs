import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildExtension, bundledPackages, distFolder } from './extensionBundle.mjs';
import { noticesOf } from './notices.mjs';
import { copyNativeFiles } from './nativeRuntime.mjs';
import { root, srftFolder } from './paths.mjs';
import { Failure } from './run.mjs';
import { ensureWorkbenchPackages, workbenchRoom } from './workbench.mjs';

/** `universal` is for every machine that has no file of its own. */
export const targets = [
  'linux-x64',
  'linux-arm64',
  'darwin-arm64',
  'darwin-x64',
  'win32-x64',
  'win32-arm64',
  'universal',
];

/** What the bundles may weigh, in bytes; every one must stay below. */
export const ceilings = {
  host_bundle_bytes: 400_000,
  webview_bundle_bytes: 350_000,
  webview_bundle_gzip_bytes: 120_000,
};

/** All that a user gets, and where it comes from below the root. Folders are taken whole, but for what `isLeftOut` says. */
const contents = {
  'README.md': 'docs/marketplace.md',
  'CHANGELOG.md': 'CHANGELOG.md',
  LICENSE: 'LICENSE',
  dist: 'dist',
  media: 'media',
  'schema/recipe.schema.json': 'schema/recipe.schema.json',
  'trainer/srft': 'trainer/srft',
  'trainer/demo/base': 'trainer/demo/base',
  'trainer/demo/data': 'trainer/demo/data',
  'trainer/demo/recipes': 'trainer/demo/recipes',
  'trainer/pyproject.toml': 'trainer/pyproject.toml',
  'trainer/requirements.lock': 'trainer/requirements.lock',
  'trainer/requirements-uv.lock': 'trainer/requirements-uv.lock',
};

/** What the marketplace shows of a manifest and VS Code reads; the rest is for people who develop. */
const developmentKeys = ['scripts', 'devDependencies', 'private'];

/** vsce's PackageManager.None: what the bundles hold is not asked for again. */
const noPackages = 2;

const stagingFolder = join(srftFolder, 'package');
const outputFolder = join(srftFolder, 'vsix');

/**
 * Builds the extension and packs it.
 * @param {{ targets: readonly string[] }} options some of `targets`
 * @returns {Promise<{
 *   sizes: Awaited<ReturnType<typeof buildExtension>>,
 *   contents: string[],
 *   files: { target: string, path: string, bytes: number, native: string[] }[],
 * }>} contents: paths inside all of the files; native: paths that a file holds besides
 */
export async function packageExtension({ targets: wanted }) {
  const unknown = wanted.find((target) => !targets.includes(target));
  if (unknown !== undefined) {
    throw new Failure(`There is no target '${unknown}'; take one of ${targets.join(', ')}.`);
  }
  await ensureWorkbenchPackages();
  const sizes = await buildExtension({ minify: true });
  refuseTooLarge(sizes);
  const manifest = stage();
  mkdirSync(outputFolder, { recursive: true });
  const { listFiles } = await vsce();
  const common = (await listFiles({ cwd: stagingFolder, packageManager: noPackages })).sort();
  const files = [];
  for (const target of wanted) files.push(await pack(target, manifest));
  return { sizes, contents: common, files };
}

/** The target whose file fits this machine. */
export function targetOfThisMachine() {
  const own = `${process.platform}-${process.arch}`;
  return targets.includes(own) ? own : 'universal';
}

/** @param {Record<string, number>} sizes */
function refuseTooLarge(sizes) {
  for (const [name, ceiling] of Object.entries(ceilings)) {
    const size = sizes[name] ?? 0;
    if (size >= ceiling) throw new Failure(`${name} is ${size} and must stay below ${ceiling}.`);
  }
}

/** Copies what users get into an empty folder. @returns {{ name: string, version: string }} the manifest */
function stage() {
  rmSync(stagingFolder, { recursive: true, force: true });
  for (const [to, from] of Object.entries(contents)) {
    const target = join(stagingFolder, to);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, from), target, { recursive: true, filter: (path) => !isLeftOut(path) });
  }
  const pictures = picturesOf(readFileSync(join(root, contents['README.md']), 'utf8'));
  for (const picture of pictures) cpSync(join(root, 'docs', picture), join(stagingFolder, picture));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const key of developmentKeys) delete manifest[key];
  delete manifest.engines.node;
  writeFileSync(join(stagingFolder, 'THIRD-PARTY-NOTICES.txt'), noticesOf(bundledPackages));
  // Says to vsce that nothing was forgotten: the choice is made above.
  writeFileSync(join(stagingFolder, '.vscodeignore'), '');
  writeFileSync(join(stagingFolder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/**
 * Native files, which differ from target to target; caches of Python, maps of bundles, and drawings that only their PNG
 * is shown of.
 * @param {string} path
 */
function isLeftOut(path) {
  if (path === join(distFolder, 'native')) return true;
  const name = basename(path);
  return name === '__pycache__' || name === 'icon.svg' || name.endsWith('.pyc') || name.endsWith('.map');
}

/** Paths of the pictures that a Markdown text shows, relative to it. @param {string} markdown */
function picturesOf(markdown) {
  return [...markdown.matchAll(/!\[[^\]]*\]\(([^):]+)\)/g)].map(([, path = '']) => path);
}

/** @param {string} target @param {{ name: string, version: string }} manifest */
async function pack(target, { name, version }) {
  const path = join(outputFolder, `${name}-${target}-${version}.vsix`);
  const { createVSIX } = await vsce();
  rmSync(join(stagingFolder, 'dist', 'native'), { recursive: true, force: true });
  const native = copyNativeFiles(target, join(stagingFolder, 'dist'));
  await createVSIX({
    cwd: stagingFolder,
    packagePath: path,
    dependencies: false,
    allowMissingRepository: true,
    // Links stay as they are written: there is no repository for them to be relative to.
    rewriteRelativeLinks: false,
    ...(target === 'universal' ? {} : { target }),
  });
  const inside = native.map((file) => relative(stagingFolder, file).split(sep).join('/'));
  return { target, path, bytes: statSync(path).size, native: inside };
}

async function vsce() {
  const module = pathToFileURL(join(workbenchRoom, 'node_modules/@vscode/vsce/out/api.js'));
  // eslint-disable-next-line srft/borders -- a package of the workbench's room, which was installed just now
  return import(module.href);
}
