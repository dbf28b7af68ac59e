import type { VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatNumber } from '../core/format';
import { cursors, setCursor } from './analysesState';
import { frameOf, paintPlot, placeAt, placeText } from './analysisPaint';
import {
  hasNumbers,
  placeBeside,
  placesOf,
  thinnedPlaces,
  numberNear,
  type Plot,
  type PlotSeries,
} from './analysisPlot';
import { colours } from './colours';
import { keepCanvas } from './plotCanvas';
import { canvasSurface } from './surface';
import { Swatch } from './swatch';
import { nearest } from './seriesData';
import { visibleText, visibleWords } from './visibleText';

/** A plot with its legend, or what is said in its place. */
export function PlotView({ plot }: { readonly plot: Plot }): VNode {
  const places = placesOf(plot);
  return places.length === 0 ? (
    <p class="no-numbers secondary">{plot.otherwise}</p>
  ) : (
    <DrawnPlot plot={plot} places={places} />
  );
}

/** Arrows and the mouse move the cursor of a plot. */
function DrawnPlot({ plot, places }: { readonly plot: Plot; readonly places: Float64Array }): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const redraw = useRef<() => void>(() => undefined);
  const shown = useRef(plot);
  const cursor = cursors.value[plot.x.kind] ?? null;
  const [isFocused, setFocused] = useState(false);
  shown.current = plot;
  useLayoutEffect(() => {
    const target = canvas.current;
    if (target === null) return undefined;
    const kept = keepCanvas(target, (context, size, clip) => {
      const now = shown.current;
      const at = cursors.peek()[now.x.kind] ?? null;
      paintPlot(now, canvasSurface(context), size, colours.peek(), at, clip);
    });
    redraw.current = kept.redraw;
    return kept.release;
  }, []);
  useLayoutEffect(() => {
    redraw.current();
  }, [plot, cursor]);
  const point = (event: MouseEvent): void => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const at = placeAt(plot.x, frameOf(plot, width, plot.height), event.clientX - left);
    setCursor(plot.x.kind, places[nearest(places, at)] ?? null);
  };
  return (
    <div class="plot-view">
      <div
        class="plot-room"
        style={{ height: `${plot.height}px` }}
        tabIndex={0}
        role="group"
        aria-label={`${plot.name}. Arrow keys read it, Escape ends that; its numbers are in the table below.`}
        onMouseMove={point}
        onMouseLeave={() => {
          setCursor(plot.x.kind, null);
        }}
        onFocus={() => {
          setFocused(true);
        }}
        onBlur={() => {
          setFocused(false);
        }}
        onKeyDown={(event) => {
          const moved = placeOfKey(event.key, places, cursor);
          if (moved === undefined) return;
          setCursor(plot.x.kind, moved);
          event.preventDefault();
        }}
      >
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      <span class="visually-hidden" role="status">
        {isFocused && cursor !== null ? cursorWords(plot, cursor) : ''}
      </span>
      <ul class="plot-legend">
        {cursor !== null && (
          <li class="secondary">
            {plot.x.label} {placeText(plot.x.kind, cursor)}
          </li>
        )}
        {plot.series.filter(hasNumbers).map((series) => (
          <li key={series.label}>
            <Swatch curve={series} shape={series.shape} />
            <span>{visibleText(series.label)}</span>
            <span class="number">{numberOf(series, cursor)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The numbers of a plot, thinned to so many rows. */
export function PlotTable({ plot }: { readonly plot: Plot }): VNode {
  const series = plot.series.filter(hasNumbers);
  return (
    <table>
      <caption>{plot.name}</caption>
      <thead>
        <tr>
          <th scope="col">{plot.x.label}</th>
          {series.map(({ label }) => (
            <th scope="col" key={label}>
              {visibleText(label)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {thinnedPlaces(placesOf(plot), mostRows).map((place) => (
          <tr key={place}>
            <th scope="row">{placeText(plot.x.kind, place)}</th>
            {series.map((one) => (
              <td class="number" key={one.label}>
                {textNear(one, place)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const mostRows = 21;

/** At the cursor, else the newest. */
function numberOf(series: PlotSeries, cursor: number | null): string {
  if (cursor !== null) return textNear(series, cursor);
  return series.newest === undefined ? '' : formatNumber(series.newest);
}

/** What a series is worth at a place; of a range of steps its extremes. */
function textNear(series: PlotSeries, at: number): string {
  const place = numberNear(series, at);
  const { shape, value, low, high } = series;
  const [least, most] = [formatNumber(low[place]), formatNumber(high[place])];
  return shape === 'points' || least === most ? formatNumber(value[place]) : `${least}…${most}`;
}

function cursorWords(plot: Plot, cursor: number): string {
  const numbers = plot.series
    .filter(hasNumbers)
    .map((series) => `${visibleWords(series.label)} ${textNear(series, cursor)}`);
  return `${plot.x.label} ${placeText(plot.x.kind, cursor)}: ${numbers.join(', ')}`;
}

/** Where a key leads; undefined for one that leads nowhere. */
function placeOfKey(key: string, places: Float64Array, cursor: number | null): number | null | undefined {
  switch (key) {
    case 'ArrowLeft':
      return placeBeside(places, cursor, -1);
    case 'ArrowRight':
      return placeBeside(places, cursor, 1);
    case 'Home':
      return places[0];
    case 'End':
      return places.at(-1);
    case 'Escape':
      return null;
    default:
      return undefined;
  }
}
