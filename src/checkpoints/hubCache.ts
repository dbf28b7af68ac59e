import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { absentAsUndefined } from './folderFile';

const hubId = /^[A-Za-z0-9][\w.-]*\/[\w.-]+$/;
const revisionName = /^[\w.-]+$/;

/**
 * The folder in which the Hub's own library keeps a model that was fetched before, if it did; nothing is fetched.
 * @param id such as `Qwen/Qwen3-0.6B`
 * @param revision a branch, a tag or a commit; null is `main`
 */
export async function hubFolder(
  id: string,
  revision: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const wanted = revision ?? 'main';
  if (!hubId.test(id) || id.includes('..') || !revisionName.test(wanted) || wanted.startsWith('.')) return undefined;
  const home = environment['HF_HOME'] ?? join(homedir(), '.cache', 'huggingface');
  const cache = environment['HF_HUB_CACHE'] ?? join(home, 'hub');
  const model = join(cache, `models--${id.replace('/', '--')}`);
  const named = await absentAsUndefined(readFile(join(model, 'refs', wanted), 'utf8'));
  const commit = named?.trim() ?? wanted;
  if (!revisionName.test(commit) || commit.startsWith('.')) return undefined;
  const folder = join(model, 'snapshots', commit);
  return (await absentAsUndefined(stat(join(folder, 'config.json')))) === undefined ? undefined : folder;
}
