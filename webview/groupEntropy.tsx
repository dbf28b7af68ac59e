import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { formatCount } from '../core/format';
import { colours } from './colours';
import { onFrame } from './frames';
import { axisHeight, drawEntropy, entropyScene, rowPitch, scaleOf, type EntropyScene } from './groupEntropyScene';
import { branchAt, chooseBranch, chooseSample, entropyOf, layout, openToken, samples } from './groupState';
import { visibleText } from './visibleText';

interface Pointed {
  readonly sample: number;
  readonly token: number;
}

/** The token under the mouse. */
const pointed = signal<Pointed | null>(null);

let isMarked = false;

/** Entropies of all samples, one row each, tokens under tokens. */
export function EntropyRows(): VNode {
  const room = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const scene = entropyScene.value;
  useLayoutEffect(() => {
    const [scrolled, target] = [room.current, canvas.current];
    if (scrolled === null || target === null) return undefined;
    const draw = (): void => {
      drawEntropy(target, entropyScene.peek(), colours.peek(), {
        width: scrolled.clientWidth,
        height: scrolled.clientHeight,
        top: scrolled.scrollTop,
      });
      // For who measures: the first frame, and how many rows it stands for.
      if (!isMarked) performance.mark('srft:group', { detail: entropyScene.peek().rows.length });
      isMarked = true;
    };
    const frame = onFrame(draw);
    draw();
    const redraw = (): void => {
      frame.request();
    };
    const observer = new ResizeObserver(redraw);
    observer.observe(scrolled);
    scrolled.addEventListener('scroll', redraw);
    const stop = entropyScene.subscribe(redraw);
    const stopColours = colours.subscribe(redraw);
    return () => {
      observer.disconnect();
      scrolled.removeEventListener('scroll', redraw);
      stop();
      stopColours();
      frame.cancel();
    };
  }, []);
  const row = scene.rows.findIndex(({ sample }) => sample === scene.reader);
  useEffect(() => {
    const scrolled = room.current;
    if (scrolled === null || row === -1) return;
    const lowest = (row + 1) * rowPitch - (scrolled.clientHeight - axisHeight);
    scrolled.scrollTop = Math.min(row * rowPitch, Math.max(lowest, scrolled.scrollTop));
  }, [row]);
  const at = (event: MouseEvent): Pointed | null => placeOf(event, room.current, scene);
  return (
    <section class="entropy-rows" aria-label="Entropy by token">
      <p class="entropy-head">
        <strong>Entropy by token</strong>{' '}
        <span class="secondary">
          {scene.top === 0 ? (
            'none was recorded'
          ) : pointed.value === null ? (
            <>0–{scene.top} nats; pale where shared with the row above; ◇ right and wrong part</>
          ) : (
            <PointedWords {...pointed.value} />
          )}
        </span>
      </p>
      <div
        class="entropy-room"
        ref={room}
        tabIndex={0}
        role="region"
        aria-label={`Entropies of ${scene.rows.length} samples; those at the forks stand in the table of forks`}
        onMouseMove={(event) => {
          pointed.value = at(event);
        }}
        onMouseLeave={() => {
          pointed.value = null;
        }}
        onClick={(event) => {
          const place = at(event);
          if (place === null) return;
          chooseSample(place.sample);
          const node = branchAt(place.sample, place.token);
          if (layout.peek().cells.some((cell) => cell.node === node)) chooseBranch(node);
        }}
        onDblClick={(event) => {
          const place = at(event);
          if (place !== null) openToken(place.sample, place.token);
        }}
      >
        <div style={{ height: `${scene.rows.length * rowPitch + axisHeight}px` }}>
          <canvas ref={canvas} aria-hidden="true" />
        </div>
      </div>
    </section>
  );
}

function PointedWords({ sample, token }: Pointed): VNode {
  const nats = entropyOf(sample)[token] ?? NaN;
  return (
    <>
      {visibleText(samples.value[sample]?.label ?? '')}, token {formatCount(token + 1)}
      {Number.isFinite(nats) ? `: ${nats.toFixed(2)} nats` : ''}
    </>
  );
}

function placeOf(event: MouseEvent, room: HTMLElement | null, scene: EntropyScene): Pointed | null {
  if (room === null) return null;
  const { left, top } = room.getBoundingClientRect();
  const y = event.clientY - top;
  const row = scene.rows[Math.floor((y + room.scrollTop) / rowPitch)];
  const token = Math.floor(scaleOf(scene, room.clientWidth).tokenAt(event.clientX - left));
  if (row === undefined || y > room.clientHeight - axisHeight || token < 0 || token >= row.values.length) return null;
  return { sample: row.sample, token };
}
