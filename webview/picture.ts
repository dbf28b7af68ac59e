import { colours } from './colours';
import { axis, plotWidth } from './curves';
import { axisWidth, rightPad } from './panelChart';
import { panels } from './panels';
import { paint } from './paint';
import { scaled, ticksOf } from './scale';
import { sceneOf } from './scene';
import { canvasSurface, svgSurface, type Surface } from './surface';
import { formatTick, roundTicks, unitText } from './ticks';

const titleHeight = 20;
const footHeight = 24;
const pixelsAUnit = 2;

/** All panels, one below the other, as a PNG file; null where the page cannot make one. */
export async function pngPicture(): Promise<Uint8Array | null> {
  const { width, height } = size();
  const canvas = document.createElement('canvas');
  canvas.width = width * pixelsAUnit;
  canvas.height = height * pixelsAUnit;
  const context = canvas.getContext('2d');
  if (context === null) return null;
  context.scale(pixelsAUnit, pixelsAUnit);
  context.fillStyle = colours.peek().of.background;
  context.fillRect(0, 0, width, height);
  const surface = canvasSurface(context);
  drawAll(surface, (frame, inside) => {
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    inside();
    context.restore();
  });
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png');
  });
  return blob === null ? null : new Uint8Array(await blob.arrayBuffer());
}

/** The same as an SVG file. */
export function svgPicture(): Uint8Array {
  const { width, height } = size();
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="${colours.peek().of.background}"/>`,
  ];
  let clips = 0;
  drawAll(svgSurface(parts), ({ left, top, width: w, height: h }, inside) => {
    clips += 1;
    parts.push(
      `<clipPath id="c${clips}"><rect x="${left}" y="${top}" width="${w}" height="${h}"/></clipPath><g clip-path="url(#c${clips})">`,
    );
    inside();
    parts.push('</g>');
  });
  parts.push('</svg>');
  return new TextEncoder().encode(parts.join('\n'));
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function size(): { width: number; height: number } {
  const heights = panels.peek().map(({ height }) => height + titleHeight);
  return {
    width: axisWidth + plotWidth.peek() + rightPad,
    height: heights.reduce((sum, height) => sum + height, footHeight),
  };
}

function drawAll(surface: Surface, within: (frame: Frame, inside: () => void) => void): void {
  const { of } = colours.peek();
  let top = 0;
  let x: readonly [number, number] = [0, 1];
  for (const spec of panels.peek()) {
    const scene = sceneOf(spec);
    x = scene.x;
    const legend = [...spec.lines, ...spec.stack].map(({ label }) => label).join(', ');
    surface.text(4, top + 14, `${spec.title}${spec.unit === '' ? '' : ` (${spec.unit})`}: ${legend}`, of.text, 'start');
    const frame = { left: axisWidth, top: top + titleHeight, width: plotWidth.peek(), height: spec.height - 8 };
    const [low, high] = scene.y.map((value) => scaled(scene.scale, value)) as [number, number];
    for (const tick of ticksOf(scene, frame.height / 24)) {
      const y = frame.top + frame.height * (1 - (scaled(scene.scale, tick) - low) / (high - low));
      surface.line([frame.left, y, frame.left + frame.width, y], { colour: of.grid });
      surface.text(axisWidth - 4, y + 4, formatTick(tick), of.secondary, 'end');
    }
    within(frame, () => {
      paint(scene, surface, frame, colours.peek());
    });
    top += spec.height + titleHeight;
  }
  for (const tick of roundTicks(x[0], x[1], plotWidth.peek() / 60, axis.peek())) {
    const at = axisWidth + ((tick - x[0]) / (x[1] - x[0])) * plotWidth.peek();
    surface.text(at, top + 14, unitText(tick, axis.peek()), of.secondary, 'middle');
  }
}
