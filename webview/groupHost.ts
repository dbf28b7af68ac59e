import type { ToGroupHost, ToGroupView } from '../core/generated/group';
import { validateToGroupView } from '../core/generated/groupValidators.mjs';

interface VsCodeApi {
  postMessage(message: ToGroupHost): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const api = acquireVsCodeApi();
const hostState: unknown = JSON.parse(decodeURIComponent(document.body.dataset['host'] ?? 'null'));

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

/** What the view kept when it was last hidden. */
export function keptState(): unknown {
  return api.getState();
}

/** Keep the view's state while it is hidden, and what the host needs to bring it back after a reload. */
export function keepState(state: object): void {
  api.setState({ ...state, host: hostState });
}
