import type { ReadonlySignal } from '@preact/signals';

/** Let the surrounding effect or component run again when one of the signals changes; returns what they hold. */
export function follow(...signals: readonly ReadonlySignal[]): unknown[] {
  return signals.map(({ value }): unknown => value);
}
