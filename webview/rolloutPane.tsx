import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Grouping, OpenExtreme, RolloutFilter, RolloutsRequest } from '../core/generated/panel';
import { extremes, gradientNorm, steepest } from '../core/extremes';
import { formatCount } from '../core/format';
import { Button, Dropdown, TextField } from './controls';
import { listedSteps } from './curves';
import { post } from './host';
import { runs } from './page';
import { RolloutList } from './rolloutList';
import { list, listTrouble, newRollouts, thaw } from './rolloutState';
import { brush, change, view } from './viewState';

/** The rollouts of the brushed steps, or of the newest. */
export function RolloutPane(): VNode {
  const { from, to } = listedSteps.value;
  const { grouping, sources, filter, text } = view.value;
  const nothing = list.value?.rows.length === 0;
  return (
    <section class="rollouts" aria-label="Rollouts">
      <div class="rollout-head">
        <h2>
          Rollouts, {brush.value === null ? 'newest steps' : from === to ? 'step' : 'steps'}{' '}
          {from === to ? from : `${from}–${to}`}
        </h2>
        {newRollouts.value > 0 && (
          <button type="button" class="chip" title="Take them in" onClick={thaw}>
            {formatCount(newRollouts.value)} new
          </button>
        )}
        <span class="spacer" />
        <Filters />
      </div>
      <div class="rollout-tools">
        <TextFilter />
        <Dropdown
          label="Sources"
          value={sources}
          options={sourceWords}
          onChange={(value) => {
            change({ sources: value });
          }}
        />
        <Dropdown
          label="Grouping"
          value={grouping}
          options={groupingWords}
          onChange={(value) => {
            change({ grouping: value });
          }}
        />
      </div>
      {!nothing && sources === 'rollouts' && (
        <div class="rollout-tools secondary">
          <span>open the</span>
          {extremes.map((extreme) => (
            <ExtremeLink
              key={extreme}
              extreme={extreme}
              title={`Open the trace of steps ${from}–${to} that is the ${extreme}`}
            />
          ))}
          {runs.value[0]?.metrics.includes(gradientNorm) === true && (
            <ExtremeLink
              extreme={steepest}
              title={`Open the trace that pulled hardest, Σ |pull|, in that of steps ${from}–${to} with the highest gradient norm; gradients of single traces are not recorded`}
            />
          )}
        </div>
      )}
      {listTrouble.value !== null && (
        <div class="list-note" role="status">
          {listTrouble.value}
        </div>
      )}
      {nothing ? (
        <div class="list-note" role="status">
          <span>
            No {sources === 'rollouts' ? 'rollouts' : sources} in steps {from}–{to}
            {filter === 'all' && text === '' ? '.' : ' match.'}
          </span>
          {(filter !== 'all' || text !== '') && (
            <Button
              label="Clear filter"
              onClick={() => {
                change({ filter: 'all', text: '' });
              }}
            />
          )}
        </div>
      ) : (
        <RolloutList />
      )}
    </section>
  );
}

function ExtremeLink(props: { readonly extreme: OpenExtreme['extreme']; readonly title: string }): VNode {
  const { extreme, title } = props;
  return (
    <button
      type="button"
      class="link"
      title={title}
      onClick={() => {
        const { from, to } = listedSteps.peek();
        post({ kind: 'openExtreme', run: 0, from, to, extreme });
      }}
    >
      {extreme}
    </button>
  );
}

const sourceWords: readonly (readonly [RolloutsRequest['sources'], string])[] = [
  ['rollouts', 'own rollouts'],
  ['demonstrations', 'demonstrations'],
  ['evaluations', 'evaluations'],
];

const groupingWords: readonly (readonly [Grouping, string])[] = [
  ['opening', 'Group: opening'],
  ['prompt', 'Group: prompt'],
  ['step', 'Group: step'],
  ['none', 'Group: none'],
];

/** In the order of the keys 1 to 4. */
export const filterOrder: readonly RolloutFilter[] = ['all', 'right', 'wrong', 'truncated'];

function Filters(): VNode {
  const words: Readonly<Record<RolloutFilter, string>> = { all: 'All', right: '✓', wrong: '✗', truncated: 'Truncated' };
  return (
    <div class="filters" role="group" aria-label="Filter">
      {filterOrder.map((filter) => (
        <button
          type="button"
          key={filter}
          class={view.value.filter === filter ? 'filter chosen' : 'filter'}
          aria-pressed={view.value.filter === filter}
          aria-label={`${filter}: ${list.value?.counts[filter] ?? 0}`}
          onClick={() => {
            change({ filter });
          }}
        >
          {words[filter]} {formatCount(list.value?.counts[filter] ?? 0)}
        </button>
      ))}
    </div>
  );
}

const typingPauseMs = 250;

/** Looks for what was typed once the typing rests. */
function TextFilter(): VNode {
  const kept = view.value.text;
  const [typed, setTyped] = useState(kept);
  useEffect(() => {
    setTyped(kept);
  }, [kept]);
  useEffect(() => {
    if (typed === kept) return undefined;
    const timer = setTimeout(() => {
      change({ text: typed });
    }, typingPauseMs);
    return () => {
      clearTimeout(timer);
    };
  }, [typed]);
  return (
    <TextField
      id="text-filter"
      label="Filter by text or /regex/"
      value={typed}
      onInput={setTyped}
      onEnter={() => {
        change({ text: typed });
      }}
    />
  );
}
