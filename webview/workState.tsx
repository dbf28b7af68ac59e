import type { VNode } from 'preact';
import { formatCount } from '../core/format';
import type { Cancel, ComparisonMessage } from '../core/generated/checkpoints';
import { post } from './checkpointsHost';
import { Icon } from './icon';
import { visibleText } from './visibleText';

/** How far a piece of work is, with a way to stop it, and what there is to say of it. */
export function WorkState(props: {
  readonly state: ComparisonMessage['state'];
  readonly done: number;
  readonly of: number;
  readonly notes: readonly string[];
  readonly unit: string;
  readonly work: Cancel['work'];
}): VNode {
  const { state, done, of, notes, unit, work } = props;
  return (
    <>
      <span role="status" class="work-state" data-state={state}>
        {stateWords(state, done, of, unit)}
      </span>
      {state === 'scoring' && (
        <>
          <progress max={Math.max(1, of)} value={done} aria-label={`Progress of the ${work}`} />
          <button
            type="button"
            class="link"
            onClick={() => {
              post({ kind: 'cancel', work });
            }}
          >
            Cancel
          </button>
        </>
      )}
      {notes.map((note) => (
        <p class="note" key={note} role={state === 'failed' ? 'alert' : undefined}>
          <Icon name={state === 'failed' ? 'error' : 'info'} /> {visibleText(note)}
        </p>
      ))}
    </>
  );
}

function stateWords(state: ComparisonMessage['state'], done: number, of: number, unit: string): string {
  const some = `${formatCount(done)} of ${formatCount(of)} ${unit}`;
  switch (state) {
    case 'none':
      return '';
    case 'scoring':
      return of === 0 ? 'Reading…' : `Scoring: ${some}`;
    case 'done':
      return `${formatCount(of)} ${unit}`;
    case 'cancelled':
      return `Cancelled after ${some}`;
    case 'failed':
      return `Stopped after ${some}`;
  }
}
