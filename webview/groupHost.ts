import type { ToGroupHost, ToGroupView } from '../core/generated/group';
import { validateToGroupView } from '../core/generated/groupValidators.mjs';
import { api } from './vsCodeApi';

/** Say something to the host. */
export function post(message: ToGroupHost): void {
  api.postMessage(message);
}

/** Hear what the host says. */
export function listen(hear: (message: ToGroupView) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (validateToGroupView(data)) hear(data);
  });
}
