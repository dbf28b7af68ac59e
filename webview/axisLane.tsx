import type { VNode } from 'preact';
import type { LaneItem } from '../core/generated/panel';
import { allSteps, axis, plotWidth, shareOfStep, shownUnits, timelines } from './curves';
import { brushBetween, cursorStep, forkSteps } from './cursor';
import { runs } from './page';
import { axisWidth } from './panelChart';
import { unitAtStep } from './seriesData';
import { roundTicks, unitText } from './ticks';
import { brush } from './viewState';
import { visibleWords } from './visibleText';

/** The shared axis, and below it what happened when. */
export function AxisLane(): VNode {
  const width = plotWidth.value;
  const hasEvents = runs.value.length === 1;
  const [low, high] = shownUnits.value;
  const kind = axis.value;
  const cursor = cursorStep.value;
  const range = brush.value;
  const timeline = timelines.value[0];
  const cursorShare = cursor === null ? -1 : shareOfStep(cursor);
  const shown = laneItems().filter(({ share }) => share >= 0 && share <= 1);
  return (
    <div class={hasEvents ? 'axis-lane' : 'axis-lane without-events'}>
      <div class="lane-names secondary" style={{ width: `${axisWidth}px` }}>
        <div>{kind}</div>
        {hasEvents && <div>events</div>}
      </div>
      <div class="lane" style={{ width: `${width}px` }}>
        {roundTicks(low, high, width / 60, kind).map((tick) => (
          <span key={tick} class="tick secondary" style={{ left: `${((tick - low) / (high - low)) * width}px` }}>
            {unitText(tick, kind)}
          </span>
        ))}
        {cursor !== null && cursorShare >= 0 && cursorShare <= 1 && (
          <span class="tick at-cursor" style={{ left: `${cursorShare * width}px` }}>
            {timeline === undefined || kind === 'step' ? cursor : unitText(unitAtStep(timeline, cursor), kind)}
          </span>
        )}
        {shown.map(({ item, share }, place) => (
          <Mark
            key={`${item.step} ${item.mark} ${item.text}`}
            item={item}
            left={share * width + sameStepBefore(shown, place) * markDistance}
          />
        ))}
      </div>
      <div class="lane-heads secondary" aria-hidden="true">
        <span>{cursor !== null ? `step ${cursor}` : range === null ? '' : `mean ${range.from}–${range.to}`}</span>
        <span>{runs.value.some(({ rows }) => rows > 0) ? `now ${allSteps.value.to}` : ''}</span>
      </div>
    </div>
  );
}

/** A checkpoint that is there can be chosen: a click brushes its step, as the key C does. */
function Mark({ item, left }: { readonly item: LaneItem; readonly left: number }): VNode {
  const words = `step ${item.step}: ${visibleWords(item.text)}`;
  const hasFailed = item.mark === 'end' && runs.value[0]?.failure !== null;
  const looks = { class: `event event-${hasFailed ? 'failure' : item.mark}`, style: { left: `${left}px` } };
  const isCheckpoint = item.mark === 'checkpoint' || item.mark === 'best';
  if (!isCheckpoint || !forkSteps.value.includes(item.step))
    return (
      <span {...looks} title={words} role="img" aria-label={words}>
        {hasFailed ? '✕' : forkSteps.value.length > 0 ? (hollow[item.mark] ?? marks[item.mark]) : marks[item.mark]}
      </span>
    );
  return (
    <button
      type="button"
      {...looks}
      title={`${words}. Click to brush it and fork from it.`}
      aria-label={words}
      tabIndex={-1}
      onClick={() => {
        brushBetween(item.step, item.step);
      }}
    >
      {marks[item.mark]}
    </button>
  );
}

const marks: Readonly<Record<LaneItem['mark'], string>> = {
  checkpoint: '◆',
  best: '★',
  alert: '△',
  resumed: '⟲',
  phase: '▸',
  notice: '•',
  control: '◦',
  end: '■',
};

/** Checkpoints that were deleted since. */
const hollow: Readonly<Partial<Record<LaneItem['mark'], string>>> = { checkpoint: '◇', best: '☆' };

/** Marks of one step stand side by side. */
const markDistance = 11;

function sameStepBefore(shown: readonly { readonly item: LaneItem }[], place: number): number {
  const step = shown[place]?.item.step;
  let before = place;
  while (before > 0 && shown[before - 1]?.item.step === step) before -= 1;
  return place - before;
}

/** More would lie on one another. */
const mostItems = 400;

function laneItems(): { item: LaneItem; share: number }[] {
  if (runs.value.length !== 1) return [];
  const items = runs.value[0]?.lane ?? [];
  return items.slice(-mostItems).map((item) => ({ item, share: shareOfStep(item.step) }));
}
