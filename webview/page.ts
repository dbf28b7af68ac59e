import { computed, signal } from '@preact/signals';
import type { EmptyMessage, HeaderMessage, LiveMessage, RunHeader } from '../core/generated/panel';
import { listen, post } from './host';
import { change } from './viewState';

/** What the panel shows as a whole. */
export type Page =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'empty'; readonly message: EmptyMessage }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'runs'; readonly message: HeaderMessage };

export const page = signal<Page>({ kind: 'waiting' });

/** The newest word on what is being written; null before the first. */
export const live = signal<LiveMessage | null>(null);

/** Row of the rollout that a person looks at in the editor; null before the first. */
export const front = signal<number | null>(null);

/** The runs shown; none while there is no run. */
export const runs = computed<readonly RunHeader[]>(() => (page.value.kind === 'runs' ? page.value.message.runs : []));

/** The metrics the person pinned. */
export const pins = computed<readonly string[]>(() => (page.value.kind === 'runs' ? page.value.message.pins : []));

/** The setting's smoothing. */
export const usualSmoothing = computed(() => (page.value.kind === 'runs' ? page.value.message.smoothing : 0));

/** Listen to the host and say that we do. */
export function connect(): void {
  let header = '';
  listen((message) => {
    switch (message.kind) {
      case 'header': {
        // One waits for the page to be loaded, and one answers its first word; to draw both takes time.
        const text = JSON.stringify(message);
        if (text !== header || page.peek().kind !== 'runs') page.value = { kind: 'runs', message };
        header = text;
        break;
      }
      case 'empty':
        page.value = { kind: 'empty', message };
        break;
      case 'live':
        live.value = message;
        break;
      case 'brush':
        change({ brush: { from: message.from, to: message.to }, mark: message.trace, zoom: null });
        break;
      case 'front':
        front.value = message.row;
        break;
      case 'failed':
        page.value = { kind: 'refused', reason: message.message };
    }
  });
  post({ kind: 'ready' });
}
