import type { VNode } from 'preact';
import type { Check, EmptyMessage } from '../core/generated/panel';
import { Button } from './controls';
import { wish } from './host';
import { Icon, type IconName } from './icon';

/** There is no run yet: what one needs, and how to start. */
export function EmptyPage({ message }: { readonly message: EmptyMessage }): VNode {
  const { checks, canStart } = message;
  return (
    <main class="full-page">
      <h1>Start a run</h1>
      <p>
        A run needs a base model, prompts with checkable answers, and demonstrations where there are any. Everything
        stays on this machine.
      </p>
      <ul class="checks">
        {checks.map((check) => (
          <li key={check.text}>
            <Icon name={checkIcon(check)} spin={check.ok === null} />
            <span class="visually-hidden">{check.ok === null ? 'looking' : check.ok ? 'there' : 'missing'}: </span>
            {check.text}
          </li>
        ))}
      </ul>
      <div class="buttons">
        <Button
          icon="play"
          label="Train the Demo"
          primary
          disabled={!canStart}
          onClick={() => {
            wish('trainDemo');
          }}
        />
        <Button
          icon="new-file"
          label="New Recipe"
          disabled={!canStart}
          onClick={() => {
            wish('newRecipe');
          }}
        />
        <Button
          icon="folder-opened"
          label="Open Run…"
          onClick={() => {
            wish('openRun');
          }}
        />
      </div>
      {!canStart && <p class="secondary">This workspace is in Restricted Mode: runs can be looked at, not started.</p>}
    </main>
  );
}

/** The run cannot be shown, and why. */
export function RefusedPage({ reason }: { readonly reason: string }): VNode {
  return (
    <main class="full-page">
      <h1>
        <Icon name="error" /> This run cannot be shown
      </h1>
      <p role="alert">{reason}</p>
      <div class="buttons">
        <Button
          icon="folder-opened"
          label="Open Run…"
          onClick={() => {
            wish('openRun');
          }}
        />
      </div>
    </main>
  );
}

function checkIcon({ ok }: Check): IconName {
  if (ok === null) return 'sync';
  return ok ? 'pass' : 'circle-large-outline';
}
