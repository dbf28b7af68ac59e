import type { Pattern } from './panels';

/** How a shape is drawn. */
export interface Ink {
  readonly colour: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  readonly alpha?: number;
  /** How strong the colour lies under the dots or lines of a pattern, 0 to 1. */
  readonly tint?: number;
}

/** Where a chart is drawn: on a canvas, or into the text of an SVG. Points are x, y, x, y, …; a NaN lifts the pen. */
export interface Surface {
  line(points: readonly number[], ink: Ink): void;
  area(points: readonly number[], ink: Ink, pattern: Pattern): void;
  dot(x: number, y: number, radius: number, ink: Ink): void;
  text(x: number, y: number, text: string, colour: string, align: 'start' | 'middle' | 'end'): void;
}

const fontFamily = 'system-ui, sans-serif';

/** Draw on a canvas; `scale` pixels of the canvas a unit. */
export function canvasSurface(context: CanvasRenderingContext2D): Surface {
  const path = (points: readonly number[], close: boolean): void => {
    context.beginPath();
    let down = false;
    for (let place = 0; place < points.length; place += 2) {
      const x = points[place] ?? NaN;
      const y = points[place + 1] ?? NaN;
      if (!Number.isFinite(x + y)) down = false;
      else if (down) context.lineTo(x, y);
      else {
        context.moveTo(x, y);
        down = true;
      }
    }
    if (close) context.closePath();
  };
  const use = ({ colour, width, dash, alpha }: Ink): void => {
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = width ?? 1;
    context.setLineDash(dash === undefined ? [] : [...dash]);
    context.globalAlpha = alpha ?? 1;
    context.lineJoin = 'round';
  };
  return {
    line(points, ink) {
      use(ink);
      path(points, false);
      context.stroke();
      context.globalAlpha = 1;
    },
    area(points, ink, pattern) {
      use(ink);
      path(points, true);
      if (pattern === 'outline') context.stroke();
      else {
        if (pattern !== 'solid') context.fillStyle = tile(context, ink, pattern) ?? ink.colour;
        context.fill();
      }
      context.globalAlpha = 1;
    },
    dot(x, y, radius, ink) {
      use(ink);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
      context.globalAlpha = 1;
    },
    text(x, y, text, colour, align) {
      context.font = `11px ${fontFamily}`;
      context.fillStyle = colour;
      context.textAlign = align === 'middle' ? 'center' : align;
      context.textBaseline = 'alphabetic';
      context.fillText(text, x, y);
    },
  };
}

/** Collect the elements of an SVG. */
export function svgSurface(parts: string[]): Surface {
  const stroke = ({ colour, width, dash, alpha }: Ink): string =>
    `fill="none" stroke="${escaped(colour)}" stroke-width="${width ?? 1}" stroke-linejoin="round" opacity="${alpha ?? 1}"${dash === undefined || dash.length === 0 ? '' : ` stroke-dasharray="${dash.join(' ')}"`}`;
  return {
    line(points, ink) {
      parts.push(`<path d="${data(points)}" ${stroke(ink)}/>`);
    },
    area(points, ink, pattern) {
      if (pattern === 'outline') parts.push(`<path d="${data(points)}Z" ${stroke(ink)}/>`);
      else {
        const id = `p${parts.length}`;
        if (pattern !== 'solid') parts.push(svgTile(id, ink, pattern));
        const fill = pattern === 'solid' ? escaped(ink.colour) : `url(#${id})`;
        parts.push(`<path d="${data(points)}Z" fill="${fill}" opacity="${ink.alpha ?? 1}"/>`);
      }
    },
    dot(x, y, radius, { colour }) {
      parts.push(`<circle cx="${short(x)}" cy="${short(y)}" r="${radius}" fill="${escaped(colour)}"/>`);
    },
    text(x, y, text, colour, align) {
      parts.push(
        `<text x="${short(x)}" y="${short(y)}" fill="${escaped(colour)}" font-size="11" font-family="${fontFamily}" text-anchor="${align}">${escaped(text)}</text>`,
      );
    },
  };
}

function data(points: readonly number[]): string {
  let path = '';
  let down = false;
  for (let place = 0; place < points.length; place += 2) {
    const x = points[place] ?? NaN;
    const y = points[place + 1] ?? NaN;
    if (Number.isFinite(x + y)) path += `${down ? 'L' : 'M'}${short(x)} ${short(y)}`;
    down = Number.isFinite(x + y);
  }
  return path;
}

function short(value: number): string {
  return value.toFixed(2);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const tiles = new Map<string, CanvasPattern | null>();
const tileSize = 6;
const usualTint = 0.3;

/** A small picture that repeats: fills that are told apart without their colour. */
function tile(
  context: CanvasRenderingContext2D,
  { colour, tint = usualTint }: Ink,
  pattern: 'dots' | 'hatch',
): CanvasPattern | null {
  const key = `${pattern} ${colour} ${tint}`;
  const known = tiles.get(key);
  if (known !== undefined) return known;
  const canvas = document.createElement('canvas');
  canvas.width = tileSize;
  canvas.height = tileSize;
  const small = canvas.getContext('2d');
  if (small !== null) drawTile(small, colour, tint, pattern);
  const made = context.createPattern(canvas, 'repeat');
  tiles.set(key, made);
  return made;
}

const dots = [
  [1, 1],
  [4, 4],
] as const;
const dotSize = 1.5;
const hatchOffsets = [-tileSize, 0, tileSize];
const hatchWidth = 1.4;

function drawTile(context: CanvasRenderingContext2D, colour: string, tint: number, pattern: 'dots' | 'hatch'): void {
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.globalAlpha = tint;
  context.fillRect(0, 0, tileSize, tileSize);
  context.globalAlpha = 1;
  if (pattern === 'dots') {
    for (const [x, y] of dots) context.fillRect(x, y, dotSize, dotSize);
    return;
  }
  context.lineWidth = hatchWidth;
  context.beginPath();
  for (const offset of hatchOffsets) {
    context.moveTo(offset, tileSize);
    context.lineTo(offset + tileSize, 0);
  }
  context.stroke();
}

function svgTile(id: string, { colour, tint = usualTint }: Ink, pattern: 'dots' | 'hatch'): string {
  const marks =
    pattern === 'dots'
      ? dots.map(([x, y]) => `<rect x="${x}" y="${y}" width="${dotSize}" height="${dotSize}"/>`)
      : hatchOffsets.map((offset) => `<path d="M${offset} ${tileSize}L${offset + tileSize} 0" />`);
  const ink = `fill="${escaped(colour)}" stroke="${escaped(colour)}" stroke-width="${pattern === 'dots' ? 0 : hatchWidth}"`;
  return `<pattern id="${id}" width="${tileSize}" height="${tileSize}" patternUnits="userSpaceOnUse"><g ${ink}><rect width="${tileSize}" height="${tileSize}" opacity="${tint}" stroke="none"/>${marks.join('')}</g></pattern>`;
}
