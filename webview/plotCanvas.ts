import { colours } from './colours';
import { onFrame } from './frames';
import type { Frame } from './paint';

type Draw = (
  context: CanvasRenderingContext2D,
  size: { readonly width: number; readonly height: number },
  clip: (frame: Frame, inside: () => void) => void,
) => void;

/** Draw on a canvas that fills its room, at most once a frame: when asked to, and when its room or the theme changes. */
export function keepCanvas(
  canvas: HTMLCanvasElement,
  draw: Draw,
): { readonly redraw: () => void; readonly release: () => void } {
  const room = canvas.parentElement ?? canvas;
  const frame = onFrame(() => {
    const context = canvas.getContext('2d');
    const { clientWidth: width, clientHeight: height } = room;
    if (context === null || width === 0 || height === 0) return;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    context.scale(devicePixelRatio, devicePixelRatio);
    draw(context, { width, height }, ({ left, top, width: wide, height: high }, inside) => {
      context.save();
      context.beginPath();
      // Points at the edge are whole.
      context.rect(left - 4, top - 4, wide + 8, high + 8);
      context.clip();
      inside();
      context.restore();
    });
  });
  const observer = new ResizeObserver(() => {
    frame.request();
  });
  observer.observe(room);
  const stop = colours.subscribe(() => {
    frame.request();
  });
  return {
    redraw: () => {
      frame.request();
    },
    release: () => {
      observer.disconnect();
      stop();
      frame.cancel();
    },
  };
}
