/**
 * The rooms of the TypeScript side and what each may import; the tsconfig beside each room's files says which globals
 * it may use. ESLint holds the imports (lib/borders.mjs), `npm run check` type-checks each room by itself.
 *
 * @typedef {object} Room
 * @property {string} folder relative to the root, with forward slashes
 * @property {readonly string[]} rooms folders of the other rooms it may import
 * @property {boolean} node whether it may import Node's own modules
 * @property {readonly string[]} packages npm packages it may import
 */

/** @type {readonly Room[]} inner rooms before those around them */
export const rooms = [
  // Pure: data in, data out. No Node, no DOM, no editor; it runs in the extension host, in a webview and in a terminal.
  { folder: 'core', rooms: [], node: false, packages: [] },
  // The run directory: files, tails, processes. No editor, so that a terminal and a test can use it.
  { folder: 'src/runs', rooms: ['core'], node: true, packages: ['hyparquet-writer'] },
  // The Python environment, the GPU and the disk, as values. No editor.
  { folder: 'src/environment', rooms: ['core'], node: true, packages: [] },
  // A checkpoint as values: its header, its configuration, its graph, its tokens. Pure: bytes in, bytes out.
  {
    folder: 'src/inference',
    rooms: ['core'],
    node: false,
    packages: ['@bufbuild/protobuf', '@huggingface/jinja', '@huggingface/tokenizers'],
  },
  // Checkpoints on the disk, and the process of its own in which one is asked. No editor.
  {
    folder: 'src/checkpoints',
    rooms: ['core', 'src/inference'],
    node: true,
    packages: ['onnxruntime-node'],
  },
  // Places and edits in the text of a recipe. No editor.
  { folder: 'src/recipes', rooms: ['core'], node: true, packages: ['jsonc-parser'] },
  // What `npm run demo` shows in a terminal, and what benchmarks measure.
  { folder: 'src/cli', rooms: ['core', 'src/runs', 'src/inference', 'src/checkpoints'], node: true, packages: [] },
  // Everything that touches the editor.
  {
    folder: 'src/views',
    rooms: ['core', 'src/runs', 'src/environment', 'src/recipes', 'src/inference', 'src/checkpoints'],
    node: true,
    packages: ['vscode', 'jsonc-parser'],
  },
  // activate(): makes things and hands them over.
  { folder: 'src', rooms: ['core', 'src/runs', 'src/environment', 'src/views'], node: true, packages: ['vscode'] },
  // The browser's side: draws what the host folded.
  {
    folder: 'webview',
    rooms: ['core'],
    node: false,
    packages: ['preact', '@preact/signals', 'uplot', '@vscode/webview-ui-toolkit', '@vscode/codicons'],
  },
  // Of the panel, what is arithmetic: what it draws is tested in a browser.
  {
    folder: 'test/unit/webview',
    rooms: ['webview', 'core'],
    node: true,
    packages: ['fast-check'],
  },
  {
    folder: 'test/unit',
    rooms: [
      'core',
      'src/runs',
      'src/environment',
      'src/recipes',
      'src/inference',
      'src/checkpoints',
      'src/cli',
      'scripts',
    ],
    node: true,
    packages: ['ajv', 'eslint', 'fast-check', 'typescript'],
  },
  // Tests inside a real workbench; its packages have a lock of their own (test/workbench/package.json).
  {
    folder: 'test/workbench',
    // It writes run directories as the unit tests do.
    rooms: ['scripts', 'core', 'src/runs', 'src/cli', 'test/unit'],
    node: true,
    packages: ['vscode', 'playwright-core', 'mocha', 'axe-core', '@sparticuz/chromium', '@vscode/test-electron'],
  },
  // Plain Node: what runs before `npm ci` imports nothing but Node (see lib/nodeModules.mjs).
  {
    folder: 'scripts',
    rooms: ['test/workbench'],
    node: true,
    packages: ['ajv', 'esbuild', 'json-schema-to-typescript', 'prettier'],
  },
];

/**
 * The innermost room that holds a path, or undefined.
 * @param {string} path relative to the root, with forward slashes
 */
export function roomOf(path) {
  return rooms.find((room) => path.startsWith(`${room.folder}/`));
}
