import type { Colours } from './colours';
import { scaled } from './scale';
import type { Scene, SceneLayer, SceneLine } from './sceneMaths';
import { firstAtLeast, type Drawn } from './seriesData';
import type { Surface } from './surface';

/** Where on the surface a scene is drawn. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Draw a scene. The same strokes make the panel, the PNG and the SVG. */
export function paint(scene: Scene, surface: Surface, frame: Frame, { of, highContrast }: Colours): void {
  const place = places(scene, frame);
  for (const layer of scene.layers) {
    const asBars = scene.asBars && barWidth(layer, place) >= 3;
    const points = asBars ? bars(layer, place) : outline(layer, place);
    const colour = of[layer.colour];
    if (highContrast) {
      // Fills are off: a layer is told by its pattern, and by the dashes of its upper edge.
      if (layer.pattern === 'dots' || layer.pattern === 'hatch')
        surface.area(points, { colour, tint: 0 }, layer.pattern);
      surface.line(asBars ? points : edge(layer, place), { colour, dash: layer.dash, width: 1.5 });
      continue;
    }
    surface.area(
      points,
      { colour, alpha: layer.pattern === 'outline' ? 0.9 : layer.pattern === 'solid' ? 0.62 : 0.95 },
      layer.pattern,
    );
    if (!scene.asBars) surface.line(edge(layer, place), { colour, alpha: 0.9 });
  }
  if (scene.layers.length > 0 || scene.scale.kind === 'symlog') {
    const zero = place.y(0);
    surface.line([frame.left, zero, frame.left + frame.width, zero], { colour: of.secondary, alpha: 0.5 });
  }
  if (scene.floor !== null) {
    const y = place.y(scene.floor);
    surface.line([frame.left, y, frame.left + frame.width, y], { colour: of.warning, dash: [1, 2], alpha: 0.8 });
    surface.text(frame.left + 4, y - 4, `collapse floor ${scene.floor}`, of.secondary, 'start');
  }
  for (const band of scene.bands) {
    const colour = of[band.colour];
    if (!highContrast) surface.area(outline(band, place), { colour, alpha: 0.2 }, 'solid');
    surface.line(envelopeLine({ x: band.x, low: band.mean, high: band.mean }, place), { colour, width: 2 });
  }
  for (const line of scene.lines) paintLine(line, scene, surface, place, of[line.spec.colour]);
  for (const { colour, dash, points } of scene.heldOut) {
    const ink = { colour: of[colour] };
    surface.line(
      points.flatMap(({ x, value }) => [place.x(x), place.y(value)]),
      { ...ink, dash, width: 1.2 },
    );
    for (const { x, value, low, high } of points) {
      surface.line([place.x(x), place.y(low), place.x(x), place.y(high)], { ...ink, alpha: 0.7 });
      surface.dot(place.x(x), place.y(value), 3, ink);
    }
  }
  for (const mark of scene.marks) {
    if (mark.x < place.from || mark.x > place.to) continue;
    const [x, y] = [place.x(mark.x), place.y(mark.value)];
    const points = [x, y - markRadius, x + markRadius, y, x, y + markRadius, x - markRadius, y, x, y - markRadius];
    // Hollow, so that the curve is seen within.
    surface.line(points, { colour: of.background, width: 4 });
    surface.line(points, { colour: of.text, width: 2 });
  }
}

const markRadius = 6;

interface Places {
  readonly from: number;
  readonly to: number;
  x(value: number): number;
  y(value: number): number;
}

function places({ x: [from, to], y: [low, high], scale }: Scene, { left, top, width, height }: Frame): Places {
  const bottom = scaled(scale, low);
  const perUnitX = width / (to - from);
  const perUnitY = height / (scaled(scale, high) - bottom);
  return {
    from,
    to,
    x: (value) => left + (value - from) * perUnitX,
    y: (value) => top + height - (scaled(scale, value) - bottom) * perUnitY,
  };
}

/** Within a band of seeds the single runs are pale. */
function paintLine(line: SceneLine, scene: Scene, surface: Surface, place: Places, colour: string): void {
  const isInBand = scene.bands.some((band) => band.colour === line.spec.colour);
  const dash = line.spec.dash;
  const raw = envelopeLine(line, place);
  if (isInBand) surface.line(raw, { colour, dash, alpha: 0.35 });
  else if (line.smooth === null) surface.line(raw, { colour, dash, width: 1.5 });
  else {
    surface.line(raw, { colour, alpha: 0.45 });
    surface.line(envelopeLine({ x: line.x, low: line.smooth, high: line.smooth }, place), { colour, dash, width: 1.8 });
  }
}

function envelopeLine({ x, low, high }: Drawn, place: Places): number[] {
  const points: number[] = [];
  forShown(x, place, (index) => {
    const at = place.x(x[index] ?? NaN);
    const least = low[index] ?? NaN;
    const greatest = high[index] ?? NaN;
    points.push(at, place.y(least));
    if (greatest !== least) points.push(at, place.y(greatest));
  });
  return points;
}

function outline({ x, base, top }: SceneLayer, place: Places): number[] {
  const forth: number[] = [];
  const back: number[] = [];
  forShown(x, place, (index) => {
    const at = place.x(x[index] ?? NaN);
    const upper = top[index] ?? NaN;
    if (Number.isNaN(upper)) return;
    forth.push(at, place.y(upper));
    back.push(place.y(base[index] ?? NaN), at);
  });
  return [...forth, ...back.reverse()];
}

function edge({ x, top }: SceneLayer, place: Places): number[] {
  return envelopeLine({ x, low: top, high: top }, place);
}

function barWidth({ x }: SceneLayer, place: Places): number {
  return x.length < 2 ? 8 : (place.x(x.at(-1) ?? 0) - place.x(x[0] ?? 0)) / (x.length - 1);
}

function bars(layer: SceneLayer, place: Places): number[] {
  const half = Math.min(8, barWidth(layer, place) * 0.38);
  const points: number[] = [];
  forShown(layer.x, place, (index) => {
    const at = place.x(layer.x[index] ?? NaN);
    const top = place.y(layer.top[index] ?? NaN);
    const base = place.y(layer.base[index] ?? NaN);
    if (top === base) return;
    points.push(at - half, base, at - half, top, at + half, top, at + half, base, at - half, base, NaN, NaN);
  });
  return points;
}

/** One beyond either end is drawn too, so that lines run out of the frame. */
function forShown(x: Float64Array, { from, to }: Places, visit: (index: number) => void): void {
  const end = Math.min(x.length, firstAtLeast(x, to) + 1);
  for (let index = Math.max(0, firstAtLeast(x, from) - 1); index < end; index += 1) visit(index);
}
