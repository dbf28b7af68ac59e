import { setImmediate as turn } from 'node:timers/promises';
import { createContext, Script, type Context } from 'node:vm';

const sliceMs = 8;
const limitMs = 20;
/** Processor time that an item had in vain, when it was really at work. */
const triedMs = 15;
const mostTries = 10;

/** How far the work came. */
export interface Sliced {
  readonly done: number;
  readonly givenUp: number;
}

/**
 * Does `work` for 0 … count − 1 in slices, with a turn of the event loop in between. An item that is not done in 20 ms is
 * given up, and the work ends with the `mostGivenUp`th of them: a regular expression can take longer than anybody lives, and nothing but the limit
 * of a script's time ends it within this process. Such a text was not searched, which does not mean that it does not match.
 */
export async function inSlices(
  count: number,
  work: (item: number) => void,
  mostGivenUp: number,
  signal?: AbortSignal,
): Promise<Sliced> {
  let givenUp = 0;
  let next = 0;
  let tries = { of: -1, times: 0 };
  const slice = (): void => {
    const end = performance.now() + sliceMs;
    while (next < count && performance.now() < end) {
      work(next);
      next += 1;
    }
  };
  while (next < count && givenUp < mostGivenUp) {
    signal?.throwIfAborted();
    const first = next;
    const before = process.cpuUsage();
    box.slice = slice;
    try {
      context ??= createContext(box);
      call.runInContext(context, { timeout: limitMs });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      const { user, system } = process.cpuUsage(before);
      const hadItsTime = first === next && (user + system) / 1000 >= triedMs;
      tries = { of: next, times: tries.of === next ? tries.times + 1 : 1 };
      // On a machine that is busy the time may have gone to other processes: then it is tried again, first of its slice.
      if (hadItsTime || tries.times === mostTries) {
        givenUp += 1;
        next += 1;
      }
    }
    await turn();
  }
  return { done: next, givenUp };
}

/** One context for all, made when it is needed: each call sets its own work right before, and nothing comes in between. */
const box = { slice: (): void => undefined };
let context: Context | undefined;
const call = new Script('slice()');
const timeoutCode = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

function isTimeout(error: unknown): boolean {
  // It comes from the script's own context, whose Error is another one.
  return typeof error === 'object' && error !== null && 'code' in error && error.code === timeoutCode;
}
