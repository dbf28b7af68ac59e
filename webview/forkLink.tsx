import type { VNode } from 'preact';
import { wish } from './host';

/** Begins another run at a checkpoint; the host asks for what it needs. */
export function ForkLink({ step, title }: { readonly step: number; readonly title: string }): VNode {
  return (
    <button
      type="button"
      class="link"
      title={title}
      onClick={() => {
        wish('fork', 0, { step });
      }}
    >
      Fork From Step {step}
    </button>
  );
}
