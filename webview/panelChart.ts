import uPlot from 'uplot';
import type { Colours } from './colours';
import { paint } from './paint';
import { scaled, ticksOf, unscaled } from './scale';
import type { Scene } from './sceneMaths';
import { canvasSurface } from './surface';
import { formatTick } from './ticks';

/** Room left of every plot for the numbers of its axis. */
export const axisWidth = 44;

/** Room right of every plot, so that its last point is not cut. */
export const rightPad = 8;

/** One chart: uPlot keeps its canvas, scales and numbers; what is inside the axes is painted by us. */
export class PanelChart {
  private readonly plot: uPlot;
  private scene: Scene;
  private colours: Colours;

  constructor(target: HTMLElement, size: { width: number; height: number }, scene: Scene, colours: Colours) {
    this.scene = scene;
    this.colours = colours;
    this.plot = new uPlot(this.options(size), this.corners(), target);
  }

  /** Draw another scene. */
  draw(scene: Scene, colours: Colours): void {
    this.scene = scene;
    this.colours = colours;
    this.plot.setData(this.corners());
  }

  resize(width: number, height: number): void {
    if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height });
  }

  dispose(): void {
    this.plot.destroy();
  }

  /** uPlot knows the extremes only; the curves have more points than it has columns for. */
  private corners(): uPlot.AlignedData {
    return [[...this.scene.x], [...this.scene.y]];
  }

  private options({ width, height }: { width: number; height: number }): uPlot.Options {
    return {
      width,
      height,
      padding: [6, rightPad, 6, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [...this.scene.x] },
        y: {
          ...customScale,
          fwd: (value) => scaled(this.scene.scale, value),
          bwd: (height) => unscaled(this.scene.scale, height),
          range: () => [...this.scene.y],
        },
      },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        { show: false },
        {
          size: axisWidth,
          gap: 4,
          font: '11px system-ui, sans-serif',
          stroke: () => this.colours.of.secondary,
          grid: { stroke: () => this.colours.of.grid, width: 1 },
          ticks: { show: false },
          splits: ({ height: inAll }) => ticksOf(this.scene, inAll / pixelsATick),
          filter: (_, splits) => splits,
          values: (_, splits) => splits.map(formatTick),
        },
      ],
      hooks: {
        draw: [
          (plot) => {
            this.paintInside(plot);
          },
        ],
      },
    };
  }

  private paintInside({ ctx, bbox }: uPlot): void {
    const ratio = uPlot.pxRatio;
    const frame = {
      left: bbox.left / ratio,
      top: bbox.top / ratio,
      width: bbox.width / ratio,
      height: bbox.height / ratio,
    };
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - 3 * ratio, bbox.width + rightPad * ratio, bbox.height + 6 * ratio);
    ctx.clip();
    ctx.scale(ratio, ratio);
    paint(this.scene, canvasSurface(ctx), frame, this.colours);
    ctx.restore();
  }
}

const pixelsATick = 24;

// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- uPlot's const enum has no values at run time
const customScale: Pick<uPlot.Scale, 'distr'> = { distr: 100 };
