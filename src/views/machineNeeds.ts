import { workspace } from 'vscode';
import { findGpus } from '../environment/gpus';
import { findPython, pythonCandidates } from '../environment/python';

/** What a run needs, and whether it is there; nothing is made for the answer, and nothing started without trust. */
export async function machineNeeds(): Promise<{ text: string; ok: boolean | null }[]> {
  const recipes = await workspace.findFiles('**/*.srft.json', '**/{node_modules,runs,.venv}/**', 1);
  const recipe = {
    text: recipes.length > 0 ? 'A recipe in this workspace' : 'No recipe in this workspace yet',
    ok: recipes.length > 0,
  };
  if (!workspace.isTrusted) return [{ text: 'Restricted Mode: nothing can be started', ok: false }, recipe];
  const [gpus, python] = await Promise.all([
    findGpus(process.env),
    findPython(pythonCandidates(undefined, process.env), { env: process.env }),
  ]);
  const gpu =
    gpus.kind === 'gpus'
      ? {
          text: gpus.gpus.map(({ name, totalMiB }) => `${name}, ${Math.round(totalMiB / 1024)} GiB`).join('; '),
          ok: true,
        }
      : { text: 'No NVIDIA GPU: the demo and small models train on the CPU', ok: false };
  const interpreter =
    python.kind === 'python'
      ? { text: `Python ${python.python.version}; an environment is made with the first run`, ok: true }
      : { text: python.reason, ok: false };
  return [gpu, interpreter, recipe];
}
