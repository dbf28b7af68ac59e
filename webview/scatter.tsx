import type { VNode } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatCount, formatNumber } from '../core/format';
import type { TokensMessage } from '../core/generated/analyses';
import { pullStreams } from '../core/pullStreams';
import { post } from './analysesHost';
import { choice, chooseHeight } from './analysesState';
import { frameOf, paintFoot, paintSide } from './analysisPaint';
import { streamLooks } from './analysisStreams';
import { colours } from './colours';
import { keepCanvas } from './plotCanvas';
import { drawPoint, pixelOf, pointAt, pointBeside, scatterOf, type Scatter } from './scatterMaths';
import { StreamMark } from './streamMark';
import { canvasSurface } from './surface';
import { visibleText, visibleWords } from './visibleText';

const height = 300;
const reach = 12;
const axis = { kind: 'entropy', label: 'entropy, nats', range: [0, 1] } as const;
const axes = { x: axis, right: null } as const;
const heights = [
  ['pull', 'pull'],
  ['push', 'pull × (1 − p)'],
] as const;

/** Tokens by entropy and pull: a click, or Enter, opens the trace of one at that token. */
export function TokenScatter({ message }: { readonly message: TokensMessage }): VNode {
  const { points } = message;
  const upwards = choice.value.height;
  const scatter = useMemo(() => scatterOf(points, upwards), [points, upwards]);
  const [chosen, choose] = useState<{ readonly of: typeof points; readonly place: number | null } | null>(null);
  const [isFocused, setFocused] = useState(false);
  // Another sample has other points.
  const point = chosen?.of === points ? chosen.place : null;
  const setChosen = (place: number | null): void => {
    choose({ of: points, place });
  };
  const canvas = useScatterCanvas(scatter, points.stream, upwards, point);
  const open = (place: number | null): void => {
    if (place !== null) post({ kind: 'openPoint', reading: message.reading, point: place });
  };
  const under = (event: MouseEvent): number | null => {
    const { left, top, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return pointAt(scatter, frameOf(axes, width, height), event.clientX - left, event.clientY - top, reach);
  };
  return (
    <div class="plot-view">
      <div class="filters" role="group" aria-label="Upwards">
        {heights.map(([name, words]) => (
          <button
            type="button"
            key={name}
            class={upwards === name ? 'filter chosen' : 'filter'}
            aria-pressed={upwards === name}
            onClick={() => {
              chooseHeight(name);
            }}
          >
            {words}
          </button>
        ))}
      </div>
      <div
        class={point === null || isFocused ? 'plot-room scatter' : 'plot-room scatter on-point'}
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="group"
        aria-label="Entropy against pull. Arrow keys go from token to token by entropy, Enter opens the trace of one."
        onMouseMove={(event) => {
          setChosen(under(event));
        }}
        onMouseLeave={() => {
          setChosen(null);
        }}
        onClick={(event) => {
          open(under(event));
        }}
        onFocus={() => {
          setFocused(true);
        }}
        onBlur={() => {
          setFocused(false);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') open(point);
          else if (event.key === 'ArrowRight') setChosen(pointBeside(scatter, point, 1));
          else if (event.key === 'ArrowLeft') setChosen(pointBeside(scatter, point, -1));
          else if (event.key === 'Home') setChosen(pointBeside(scatter, null, 1));
          else if (event.key === 'End') setChosen(pointBeside(scatter, null, -1));
          else if (event.key === 'Escape') setChosen(null);
          else return;
          event.preventDefault();
        }}
      >
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      <p class="point-words" role="status">
        {point === null ? (
          <span class="secondary">
            {formatCount(points.words.length)} of {formatCount(message.pointsOf)} tokens, each stream by itself, chosen
            by their ids; a click opens the trace at one.
          </span>
        ) : (
          <PointWords message={message} point={point} />
        )}
      </p>
      <ul class="plot-legend">
        {pullStreams.map((stream, place) => (
          <li key={stream}>
            <StreamMark stream={place} colour={streamLooks[stream].colour} />
            <span>{streamLooks[stream].label}</span>
            <span class="number">
              {formatCount(points.stream.reduce((count, of) => count + Number(of === place), 0))}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function useScatterCanvas(scatter: Scatter, streams: Int32Array, upwards: string, point: number | null) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useRef({ scatter, streams, upwards, point });
  const redraw = useRef<() => void>(() => undefined);
  shown.current = { scatter, streams, upwards, point };
  useLayoutEffect(() => {
    if (canvas.current === null) return undefined;
    const kept = keepCanvas(canvas.current, (context, size, clip) => {
      const now = shown.current;
      const surface = canvasSurface(context);
      const frame = frameOf(axes, size.width, size.height);
      const { of } = colours.peek();
      const label = now.upwards === 'push' ? 'pull × (1 − p)' : 'pull';
      paintFoot({ ...axis, range: now.scatter.x }, surface, frame, colours.peek());
      paintSide({ y: now.scatter.y, scale: { kind: 'linear' } }, surface, frame, colours.peek(), 'left');
      surface.text(0, 11, label, of.secondary, 'start');
      clip(frame, () => {
        const zero = frame.top + frame.height * (1 - (0 - now.scatter.y[0]) / (now.scatter.y[1] - now.scatter.y[0]));
        surface.line([frame.left, zero, frame.left + frame.width, zero], { colour: of.secondary, alpha: 0.5 });
        for (const place of now.scatter.order) {
          const stream = now.streams[place] ?? 0;
          const { colour } = streamLooks[pullStreams[stream] ?? 'right'];
          drawPoint(surface, stream, ...pixelOf(now.scatter, frame, place), 3, of[colour]);
        }
        if (now.point === null) return;
        const [x, y] = pixelOf(now.scatter, frame, now.point);
        surface.area(
          [x - 7, y - 7, x + 7, y - 7, x + 7, y + 7, x - 7, y + 7],
          { colour: of.text, width: 1.5 },
          'outline',
        );
      });
    });
    redraw.current = kept.redraw;
    return kept.release;
  }, []);
  useLayoutEffect(() => {
    redraw.current();
  }, [scatter, streams, point]);
  return canvas;
}

function PointWords({
  message: { points },
  point,
}: {
  readonly message: TokensMessage;
  readonly point: number;
}): VNode {
  const stream = pullStreams[points.stream[point] ?? 0] ?? 'right';
  const probability = points.probability[point] ?? NaN;
  return (
    <>
      <span class="mono">{visibleText(points.words[point] ?? '')}</span> token {(points.token[point] ?? 0) + 1} of a
      sequence of step {points.step[point]}, {streamLooks[stream].label}: entropy {formatNumber(points.entropy[point])}{' '}
      nats, pull {formatNumber(points.pull[point])}
      {Number.isFinite(probability) ? `, p ${formatNumber(probability)}` : ''}
    </>
  );
}

/** The tokens of the sample with the most entropy, as a table whose rows open traces. */
export function ScatterTable({ message }: { readonly message: TokensMessage }): VNode {
  const { points, reading } = message;
  const rows = [...scatterOf(points, 'pull').order].reverse().slice(0, mostRows);
  return (
    <table>
      <caption>Tokens of the greatest entropy in the sample</caption>
      <thead>
        <tr>
          {['token', 'stream', 'step', 'entropy, nats', 'pull', 'p'].map((name) => (
            <th scope="col" key={name}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((place) => (
          <tr key={place}>
            <td>
              <button
                type="button"
                class="link mono"
                aria-label={`Open the trace at ${visibleWords(points.words[place] ?? '')}`}
                onClick={() => {
                  post({ kind: 'openPoint', reading, point: place });
                }}
              >
                {visibleText(points.words[place] ?? '')}
              </button>
            </td>
            <td>{streamLooks[pullStreams[points.stream[place] ?? 0] ?? 'right'].label}</td>
            <td class="number">{points.step[place]}</td>
            <td class="number">{formatNumber(points.entropy[place])}</td>
            <td class="number">{formatNumber(points.pull[place])}</td>
            <td class="number">{formatNumber(points.probability[place])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const mostRows = 20;
