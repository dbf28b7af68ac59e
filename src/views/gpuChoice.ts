import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgressLocation, window } from 'vscode';
import { busyGpus, findGpus, type Gpu } from '../environment/gpus';

/** On which GPU a trainer is to run, as variables of its environment. */
export interface GpuChoice {
  readonly variables: NodeJS.ProcessEnv;
}

const noVariables: GpuChoice = { variables: {} };
/** A GPU with less memory free than this is in use by somebody. */
const leastFreeShare = 0.8;

/** Ask where the GPU it would take is in use; undefined when the person gave up. */
export async function chooseGpu(recipe: string | null): Promise<GpuChoice | undefined> {
  if (recipe !== null && (await asksForCpu(recipe))) return noVariables;
  for (;;) {
    const found = await findGpus(process.env);
    if (found.kind !== 'gpus') return noVariables;
    const busy = busyGpus(found.gpus, leastFreeShare);
    const [first] = found.gpus;
    if (first === undefined || !busy.includes(first)) return noVariables;
    const free = found.gpus.find((gpu) => !busy.includes(gpu));
    const answer = await askAboutGpu(first, free);
    if (answer === 'Start Anyway') return noVariables;
    if (answer === 'Other GPU' && free !== undefined) return { variables: { CUDA_VISIBLE_DEVICES: `${free.index}` } };
    if (answer !== 'Queue' || !(await waitForGpu(first))) return undefined;
  }
}

async function asksForCpu(recipe: string): Promise<boolean> {
  const text = await readFile(recipe, 'utf8').catch(() => '');
  return /"device"\s*:\s*"cpu"/.test(text);
}

function askAboutGpu(gpu: Gpu, free: Gpu | undefined): Thenable<string | undefined> {
  const holders = gpu.processes.map(
    ({ pid, name, usedMiB }) => `${basename(name)} (process ${pid}${usedMiB === null ? '' : `, ${usedMiB} MiB`})`,
  );
  const detail = [
    `${gpu.usedMiB} of ${gpu.totalMiB} MiB are in use${holders.length === 0 ? '.' : ` by ${holders.join(', ')}.`}`,
    'Queue waits until it is free.',
  ].join('\n');
  const answers = ['Queue', ...(free === undefined ? [] : ['Other GPU']), 'Start Anyway'];
  return window.showWarningMessage(`GPU ${gpu.index} (${gpu.name}) is in use.`, { modal: true, detail }, ...answers);
}

async function waitForGpu(wanted: Gpu): Promise<boolean> {
  return window.withProgress(
    { location: ProgressLocation.Notification, title: `SRFT: waiting for GPU ${wanted.index}`, cancellable: true },
    async (progress, token) => {
      const start = performance.now();
      while (!token.isCancellationRequested) {
        const found = await findGpus(process.env);
        const gpu = found.kind === 'gpus' ? found.gpus.find(({ uuid }) => uuid === wanted.uuid) : undefined;
        if (gpu === undefined || busyGpus([gpu], leastFreeShare).length === 0) return true;
        const minutes = Math.floor((performance.now() - start) / 60_000);
        progress.report({ message: `${gpu.usedMiB} of ${gpu.totalMiB} MiB in use, for ${minutes} min` });
        await sleep(5000);
      }
      return false;
    },
  );
}
