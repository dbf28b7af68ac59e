import type { VNode } from 'preact';

export type IconName =
  | 'add'
  | 'beaker'
  | 'book'
  | 'bell'
  | 'check'
  | 'chevron-down'
  | 'chevron-right'
  | 'circle-large-outline'
  | 'circle-slash'
  | 'close'
  | 'debug-continue'
  | 'debug-disconnect'
  | 'debug-pause'
  | 'debug-restart'
  | 'debug-stop'
  | 'error'
  | 'export'
  | 'eye'
  | 'folder-opened'
  | 'git-compare'
  | 'info'
  | 'new-file'
  | 'output'
  | 'pass'
  | 'pass-filled'
  | 'pinned'
  | 'play'
  | 'save'
  | 'sync'
  | 'warning'
  | 'device-camera';

/** A sign of VS Code's own set; says nothing to a screen reader, its neighbour does. */
export function Icon({
  name,
  slot,
  spin = false,
}: {
  readonly name: IconName;
  readonly slot?: string;
  readonly spin?: boolean;
}): VNode {
  return (
    <span
      class={`codicon codicon-${name}${spin ? ' turning' : ''}`}
      aria-hidden="true"
      {...(slot === undefined ? {} : { slot })}
    />
  );
}

/** Right or wrong, filled or hollow. */
export function Verdict({ correct }: { readonly correct: boolean }): VNode {
  return (
    <span class={correct ? 'verdict right' : 'verdict wrong'} role="img" aria-label={correct ? 'right' : 'wrong'}>
      <span class={`codicon codicon-${correct ? 'pass-filled' : 'error'}`} aria-hidden="true" />
    </span>
  );
}
