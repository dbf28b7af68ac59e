import type { VNode } from 'preact';
import type { GroupSample } from '../core/generated/group';
import { formatCount } from '../core/format';
import { headHeight } from './groupGeometry';
import { choice, chooseSample, openToken, reader, samples, shownOrder, tokenOf } from './groupState';
import { Icon, Verdict } from './icon';
import { visibleText, visibleWords } from './visibleText';

/** The samples of the group with their figures, each in its row of the tree. */
export function SampleTable({ rowHeight }: { readonly rowHeight: number }): VNode {
  const hasBoxes = samples.value.some(({ boxed }) => boxed !== null);
  const press = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const next = shownOrder.peek()[shownOrder.peek().indexOf(reader.peek()) + by];
    if (by === 0 || next === undefined) return;
    chooseSample(next);
    document.getElementById(`sample-${next}`)?.focus();
    event.preventDefault();
  };
  return (
    <table class="samples">
      <caption class="visually-hidden">Samples, in the order of the tree</caption>
      <thead>
        <tr class="secondary" style={{ height: `${headHeight}px` }}>
          <th>sample</th>
          {hasBoxes && <th class="number">boxed</th>}
          <th class="number">reward</th>
          <th class="number">adv.</th>
          <th class="number">tokens</th>
        </tr>
      </thead>
      <tbody onKeyDown={press}>
        {shownOrder.value.map((place) => {
          const sample = samples.value[place];
          return sample === undefined ? null : (
            <SampleRow key={place} place={place} sample={sample} hasBoxes={hasBoxes} rowHeight={rowHeight} />
          );
        })}
      </tbody>
    </table>
  );
}

const endings: Readonly<Partial<Record<GroupSample['state'], string>>> & { readonly limit: string } = {
  writing: 'Being written',
  limit: 'Ended by the length limit',
  'cut off': 'Cut off',
};

/** How a sample was judged, or why not. */
function Sign({ sample }: { readonly sample: GroupSample }): VNode {
  const { given, correct, isWaiting, state } = sample;
  if (given)
    return (
      <span class="given-sign" title={correct === true ? 'given; right' : 'given; not right'}>
        <Icon name="book" />
      </span>
    );
  if (correct !== null) return <Verdict correct={correct} />;
  const words = state === 'writing' ? 'being written' : isWaiting ? 'being judged' : 'not judged';
  return (
    <span class="open-sign" role="img" aria-label={words} title={words}>
      <Icon name={isWaiting ? 'sync' : 'circle-large-outline'} spin={isWaiting} />
    </span>
  );
}

function SampleRow({
  place,
  sample,
  hasBoxes,
  rowHeight,
}: {
  readonly place: number;
  readonly sample: GroupSample;
  readonly hasBoxes: boolean;
  readonly rowHeight: number;
}): VNode {
  const { label, origin, detail, boxed, reward, advantage, tokens, truncated } = sample;
  const isChosen = reader.value === place;
  const open = (): void => {
    openToken(place, tokenOf(choice.peek().branch));
  };
  return (
    <tr
      class={`${origin}${isChosen ? ' chosen' : ''}`}
      style={{ height: `${rowHeight}px` }}
      onClick={() => {
        chooseSample(place);
      }}
      onDblClick={open}
    >
      <td>
        <button
          type="button"
          id={`sample-${place}`}
          class="sample-name"
          tabIndex={isChosen ? 0 : -1}
          aria-pressed={isChosen}
          title="Enter opens the trace"
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            open();
            event.preventDefault();
          }}
        >
          <Sign sample={sample} />
          <span class="sample-words">
            {origin === 'reroll' && (
              <span class="reroll-sign" role="img" aria-label="not from training:">
                ↻{' '}
              </span>
            )}
            {visibleText(label)}
            {detail !== null && (
              <span class="sample-detail secondary" title={visibleWords(detail)}>
                {visibleText(detail)}
              </span>
            )}
          </span>
        </button>
      </td>
      {hasBoxes && (
        <td class="number boxed">
          <span class="one-line">{visibleText(boxed ?? '–')}</span>
        </td>
      )}
      <td class="number">{reward === null ? '–' : reward.toFixed(2)}</td>
      <td class="number">
        {advantage === null ? '–' : `${advantage < 0 ? '−' : '+'}${Math.abs(advantage).toFixed(2)}`}
      </td>
      <td class="number" title={endings[sample.state] ?? (truncated ? endings.limit : undefined)}>
        {formatCount(tokens)}
        {truncated || sample.state === 'writing' ? '…' : ''}
        {sample.state === 'cut off' ? ' ✂' : ''}
      </td>
    </tr>
  );
}
