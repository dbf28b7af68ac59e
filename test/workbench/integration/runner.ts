import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';
import { equipment } from '../equipment.mjs';

/**
 * What the extension host calls: runs every bundled test beside this file, and writes the counts at the end. A run
 * without that report broke off, whatever its exit code says.
 */
export async function run(): Promise<void> {
  const mocha = new Mocha({ timeout: 20_000, color: false });
  for (const name of readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.endsWith('.test.cjs')) mocha.addFile(join(__dirname, name));
  }
  const { passes, failures } = await new Promise<Mocha.Stats>((resolve) => {
    const runner = mocha.run(() => {
      resolve(runner.stats as Mocha.Stats);
    });
  });
  writeFileSync(join(equipment().reports, 'workbench.json'), JSON.stringify({ passed: passes, failed: failures }));
  if (failures > 0) throw new Error(`${failures} tests failed.`);
}
