import { setTimeout as sleep } from 'node:timers/promises';
import { withFolderLock } from './folderLock';
import { useInWords, type Gpu, type Gpus } from './gpus';

/** How waiting for a GPU came to its end. */
export type QueueEnd =
  | 'free'
  /** The driver works and no longer lists it. */
  | 'gone'
  | 'cancelled';

/** Which GPU is waited for, and how. */
export interface QueueWanted {
  readonly uuid: string;
  readonly isFree: (gpu: Gpu) => boolean;
  readonly look: (signal: AbortSignal) => Promise<Gpus>;
  /** A file of this GPU's: one waiter at a time, of all windows, is at the head of the line. */
  readonly lock: string;
  readonly lookEveryMs: number;
  /** For so long the next in the line waits for the run before it to take the memory. */
  readonly settleMs: number;
  readonly signal: AbortSignal;
  /** Told what is waited for, at every look. */
  readonly onWaiting: (words: string) => void;
}

/**
 * Wait until a GPU is free. Of several who wait one is let go at a time: the next has its turn when the memory has been
 * taken, or after a while when it never is.
 */
export function queueForGpu(wanted: QueueWanted): Promise<QueueEnd> {
  const { lock, signal, onWaiting } = wanted;
  return new Promise((resolve, reject) => {
    const behind = (): void => {
      onWaiting('another run that waits for it is first');
    };
    const turn = withFolderLock(lock, { signal, onWaiting: behind }, async () => {
      const end = await untilFree(wanted);
      resolve(end);
      if (end === 'free') await untilTaken(wanted);
    });
    turn.then(({ kind }) => {
      // Where the turn came it has told its own end before.
      if (kind === 'cancelled') resolve('cancelled');
    }, reject);
  });
}

async function untilFree({ uuid, isFree, look, lookEveryMs, signal, onWaiting }: QueueWanted): Promise<QueueEnd> {
  const start = performance.now();
  for (;;) {
    const found = await look(signal);
    if (signal.aborted) return 'cancelled';
    const gpu = gpuIn(found, uuid);
    if (gpu !== undefined && isFree(gpu)) return 'free';
    if (found.kind === 'gpus' && gpu === undefined) return 'gone';
    const minutes = Math.floor((performance.now() - start) / 60_000);
    // A driver that gives no answer for once does not mean that nobody uses the GPU.
    const why = gpu === undefined ? 'the driver gives no answer' : useInWords(gpu);
    onWaiting(`${why}; waiting for ${minutes} min`);
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

async function untilTaken({ uuid, isFree, look, lookEveryMs, settleMs }: QueueWanted): Promise<void> {
  const start = performance.now();
  while (performance.now() - start < settleMs) {
    const gpu = gpuIn(await look(AbortSignal.timeout(settleMs)), uuid);
    if (gpu !== undefined && !isFree(gpu)) return;
    await sleep(lookEveryMs, undefined, { ref: false });
  }
}

function gpuIn(found: Gpus, uuid: string): Gpu | undefined {
  return found.kind === 'gpus' ? found.gpus.find((gpu) => gpu.uuid === uuid) : undefined;
}
