import type { VNode } from 'preact';
import type { LaneItem } from '../core/generated/panel';
import { axis, plotWidth, shareOfStep, shownUnits, timelines } from './curves';
import { cursorStep } from './cursor';
import { runs } from './page';
import { axisWidth } from './panelChart';
import { unitAtStep } from './seriesData';
import { roundTicks, unitText } from './ticks';
import { visibleWords } from './visibleText';

/** The shared axis, and below it what happened when. */
export function AxisLane(): VNode {
  const width = plotWidth.value;
  const [low, high] = shownUnits.value;
  const kind = axis.value;
  const cursor = cursorStep.value;
  const timeline = timelines.value[0];
  const cursorShare = cursor === null ? -1 : shareOfStep(cursor);
  const shown = laneItems().filter(({ share }) => share >= 0 && share <= 1);
  return (
    <div class="axis-lane">
      <div class="lane-names secondary" style={{ width: `${axisWidth}px` }}>
        <div>{kind}</div>
        <div>events</div>
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
        {shown.map(({ item, share }) => (
          <span
            key={`${item.step} ${item.mark} ${item.text}`}
            class={`event event-${item.mark}`}
            style={{ left: `${share * width}px` }}
            title={`step ${item.step}: ${visibleWords(item.text)}`}
            role="img"
            aria-label={`step ${item.step}: ${visibleWords(item.text)}`}
          >
            {marks[item.mark]}
          </span>
        ))}
      </div>
    </div>
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

/** More would lie on one another. */
const mostItems = 400;

function laneItems(): { item: LaneItem; share: number }[] {
  if (runs.value.length !== 1) return [];
  const items = runs.value[0]?.lane ?? [];
  return items.slice(-mostItems).map((item) => ({ item, share: shareOfStep(item.step) }));
}
