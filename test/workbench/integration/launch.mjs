// Runs the bundled integration tests with @vscode/test-electron, which wants Node 22 or newer:
//   node launch.mjs EXTENSION_FOLDER RUNNER WORKSPACE
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';

const [extensionDevelopmentPath = '', extensionTestsPath = '', workspace = ''] = process.argv.slice(2);

// No registry has a desktop VS Code for Linux, and it would want a display; elsewhere test-electron downloads one.
const standIn =
  process.platform === 'linux'
    ? { vscodeExecutablePath: fileURLToPath(new URL('../codeShim.mjs', import.meta.url)) }
    : {};

try {
  await runTests({ ...standIn, extensionDevelopmentPath, extensionTestsPath, launchArgs: [workspace] });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
