import { curve, envelope, type Curve } from '../core/curves';
import type { HeaderMessage, RangeCurves, SeriesRange, ToHost, ToPanel } from '../core/generated/panel';
import type { Report } from '../core/report';

/** What the page was written with. */
export const report = JSON.parse(document.getElementById('report')?.textContent ?? '') as Report;

interface Extremes {
  readonly low: Curve;
  readonly high: Curve;
}

const first = new Uint32Array(bytesOf(report.curves.first));
const step = new Float64Array(bytesOf(report.curves.step));
const tokens = new Float64Array(bytesOf(report.curves.tokens));
const seconds = new Float64Array(bytesOf(report.curves.seconds));
const metrics = new Map(report.curves.metrics.map(({ name, low, high }) => [name, extremesOf(low, high)]));
let pins = [...report.pins];

/** Ranges of rows that the curves are made of. */
export const rangeCount = first.length;

// The modules of the panel ask for their host when they are loaded, so this one is loaded before them.
Object.assign(globalThis, {
  acquireVsCodeApi: () => ({ postMessage: receive, getState: () => undefined, setState: () => undefined }),
});

/** There is no host: every question is answered here, by the same messages. */
function receive(message: ToHost): void {
  switch (message.kind) {
    case 'ready':
      send(header());
      return;
    case 'pins':
      pins = [...message.metrics];
      send(header());
      return;
    case 'series':
      send({ kind: 'series', request: message.request, ranges: message.ranges.map(rangeCurves) });
      return;
    case 'rollouts':
    case 'rows':
    case 'preview':
      send({ kind: 'failed', request: message.request, message: 'A report holds a sample of the rollouts alone.' });
      return;
    case 'cancel':
    case 'intent':
    case 'openExtreme':
    case 'saveImage':
  }
}

function send(data: ToPanel): void {
  queueMicrotask(() => window.dispatchEvent(new MessageEvent('message', { data })));
}

function header(): HeaderMessage {
  return { kind: 'header', runs: [report.run], pins, canStart: false, smoothing: report.smoothing };
}

function rangeCurves({ run, metrics: names, from, to, buckets }: SeriesRange): RangeCurves {
  const { rows } = report.curves;
  const start = rangeOf(Math.min(from, rows));
  const end = Math.min(first.length, rangeOf(Math.min(to, rows) - 1) + 1);
  const curves = names.flatMap((metric) => {
    const known = metrics.get(metric);
    if (known === undefined) return [];
    const least = envelope(known.low, start, end, buckets);
    const { high } = known.low === known.high ? least : envelope(known.high, start, end, buckets);
    return [{ metric, ranges: least.rows, low: least.low, high }];
  });
  const ranges = curves[0]?.ranges ?? new Uint32Array(0);
  const at = (column: Float64Array): Float64Array => Float64Array.from(ranges, (range) => column[range] ?? NaN);
  return {
    run,
    from: Math.min(from, rows),
    to: Math.min(to, rows),
    step: at(step),
    tokens: at(tokens),
    seconds: at(seconds),
    curves: curves.map(({ metric, low, high }) => ({ metric, low, high })),
  };
}

/** The range a row is in. */
function rangeOf(row: number): number {
  let low = 0;
  let high = first.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((first[middle] ?? 0) <= row) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function extremesOf(low: string, high: string | null): Extremes {
  const least = curveOf(low);
  return { low: least, high: high === null ? least : curveOf(high) };
}

function curveOf(text: string): Curve {
  const values = Float64Array.from(new Float32Array(bytesOf(text)));
  return curve({ values, length: values.length });
}

function bytesOf(base64: string): ArrayBuffer {
  const text = atob(base64);
  return Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;
}
