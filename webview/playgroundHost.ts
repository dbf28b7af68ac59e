import type { ToPlaygroundHost, ToPlaygroundView } from '../core/generated/playground';
import { validateToPlaygroundView } from '../core/generated/playgroundValidators.mjs';
import { api } from './vsCodeApi';

/** Say something to the host. */
export function post(message: ToPlaygroundHost): void {
  api.postMessage(message);
}

/** Hear what the host says. */
export function listen(hear: (message: ToPlaygroundView) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (validateToPlaygroundView(data)) hear(data);
  });
}
