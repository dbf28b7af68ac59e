interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/** A page may ask for it once. */
export const api = acquireVsCodeApi();

const hostState: unknown = JSON.parse(decodeURIComponent(document.body.dataset['host'] ?? 'null'));

/** What the view kept when it was last hidden. */
export function keptState(): unknown {
  return api.getState();
}

/** Keep the view's state while it is hidden, and what the host needs to bring it back after a reload. */
export function keepState(state: object): void {
  api.setState({ ...state, host: hostState });
}
