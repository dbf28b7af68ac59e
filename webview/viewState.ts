import { computed, effect, signal } from '@preact/signals';
import type { Grouping, MarkedTrace, RolloutFilter, RolloutsRequest, SortKey } from '../core/generated/panel';
import { keepState, keptState } from './vsCodeApi';

/** Steps, both ends included. */
export interface StepRange {
  readonly from: number;
  readonly to: number;
}

export type AxisKind = 'step' | 'tokens' | 'time';

/** Everything a person chose in the panel; survives hiding it. */
export interface ViewState {
  readonly version: 1;
  readonly axis: AxisKind;
  /** The zoomed part; null shows the whole run. */
  readonly zoom: StepRange | null;
  readonly brush: StepRange | null;
  /** The trace whose figures are marked on the curves. */
  readonly mark: MarkedTrace | null;
  readonly follow: boolean;
  /** Null takes the setting's value. */
  readonly smoothing: number | null;
  readonly logPanels: readonly string[];
  readonly filter: RolloutFilter;
  readonly text: string;
  readonly grouping: Grouping;
  readonly sources: RolloutsRequest['sources'];
  readonly sort: SortKey;
  readonly descending: boolean;
  readonly scroll: number;
}

const initial: ViewState = {
  version: 1,
  axis: 'step',
  zoom: null,
  brush: null,
  mark: null,
  follow: true,
  smoothing: null,
  logPanels: [],
  filter: 'all',
  text: '',
  grouping: 'opening',
  sources: 'rollouts',
  sort: 'step',
  descending: true,
  scroll: 0,
};

const keepDelayMs = 200;

/** The state as it is; changed only by `change`. */
export const view = signal<ViewState>(restored(keptState()));

/** The brush alone, so that who follows it sleeps through other changes. */
export const brush = computed(() => view.value.brush);

/** The marked trace alone. */
export const mark = computed(() => view.value.mark);

/** Change some of the state. */
export function change(part: Partial<ViewState>): void {
  view.value = { ...view.peek(), ...part };
}

let timer: ReturnType<typeof setTimeout> | undefined;
effect(() => {
  const state = view.value;
  clearTimeout(timer);
  timer = setTimeout(() => {
    keepState(state);
  }, keepDelayMs);
});

function restored(kept: unknown): ViewState {
  const isOurs = typeof kept === 'object' && kept !== null && 'version' in kept && kept.version === initial.version;
  return isOurs ? { ...initial, ...kept, version: initial.version } : initial;
}
