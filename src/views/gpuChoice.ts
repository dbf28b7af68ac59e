import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgressLocation, window } from 'vscode';
import { queueForGpu, type QueueEnd } from '../environment/gpuQueue';
import { busyGpus, findGpus, useInWords, visibleGpus, type Gpu } from '../environment/gpus';

/** On which GPU a trainer is to run, as variables of its environment. */
export interface GpuChoice {
  readonly variables: NodeJS.ProcessEnv;
  /** Perhaps for hours, in which much may have changed. */
  readonly hasWaited: boolean;
}

const noVariables: GpuChoice = { variables: {}, hasWaited: false };
/** A GPU with less memory free than this is in use by somebody. */
const leastFreeShare = 0.8;
const lookEveryMs = 5000;
/** Loading a large model from a slow disk takes as long. */
const settleMs = 120_000;

/**
 * Ask where the GPU it would take is in use; undefined when the person gave up. `recipe` is the file that names the
 * device: a recipe, or the `run.json` that carries one. Those who wait for a GPU have a line in `folder`.
 */
export async function chooseGpu(recipe: string, folder: string): Promise<GpuChoice | undefined> {
  if (await asksForCpu(recipe)) return noVariables;
  for (;;) {
    const found = await findGpus(process.env);
    if (found.kind !== 'gpus') return noVariables;
    const visible = visibleGpus(found.gpus, process.env);
    const [first] = visible;
    if (first === undefined || isFree(first)) return noVariables;
    const free = visible.find(isFree);
    const answer = await askAboutGpu(first, free);
    if (answer === 'Start Anyway') return noVariables;
    if (answer === 'Other GPU' && free !== undefined) return only(free, false);
    if (answer !== 'Queue') return undefined;
    const end = await waitForGpu(first, folder);
    if (end === 'free') return only(first, true);
    if (end === 'cancelled') return undefined;
  }
}

async function asksForCpu(recipe: string): Promise<boolean> {
  const text = await readFile(recipe, 'utf8').catch(() => '');
  return /"device"\s*:\s*"cpu"/.test(text);
}

function isFree(gpu: Gpu): boolean {
  return busyGpus([gpu], leastFreeShare).length === 0;
}

/** By its name for ever: CUDA may count GPUs in another order than the driver. */
function only(gpu: Gpu, hasWaited: boolean): GpuChoice {
  return { variables: { CUDA_VISIBLE_DEVICES: gpu.uuid }, hasWaited };
}

function askAboutGpu(gpu: Gpu, free: Gpu | undefined): Thenable<string | undefined> {
  const detail = `${useInWords(gpu)}.\nQueue waits in this window until it is free, then starts.`;
  const answers = ['Queue', ...(free === undefined ? [] : ['Other GPU']), 'Start Anyway'];
  return window.showWarningMessage(`GPU ${gpu.index} (${gpu.name}) is in use.`, { modal: true, detail }, ...answers);
}

function waitForGpu({ uuid, index }: Gpu, folder: string): Thenable<QueueEnd> {
  return window.withProgress(
    { location: ProgressLocation.Notification, title: `SRFT: waiting for GPU ${index}`, cancellable: true },
    (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => {
        stop.abort();
      });
      return queueForGpu({
        uuid,
        isFree,
        look: (signal) => findGpus(process.env, signal),
        lock: join(folder, `${uuid.replace(/[^\w-]/g, '')}.lock`),
        lookEveryMs,
        settleMs,
        signal: stop.signal,
        onWaiting: (message) => {
          progress.report({ message });
        },
      });
    },
  );
}
