import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Put a program of this name, made of JavaScript, in front of the PATH; returns the environment. Not for Windows. */
export async function withFakeProgram(folder: string, name: string, code: string): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, name);
  await writeFile(path, `#!${process.execPath}\n${code}\n`);
  await chmod(path, 0o755);
  return { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
}
