import { effect, signal } from '@preact/signals';
import type { RunMessage, TokensMessage } from '../core/generated/analyses';
import { listen, post } from './analysesHost';
import type { PlotAxis } from './analysisPlot';
import { keepState, keptState } from './vsCodeApi';

/** What the view shows as a whole. */
export type AnalysesPage =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'trouble'; readonly reason: string }
  | { readonly kind: 'run'; readonly message: RunMessage };

/** What a person chose; survives hiding the view. */
interface Choice {
  /** Steps whose tokens are shown; null is the run's first, and goes on with the run. */
  readonly from: number | null;
  readonly to: number | null;
  /** What the scatter has upwards: the pull, or how far it moves the token's own logit. */
  readonly height: 'pull' | 'push';
}

export const page = signal<AnalysesPage>({ kind: 'waiting' });

/** The newest word on the tokens; null before the first. */
export const tokens = signal<TokensMessage | null>(null);

export const choice = signal<Choice>(restored(keptState()));

/** Where the cursor of the plots with an axis of each kind stands. */
export const cursors = signal<Partial<Record<PlotAxis['kind'], number | null>>>({});

export function setCursor(kind: PlotAxis['kind'], place: number | null): void {
  if ((cursors.peek()[kind] ?? null) !== place) cursors.value = { ...cursors.peek(), [kind]: place };
}

/** Show the tokens of these steps. */
export function readSteps(from: number | null, to: number | null): void {
  choice.value = { ...choice.peek(), from, to };
  post({ kind: 'readSteps', from, to });
}

export function chooseHeight(height: Choice['height']): void {
  choice.value = { ...choice.peek(), height };
}

/** Listen to the host and say that we do. */
export function connect(): void {
  listen((message) => {
    switch (message.kind) {
      case 'trouble':
        page.value = { kind: 'trouble', reason: message.message };
        break;
      case 'run':
        page.value = { kind: 'run', message };
        break;
      case 'tokens':
        tokens.value = message;
    }
  });
  effect(() => {
    // Kept at once, so that a reload during the first reading brings the view back too.
    keepState({ choice: choice.value });
  });
  const { from, to } = choice.peek();
  post({ kind: 'ready', from, to });
}

function restored(state: unknown): Choice {
  const none: Choice = { from: null, to: null, height: 'pull' };
  if (typeof state !== 'object' || state === null || !('choice' in state)) return none;
  const { choice: values } = state;
  if (typeof values !== 'object' || values === null) return none;
  const { from, to, height } = { from: null, to: null, height: 'pull', ...values } as Record<keyof Choice, unknown>;
  return { from: stepOf(from), to: stepOf(to), height: height === 'push' ? 'push' : 'pull' };
}

function stepOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
