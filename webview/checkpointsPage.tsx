import type { ComponentChildren, VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { formatCount } from '../core/format';
import type { SetupMessage } from '../core/generated/checkpoints';
import { ComparisonSection } from './comparisonSection';
import { post } from './checkpointsHost';
import { choice, choose, comparison } from './checkpointsState';
import { Icon } from './icon';
import { ProbeStrip } from './probeStrip';
import { SurprisePath } from './surprisePath';
import { visibleText, visibleWords } from './visibleText';

/** Checkpoints of a run: two compared, the path of all, and when tokens of the probes became likely. */
export function CheckpointsPage({ setup }: { readonly setup: SetupMessage }): VNode {
  const strip = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (setup.section === 'strip') strip.current?.scrollIntoView();
  }, [setup]);
  return (
    <>
      <header class="part-head checkpoints-head">
        <h1 class="one-line" title={visibleWords(setup.run)}>
          Checkpoints of {visibleText(setup.run)}
        </h1>
        {setup.isAlive && (
          <span class="fact">
            <Icon name="sync" /> live
          </span>
        )}
      </header>
      <main class="checkpoints" tabIndex={-1}>
        <ChoiceForm setup={setup} />
        <ComparisonSection />
        <SurprisePath most={setup.mostReferences} />
        <div ref={strip}>
          <ProbeStrip />
        </div>
      </main>
    </>
  );
}

/** Which two checkpoints, and on what. */
function ChoiceForm({ setup }: { readonly setup: SetupMessage }): VNode {
  const { before, after, set } = choice.value;
  const reason = whyNot(setup);
  const isUnderWay = comparison.value?.state === 'scoring';
  return (
    <form
      class="choice-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (before !== null && after !== null && set !== null && reason === null)
          post({ kind: 'compare', before, after, set });
      }}
    >
      <Choice
        label="Before"
        value={before}
        onChange={(key) => {
          choosePlace('before', key);
        }}
      >
        <PlaceOptions setup={setup} />
      </Choice>
      <Choice
        label="After"
        value={after}
        onChange={(key) => {
          choosePlace('after', key);
        }}
      >
        <PlaceOptions setup={setup} />
      </Choice>
      <Choice
        label="On"
        value={set}
        onChange={(key) => {
          if (key === other) post({ kind: 'pickStep' });
          else choose({ set: key });
        }}
      >
        {setup.sets.map(({ key, label, sequences }) => (
          <option value={key} key={key}>
            {label} ({formatCount(sequences)})
          </option>
        ))}
        <option value={other}>rollouts of another step…</option>
      </Choice>
      <button type="submit" class="primary" disabled={reason !== null || isUnderWay}>
        Compare
      </button>
      <p class="secondary choice-words">
        {reason ??
          `At most ${formatCount(setup.mostSequences)} sequences and ${formatCount(setup.mostTokens)} tokens, prompts included, evenly over all.`}
      </p>
    </form>
  );
}

/** What stands for a question to the person. */
const other = 'other';

function choosePlace(side: 'before' | 'after', key: string): void {
  if (key === other) post({ kind: 'pickPlace', side });
  else choose({ [side]: key });
}

function PlaceOptions({ setup }: { readonly setup: SetupMessage }): VNode {
  return (
    <>
      {setup.places.map(({ key, name, description }) => (
        <option value={key} key={key}>
          {visibleWords(description === '' ? name : `${name} · ${description}`)}
        </option>
      ))}
      <option value={other}>another checkpoint…</option>
    </>
  );
}

function Choice(props: {
  readonly label: string;
  readonly value: string | null;
  readonly onChange: (key: string) => void;
  readonly children: ComponentChildren;
}): VNode {
  const { label, value, onChange, children } = props;
  return (
    <label class="choice">
      <span class="secondary">{label}</span>
      <select
        aria-label={label}
        value={value ?? ''}
        onChange={({ currentTarget }) => {
          onChange(currentTarget.value);
          // What the person answers is chosen once the host has told it.
          currentTarget.value = choice.peek()[label === 'On' ? 'set' : label === 'Before' ? 'before' : 'after'] ?? '';
        }}
      >
        {value === null && <option value="">–</option>}
        {children}
      </select>
    </label>
  );
}

/** Why nothing can be compared, in a sentence; null where it can. */
function whyNot({ places, sets }: SetupMessage): string | null {
  const { before, after, set } = choice.value;
  if (sets.length === 0) return 'No rollout of this run has its tokens: there is nothing to compare on yet.';
  if (places.length === 0)
    return 'No checkpoint of this run is there, and its base was not found: choose another checkpoint, or wait for the first.';
  if (before === null || after === null) return 'There is one checkpoint so far: choose another to compare it with.';
  if (before === after) return 'Choose two different checkpoints.';
  return set === null ? 'Choose what to compare on.' : null;
}
