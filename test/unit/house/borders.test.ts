import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ESLint } from 'eslint';
import ts from 'typescript';
import { brokenBorder } from '../../../scripts/lib/borders.mjs';

describe('imports between rooms', () => {
  const cases: [importer: string, specifier: string, isAllowed: boolean][] = [
    ['core/runModel.ts', './generated/wire', true],
    ['core/deep/er.ts', '../runModel', true],
    ['core/runModel.ts', '../src/runs/tail', false],
    ['core/runModel.ts', 'node:fs', false],
    ['core/runModel.ts', 'fs/promises', false],
    ['core/runModel.ts', 'vscode', false],
    ['core/runModel.ts', '../package.json', false],
    ['src/runs/tail.ts', '../../core/runModel', true],
    ['src/runs/tail.ts', 'node:fs', true],
    ['src/runs/tail.ts', 'vscode', false],
    ['src/runs/tail.ts', '../cli/demo', false],
    ['src/cli/demo.ts', '../runs/tail', true],
    ['src/cli/demo.ts', '../../scripts/lib/run.mjs', false],
    ['src/environment/python.ts', 'vscode', false],
    ['src/environment/python.ts', '../runs/tail', false],
    ['src/views/runPanels.ts', 'vscode', true],
    ['src/views/runPanels.ts', '../../webview/panel', false],
    ['src/extension.ts', './views/library', true],
    ['webview/panel.tsx', '../core/runHeader', true],
    ['webview/panel.tsx', '../src/runs/tail', false],
    ['webview/panel.tsx', 'node:fs', false],
    ['webview/panel.tsx', 'vscode', false],
    ['elsewhere/thing.ts', './other', false],
  ];
  for (const [importer, specifier, isAllowed] of cases) {
    it(`${importer} ${isAllowed ? 'may' : 'must not'} import '${specifier}'`, () => {
      assert.equal(brokenBorder(importer, specifier) === undefined, isAllowed);
    });
  }

  it('ESLint refuses every way to write a forbidden import', async () => {
    const source = [
      "import { readFileSync } from 'node:fs';",
      "export * from '../src/runs/tail';",
      "export type Tail = import('../src/runs/tail').Tail;",
      "export const later = () => import('vscode');",
      'export const text = readFileSync;',
    ];
    const eslint = new ESLint({ cwd: process.cwd() });
    const [result] = await eslint.lintText(source.join('\n'), { filePath: anyFileOf('core') });
    const lines = result?.messages.filter(({ ruleId }) => ruleId === 'srft/borders').map(({ line }) => line);
    assert.deepEqual(lines, [1, 2, 3, 4]);
  });
});

describe('globals of a room', () => {
  const cases: [folder: string, source: string, isAllowed: boolean][] = [
    ['core', 'export const last = [1, 2].at(-1);', true],
    ['core', 'export const where = process.cwd();', false],
    ['core', 'export const title = document.title;', false],
    ['core', 'setTimeout(() => {}, 1);', false],
    ['core', "export { readFileSync } from 'node:fs';", false],
    ['src/runs', 'export const where = process.cwd();', true],
    ['src/runs', 'export const title = document.title;', false],
    ['webview', 'export const title = document.title;', true],
    ['webview', 'export const where = process.cwd();', false],
  ];
  for (const [folder, source, isAllowed] of cases) {
    it(`${folder} ${isAllowed ? 'may' : 'must not'} say: ${source}`, () => {
      assert.equal(typeErrors(folder, source).length === 0, isAllowed);
    });
  }
});

/** ESLint's types come from the project, so the text must take the place of a file that is there. */
function anyFileOf(folder: string): string {
  const name = readdirSync(folder).find((entry) => entry.endsWith('.ts'));
  assert.ok(name !== undefined);
  return `${folder}/${name}`;
}

/** What the compiler says about a file of this text in the room. */
function typeErrors(folder: string, source: string): string[] {
  const { config } = ts.readConfigFile(`${folder}/tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
  const file = `${process.cwd()}/${folder}/breach.ts`;
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === file ? ts.createSourceFile(path, source, ts.ScriptTarget.ES2022) : read(path, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}
