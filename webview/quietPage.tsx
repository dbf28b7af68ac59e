import type { VNode } from 'preact';

/** A page before there is anything to show. */
export function WaitingPage({ words }: { readonly words: string }): VNode {
  return <main class="full-page secondary">{words}</main>;
}

/** A page that says why there is nothing to show. */
export function TroublePage({ reason }: { readonly reason: string }): VNode {
  return (
    <main class="full-page">
      <p role="status">{reason}</p>
    </main>
  );
}
