import type { ToAnalysesHost, ToAnalysesView } from '../core/generated/analyses';
import { validateToAnalysesView } from '../core/generated/analysesValidators.mjs';
import { api } from './vsCodeApi';

/** Say something to the host. */
export function post(message: ToAnalysesHost): void {
  api.postMessage(message);
}

/** Hear what the host says. */
export function listen(hear: (message: ToAnalysesView) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (validateToAnalysesView(data)) hear(data);
  });
}
