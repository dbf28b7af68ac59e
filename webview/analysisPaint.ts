import { sceneOfSide, type Plot, type PlotAxis } from './analysisPlot';
import type { Colours } from './colours';
import { paint, type Frame } from './paint';
import { scaled, ticksOf } from './scale';
import type { Scene } from './sceneMaths';
import type { Surface } from './surface';
import { formatTick, roundTicks } from './ticks';

/** Room about what is drawn, for numbers and names of the axes. */
const axisRoom = 44;
const topRoom = 20;
const footRoom = 20;
/** The name of an axis that is longer than this does not fit beside its numbers. */
const longestBeside = 4;
const lineHeight = 14;
/** About that of 11 pixels high letters. */
const letterWidth = 6.5;
const rightRoom = 10;
const pixelsATick = 26;

/** Where inside the axes of a plot lies. */
export function frameOf({ x, right }: Pick<Plot, 'x' | 'right'>, width: number, height: number): Frame {
  const foot = footRoom + (x.label.length > longestBeside ? lineHeight : 0);
  return {
    left: axisRoom,
    top: topRoom,
    width: Math.max(20, width - axisRoom - (right === null ? rightRoom : axisRoom)),
    height: Math.max(20, height - topRoom - foot),
  };
}

/** The place of the axis under a pixel. */
export function placeAt({ range: [from, to] }: PlotAxis, frame: Frame, x: number): number {
  return from + ((x - frame.left) / frame.width) * (to - from);
}

/** Draw a plot: axes, what is between them, marks, and the cursor. */
export function paintPlot(
  plot: Plot,
  surface: Surface,
  size: { readonly width: number; readonly height: number },
  colours: Colours,
  cursor: number | null,
  within: (frame: Frame, inside: () => void) => void,
): void {
  const frame = frameOf(plot, size.width, size.height);
  const left = sceneOfSide(plot, 'left');
  const right = plot.right === null ? null : sceneOfSide(plot, 'right');
  const { of } = colours;
  paintFoot(plot.x, surface, frame, colours);
  paintSide(left, surface, frame, colours, 'left');
  surface.text(0, 11, plot.left.label, of.secondary, 'start');
  if (right !== null) {
    paintSide(right, surface, frame, colours, 'right');
    surface.text(size.width, 11, plot.right?.label ?? '', of.secondary, 'end');
  }
  const at = (x: number): number => frame.left + ((x - left.x[0]) / (left.x[1] - left.x[0])) * frame.width;
  within(frame, () => {
    paint(left, surface, frame, colours);
    if (right !== null) paint(right, surface, frame, colours);
    for (const mark of plot.marks) {
      const x = at(mark.x);
      surface.line([x, frame.top, x, frame.top + frame.height], { colour: of.text, dash: [6, 3], width: 1.2 });
      paintMarkLabel(mark.label, surface, frame, x, colours);
    }
    if (cursor !== null)
      surface.line([at(cursor), frame.top, at(cursor), frame.top + frame.height], {
        colour: of.text,
        dash: [1.5, 2.5],
      });
  });
}

/** Half-way up, where accuracies and entropies seldom meet, and on a ground of its own where they do. */
function paintMarkLabel(label: string, surface: Surface, frame: Frame, x: number, { of }: Colours): void {
  const isRight = x > frame.left + frame.width / 2;
  const y = frame.top + frame.height * 0.45;
  const near = x + (isRight ? -3 : 3);
  const far = near + (isRight ? -1 : 1) * (label.length * letterWidth + 4);
  const box = [near, y - 11, far, y - 11, far, y + 4, near, y + 4];
  surface.area(box, { colour: of.background, alpha: 0.85 }, 'solid');
  surface.text(x + (isRight ? -5 : 5), y, label, of.text, isRight ? 'end' : 'start');
}

/** A place of an axis in words. */
export function placeText(kind: PlotAxis['kind'], place: number): string {
  return kind === 'entropy' ? `${Number((10 ** place).toPrecision(2))}` : formatTick(place);
}

/** Numbers and the name of the axis at the foot. */
export function paintFoot(
  { label, range: [from, to], kind }: Pick<PlotAxis, 'label' | 'range' | 'kind'>,
  surface: Surface,
  frame: Frame,
  { of }: Colours,
): void {
  const bottom = frame.top + frame.height;
  surface.line([frame.left, bottom, frame.left + frame.width, bottom], { colour: of.grid });
  const ticks = roundTicks(from, to, frame.width / 64, kind === 'step' || kind === 'entropy' ? 'step' : 'tokens');
  for (const tick of ticks) {
    const x = frame.left + ((tick - from) / (to - from)) * frame.width;
    const words = placeText(kind, tick);
    const end = frame.left + frame.width + rightRoom;
    if (x + (words.length * letterWidth) / 2 > end) surface.text(end, bottom + 14, words, of.secondary, 'end');
    else surface.text(x, bottom + 14, words, of.secondary, 'middle');
  }
  if (label.length <= longestBeside) surface.text(0, bottom + 14, label, of.secondary, 'start');
  else surface.text(frame.left + frame.width / 2, bottom + 14 + lineHeight, label, of.secondary, 'middle');
}

/** Numbers of the axis at a side, and its grid. */
export function paintSide(
  scene: Pick<Scene, 'y' | 'scale'>,
  surface: Surface,
  frame: Frame,
  { of }: Colours,
  side: 'left' | 'right',
): void {
  const [low, high] = scene.y.map((value) => scaled(scene.scale, value)) as [number, number];
  const edge = frame.left + frame.width;
  for (const found of ticksOf(scene, frame.height / pixelsATick)) {
    // What adding up leaves of zero.
    const tick = Math.abs(found) < 1e-9 * (high - low) ? 0 : found;
    const y = frame.top + frame.height * (1 - (scaled(scene.scale, tick) - low) / (high - low));
    if (side === 'left') {
      surface.line([frame.left, y, edge, y], { colour: of.grid });
      surface.text(frame.left - 5, y + 4, formatTick(tick), of.secondary, 'end');
    } else {
      surface.line([edge, y, edge + 3, y], { colour: of.secondary });
      surface.text(edge + 6, y + 4, formatTick(tick), of.secondary, 'start');
    }
  }
}
