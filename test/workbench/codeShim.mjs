#!/usr/bin/env node
// Stands in for the desktop's `code`, which no package registry has: same arguments, same exit code, but the extension
// host is code-server's and the window is in a headless browser. @vscode/test-electron does not notice.
import { join, resolve } from 'node:path';
import { equipment, givenWorkbench } from './equipment.mjs';
import { runTests } from './runTests.mjs';

const extensionDevelopmentPaths = [];
let extensionTestsPath;
let folder;
for (const argument of process.argv.slice(2)) {
  const [, name, value = ''] = /^--([\w-]+)(?:=(.*))?$/s.exec(argument) ?? [];
  if (name === undefined) folder ??= resolve(argument);
  else if (name === 'extensionDevelopmentPath') extensionDevelopmentPaths.push(resolve(value));
  else if (name === 'extensionTestsPath') extensionTestsPath = resolve(value);
}
if (extensionTestsPath === undefined) throw new Error('This stand-in for `code` can only run tests.');

const { ok, reason } = await runTests(givenWorkbench(), {
  extensionDevelopmentPaths,
  extensionTestsPath,
  folder,
  timeoutMs: 300_000,
  picture: join(equipment().reports, 'workbench.png'),
});
if (!ok) process.stderr.write(`The tests in the workbench failed: ${reason}.\n`);
process.exit(ok ? 0 : 1);
