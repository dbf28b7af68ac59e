import type { VNode } from 'preact';
import { formatCount } from '../core/format';
import type { ComparisonMessage } from '../core/generated/checkpoints';
import { post } from './checkpointsHost';
import { compared, comparison, counts } from './checkpointsState';
import { DifferenceHistogram } from './differenceHistogram';
import { DifferenceText } from './differenceText';
import { MovedTokens } from './movedTokens';
import { visibleText } from './visibleText';
import { WorkState } from './workState';

/** Two checkpoints on some sequences: where they differ, how much in all, and on which tokens most. */
export function ComparisonSection(): VNode {
  const message = comparison.value;
  if (message === null)
    return (
      <p class="secondary nothing-yet">
        Nothing is compared yet. Both checkpoints are asked, in processes of their own, how likely they find each token;
        the texts stay as they were written.
      </p>
    );
  return (
    <section class="comparison" aria-label="Comparison">
      <div class="section-head">
        <h2>
          {visibleText(message.before)} → {visibleText(message.after)} on {visibleText(message.set)}
        </h2>
        <WorkState {...message} unit="sequences" work="comparison" />
        <span class="spacer" />
        {compared.value.length > 0 && <Export message={message} />}
      </div>
      {compared.value.length > 0 && (
        <div class="comparison-body">
          <DifferenceText before={message.before} after={message.after} />
          <div class="comparison-side">
            <DifferenceHistogram counts={counts.value} />
            <MovedTokens />
          </div>
        </div>
      )}
    </section>
  );
}

function Export({ message }: { readonly message: ComparisonMessage }): VNode {
  return (
    <span class="export">
      {(['csv', 'json'] as const).map((format) => (
        <button
          type="button"
          class="link"
          key={format}
          title={`${formatCount(counts.value.tokens)} tokens of ${formatCount(message.done)} sequences`}
          onClick={() => {
            post({ kind: 'exportTokens', format });
          }}
        >
          Export {format.toUpperCase()}…
        </button>
      ))}
    </span>
  );
}
