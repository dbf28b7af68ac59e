import type { ToCheckpointsHost, ToCheckpointsView } from '../core/generated/checkpoints';
import { validateToCheckpointsView } from '../core/generated/checkpointsValidators.mjs';
import { api } from './vsCodeApi';

/** Say something to the host. */
export function post(message: ToCheckpointsHost): void {
  api.postMessage(message);
}

/** Hear what the host says. */
export function listen(hear: (message: ToCheckpointsView) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (validateToCheckpointsView(data)) hear(data);
  });
}
