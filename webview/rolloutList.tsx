import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RolloutGroup, RolloutRow, SortKey } from '../core/generated/panel';
import { formatCount, formatShare } from '../core/format';
import { bringToView } from './bringToView';
import { Icon, Verdict } from './icon';
import { front } from './page';
import { layoutOf, type ListItem, type Openness } from './listLayout';
import { chosen, lines, list, openTrace, showGroup, wantLines } from './rolloutState';
import { filterOrder } from './rolloutPane';
import { change, view } from './viewState';
import { visibleText, visibleWords } from './visibleText';

const rowHeight = 22;
const spare = 12;

/** A tree of which only what is seen exists; rows are asked for when they come near. */
export function RolloutList(): VNode {
  const { grouping } = view.value;
  const answer = list.value;
  const body = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: view.peek().scroll, height: 400 });
  const [focus, setFocus] = useState(0);
  const [openness, setOpenness] = useState<ReadonlyMap<string, Openness>>(new Map());
  const groups = answer?.groups ?? [];
  const labelOf = (group: number): string => `${grouping} ${groups[group]?.label ?? ''}`;
  const stateOf = (group: number): Openness => openness.get(labelOf(group)) ?? (group < 2 ? 'some' : 'closed');
  const open = (group: number, state: Openness): void => {
    setOpenness(new Map([...openness, [labelOf(group), state]]));
  };
  const layout = layoutOf(answer ?? { groups: [], rows: new Int32Array(0) }, stateOf, grouping !== 'none');
  const first = Math.max(0, Math.floor(seen.top / rowHeight) - spare);
  const last = Math.min(layout.count, Math.ceil((seen.top + seen.height) / rowHeight) + spare);
  const items = Array.from({ length: Math.max(0, last - first) }, (_, place) => layout.at(first + place));

  useEffect(() => {
    wantLines(items.flatMap((item) => (item?.kind === 'row' ? [item.row] : [])));
  });
  useLayoutEffect(() => {
    const element = body.current;
    if (element === null) return undefined;
    element.scrollTop = view.peek().scroll;
    const observer = new ResizeObserver(() => {
      setSeen({ top: element.scrollTop, height: element.clientHeight });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);

  const frontPlace = front.value === null ? undefined : layout.placeOf(front.value);
  useEffect(() => {
    if (frontPlace !== undefined) bringToView(body.current, frontPlace * rowHeight, rowHeight);
  }, [front.value]);

  const act = (item: ListItem | undefined): void => {
    if (item?.kind === 'group') open(item.group, stateOf(item.group) === 'closed' ? 'some' : 'closed');
    if (item?.kind === 'more') open(item.group, 'all');
    if (item?.kind === 'row') chosen.value = item.row;
  };
  const moveTo = (place: number): void => {
    const target = Math.max(0, Math.min(layout.count - 1, place));
    setFocus(target);
    bringToView(body.current, target * rowHeight, rowHeight);
  };
  const parentOf = (place: number): number => {
    let at = place;
    while (at > 0 && layout.at(at)?.kind !== 'group') at -= 1;
    return at;
  };
  const press = (event: KeyboardEvent): void => {
    const item = layout.at(focus);
    const handled = ((): boolean => {
      switch (event.key) {
        case 'ArrowUp':
        case 'ArrowDown':
          moveTo(focus + (event.key === 'ArrowUp' ? -1 : 1));
          return true;
        case 'PageUp':
        case 'PageDown':
          moveTo(focus + (event.key === 'PageUp' ? -1 : 1) * Math.floor(seen.height / rowHeight));
          return true;
        case 'Home':
          moveTo(0);
          return true;
        case 'End':
          moveTo(layout.count - 1);
          return true;
        case 'ArrowRight':
          if (item?.kind === 'group' && stateOf(item.group) === 'closed') open(item.group, 'some');
          return true;
        case 'ArrowLeft':
          if (item?.kind === 'group') open(item.group, 'closed');
          else moveTo(parentOf(focus));
          return true;
        case 'Enter':
          if (item?.kind === 'row') openTrace(item.row);
          else act(item);
          return true;
        case ' ':
          act(item);
          return true;
        case 'g':
          if (item?.kind === 'row') showGroup(item.row);
          return true;
        case '/':
          document.getElementById('text-filter')?.focus();
          return true;
        default: {
          const filter = filterOrder[Number(event.key) - 1];
          if (filter !== undefined) change({ filter });
          return filter !== undefined;
        }
      }
    })();
    if (handled) event.preventDefault();
  };

  return (
    <div class="list">
      <ColumnHeads />
      <div
        class="list-body"
        ref={body}
        role="tree"
        tabIndex={0}
        aria-label="Rollouts"
        aria-activedescendant={`item-${focus}`}
        onKeyDown={press}
        onScroll={({ currentTarget }) => {
          setSeen({ top: currentTarget.scrollTop, height: currentTarget.clientHeight });
          change({ scroll: currentTarget.scrollTop });
        }}
      >
        <div class="list-room" style={{ height: `${layout.count * rowHeight}px` }}>
          {items.map((item, offset) => {
            const place = first + offset;
            return (
              <div
                key={place}
                id={`item-${place}`}
                role="treeitem"
                aria-level={item?.kind === 'group' ? 1 : 2}
                aria-selected={item?.kind === 'row' && item.row === chosen.value}
                {...(item?.kind === 'group' ? { 'aria-expanded': stateOf(item.group) !== 'closed' } : {})}
                {...(place === frontPlace ? { 'aria-current': 'true' } : {})}
                class={`${itemClass(item, place === focus)}${place === frontPlace ? ' in-front' : ''}`}
                style={{ transform: `translateY(${place * rowHeight}px)` }}
                onClick={() => {
                  setFocus(place);
                  act(item);
                }}
                onDblClick={() => {
                  if (item?.kind === 'row') openTrace(item.row);
                }}
              >
                {item?.kind === 'group' && (
                  <GroupLine
                    group={groups[item.group]}
                    closed={stateOf(item.group) === 'closed'}
                    quoted={grouping === 'opening'}
                  />
                )}
                {item?.kind === 'more' && <span class="more secondary">{formatCount(item.hidden)} more</span>}
                {item?.kind === 'row' && <RowLine row={lines.value.get(item.row)} />}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

const heads: readonly (readonly [SortKey, string])[] = [
  ['step', 'step'],
  ['prompt', 'prompt'],
  ['reward', 'reward'],
  ['advantage', 'adv.'],
  ['tokens', 'len'],
  ['entropy', 'entropy'],
];

function ColumnHeads(): VNode {
  const { sort, descending } = view.value;
  return (
    <div class="columns heads secondary">
      <span />
      {heads.map(([key, words]) => (
        <button
          type="button"
          key={key}
          class={`head column-${key}`}
          aria-label={`Sort by ${words}${key === sort ? (descending ? ', now falling' : ', now rising') : ''}`}
          onClick={() => {
            change(key === sort ? { descending: !descending } : { sort: key, descending: true });
          }}
        >
          {words}
          {key === sort ? (descending ? ' ↓' : ' ↑') : ''}
        </button>
      ))}
      <span class="head first-line">first line</span>
    </div>
  );
}

function itemClass(item: ListItem | undefined, isFocus: boolean): string {
  const isChosen = item?.kind === 'row' && item.row === chosen.value;
  return `item ${item?.kind ?? ''}${isFocus ? ' at-focus' : ''}${isChosen ? ' chosen' : ''}`;
}

function GroupLine({
  group,
  closed,
  quoted,
}: {
  readonly group: RolloutGroup | undefined;
  readonly closed: boolean;
  readonly quoted: boolean;
}): VNode | null {
  if (group === undefined) return null;
  const isOther = group.label === 'other openings';
  const label = visibleText(group.label);
  return (
    <>
      <Icon name={closed ? 'chevron-right' : 'chevron-down'} />
      <span class="group-label">{quoted && !isOther ? ['“', ...label, ' …”'] : label}</span>
      <span class="number">{formatCount(group.count)}</span>
      <ShareBar share={group.share} before={group.shareBefore} />
      <span class="number group-share">{formatShare(group.share)}</span>
      <span class="number group-before secondary">
        {group.shareBefore === null ? '' : `was ${Math.round(group.shareBefore * 100)}`}
      </span>
      <span class="number group-right">
        {formatShare(group.right)} <span class="secondary">✓</span>
      </span>
    </>
  );
}

const barWidth = 52;

/** Share now as a bar, share before as a tick. */
function ShareBar({ share, before }: { readonly share: number; readonly before: number | null }): VNode {
  return (
    <svg class="share-bar" width={barWidth} height="12" aria-hidden="true">
      <rect x="0" y="3" width={share * (barWidth - 2)} height="6" />
      {before !== null && <line x1={before * (barWidth - 2) + 1} x2={before * (barWidth - 2) + 1} y1="0" y2="12" />}
    </svg>
  );
}

function RowLine({ row }: { readonly row: RolloutRow | undefined }): VNode {
  if (row === undefined) return <span class="secondary">…</span>;
  return (
    <span class="columns">
      <Verdict correct={row.correct} />
      <span class="number">{row.step}</span>
      <span class="one-line" title={visibleWords(row.prompt)}>
        {visibleText(row.prompt)}
      </span>
      <span class="number column-reward">{row.reward === null ? '–' : row.reward.toFixed(2)}</span>
      <span class="number">{row.advantage === null ? '–' : signedTwo(row.advantage)}</span>
      <span class="number" title={row.truncated ? 'Ended by the length limit' : undefined}>
        {formatCount(row.tokens)}
        {row.truncated ? '…' : ''}
      </span>
      <EntropyBar entropy={row.entropy} />
      <span class="one-line" title={visibleWords(row.head)}>
        {visibleText(row.head)}
      </span>
    </span>
  );
}

const fullEntropy = 1.5;

function EntropyBar({ entropy }: { readonly entropy: number | null }): VNode {
  if (entropy === null) return <span class="secondary entropy-cell">–</span>;
  return (
    <span class="entropy-cell" title={`mean ${entropy.toFixed(3)} nats a token`}>
      <svg width="18" height="10" aria-hidden="true">
        <rect class="entropy-bar" x="0" y="2" width={Math.max(1, Math.min(1, entropy / fullEntropy) * 18)} height="6" />
      </svg>
      {entropy.toFixed(2)}
    </span>
  );
}

function signedTwo(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}
