import { computed } from '@preact/signals';
import type { Colours } from './colours';
import { branches, choice, entropyOf, layout, reader, samples, tokenOf } from './groupState';

/** One sample's row. */
interface EntropyRow {
  readonly sample: number;
  readonly label: string;
  /** `secondary`: not judged. */
  readonly verdict: 'right' | 'wrong' | 'demo' | 'secondary';
  /** Not from training: its line is dashed. */
  readonly reroll: boolean;
  readonly values: Float32Array;
  /** So many tokens are the row above's too. */
  readonly shared: number;
  /** Tokens at which right and wrong part on its way. */
  readonly marks: readonly number[];
}

/** All that is drawn. */
export interface EntropyScene {
  readonly rows: readonly EntropyRow[];
  /** Tokens of the longest. */
  readonly longest: number;
  /** Nats at a row's upper edge; 0 where none was recorded. */
  readonly top: number;
  /** The chosen token, and how many rows go through its branch. */
  readonly token: number;
  readonly members: ReadonlySet<number>;
  /** The sample that is read, whose name stands out. */
  readonly reader: number;
}

export const rowPitch = 26;
export const axisHeight = 22;
const labelWidth = 92;
const rightMargin = 24;
const barHeight = 17;
const widestBar = 5;
const plainFont = '12px system-ui, sans-serif';
const boldFont = `600 ${plainFont}`;

const rows = computed(() => {
  const { order, shared } = layout.value;
  const deciding = branches.value.filter(({ fork }) => fork === 'decides');
  return order.map((sample, row): EntropyRow => {
    const { label = '', origin, given = false, correct = null } = samples.value[sample] ?? {};
    const reroll = origin === 'reroll';
    return {
      sample,
      label: given ? 'Demo' : reroll ? `↻ ${label}` : label,
      verdict: given ? 'demo' : correct === null ? 'secondary' : correct ? 'right' : 'wrong',
      reroll,
      values: entropyOf(sample),
      shared: shared[row] ?? 0,
      marks: deciding.filter(({ members }) => members.includes(sample)).map(({ to }) => to),
    };
  });
});

export const entropyScene = computed((): EntropyScene => {
  const { branch } = choice.value;
  return {
    rows: rows.value,
    ...extent.value,
    token: tokenOf(branch),
    members: new Set(branches.value[branch]?.members),
    reader: reader.value,
  };
});

const extent = computed(() => {
  let longest = 1;
  let greatest = -1;
  for (const { values } of rows.value) {
    longest = Math.max(longest, values.length);
    // By place: an iterator over hundreds of thousands of values takes several times as long.
    for (let token = 0; token < values.length; token += 1) {
      const value = values[token] ?? NaN;
      if (value > greatest) greatest = value;
    }
  }
  return { longest, top: greatest < 0 ? 0 : Math.max(0.5, Math.ceil(greatest * 2) / 2) };
});

/** Pixels of tokens, in a room of a width. */
export function scaleOf(
  { longest }: EntropyScene,
  width: number,
): { readonly x: (token: number) => number; readonly tokenAt: (x: number) => number } {
  const perToken = Math.max(1, width - labelWidth - rightMargin) / longest;
  return { x: (token) => labelWidth + token * perToken, tokenAt: (x) => (x - labelWidth) / perToken };
}

/** The part of the rows that is in view; of many tokens a pixel the highest is drawn. */
export function drawEntropy(
  canvas: HTMLCanvasElement,
  scene: EntropyScene,
  { of: colour, highContrast }: Colours,
  { width, height, top }: { readonly width: number; readonly height: number; readonly top: number },
): void {
  const context = canvas.getContext('2d');
  if (context === null || width === 0 || height === 0) return;
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  context.scale(scale, scale);
  context.font = plainFont;
  const { x } = scaleOf(scene, width);
  const bottom = height - axisHeight;
  drawAxis(context, scene, x, { width, bottom, text: colour.secondary, grid: colour.grid });
  context.save();
  context.beginPath();
  context.rect(0, 0, width, bottom);
  context.clip();
  const first = Math.max(0, Math.floor(top / rowPitch));
  const last = Math.min(scene.rows.length, Math.ceil((top + bottom) / rowPitch));
  for (let place = first; place < last; place += 1) {
    const row = scene.rows[place];
    if (row === undefined) continue;
    const base = place * rowPitch - top + rowPitch - 4;
    context.fillStyle = colour.text;
    context.textAlign = 'right';
    context.font = row.sample === scene.reader ? boldFont : plainFont;
    context.fillText(row.label, labelWidth - 8, base - 3, labelWidth - 8);
    context.fillStyle = colour.rollout;
    context.globalAlpha = highContrast ? 0.6 : 0.4;
    drawBars(context, row.values, 0, row.shared, scene.top, x, base);
    drawLine(context, x(0), x(Math.min(row.shared, row.values.length)), base, [2, 3], colour.rollout);
    context.globalAlpha = 1;
    drawBars(context, row.values, row.shared, row.values.length, scene.top, x, base);
    drawLine(context, x(row.shared), x(row.values.length), base, row.reroll ? [7, 2, 1, 2] : [], colour.rollout);
    drawVerdict(context, x(row.values.length) + 9, base - 5, row.verdict, colour[row.verdict], colour.background);
    for (const token of row.marks) {
      const isChosen = token === scene.token && scene.members.has(row.sample);
      drawDiamond(context, x(token + 0.5), base, isChosen ? colour.run0 : colour.text, colour.background);
    }
  }
  context.restore();
  context.font = plainFont;
  drawCursor(context, scene.token, x, { bottom, width, text: colour.text, box: colour.grid });
}

function drawBars(
  context: CanvasRenderingContext2D,
  values: Float32Array,
  from: number,
  to: number,
  top: number,
  x: (token: number) => number,
  base: number,
): void {
  const perToken = x(1) - x(0);
  const bar = Math.min(widestBar, perToken >= 3 ? perToken - 1 : Math.max(1, perToken));
  const inset = (perToken - bar) / 2;
  const step = Math.max(1, Math.floor(1 / perToken));
  for (let token = from; token < to; token += step) {
    let most = 0;
    for (let at = token; at < Math.min(to, token + step); at += 1) most = Math.max(most, values[at] || 0);
    const size = (Math.min(most, top) / top) * barHeight;
    if (size > 0.3) context.fillRect(x(token) + inset, base - size, bar, size);
  }
}

function drawLine(
  context: CanvasRenderingContext2D,
  from: number,
  to: number,
  y: number,
  dash: number[],
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(from, y + 0.5);
  context.lineTo(to, y + 0.5);
  context.stroke();
  context.setLineDash([]);
}

/** Filled for right, hollow with a cross for wrong, hollow for what was not judged, a square for what was given. */
function drawVerdict(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  verdict: EntropyRow['verdict'],
  colour: string,
  background: string,
): void {
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = 1.3;
  if (verdict === 'demo') {
    context.fillRect(x - 4, y - 4, 8, 8);
    return;
  }
  context.beginPath();
  context.arc(x, y, 5, 0, 2 * Math.PI);
  if (verdict === 'right') context.fill();
  else context.stroke();
  if (verdict === 'secondary') return;
  context.strokeStyle = verdict === 'right' ? background : colour;
  context.beginPath();
  if (verdict === 'right') {
    context.moveTo(x - 2.5, y);
    context.lineTo(x - 0.5, y + 2);
    context.lineTo(x + 2.5, y - 2);
  } else {
    context.moveTo(x - 2, y - 2);
    context.lineTo(x + 2, y + 2);
    context.moveTo(x + 2, y - 2);
    context.lineTo(x - 2, y + 2);
  }
  context.stroke();
}

function drawDiamond(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  colour: string,
  background: string,
): void {
  context.beginPath();
  context.moveTo(x - 4.5, y);
  context.lineTo(x, y - 4.5);
  context.lineTo(x + 4.5, y);
  context.lineTo(x, y + 4.5);
  context.closePath();
  context.fillStyle = background;
  context.fill();
  context.strokeStyle = colour;
  context.lineWidth = 1.3;
  context.stroke();
}

function drawAxis(
  context: CanvasRenderingContext2D,
  { longest }: EntropyScene,
  x: (token: number) => number,
  { width, bottom, text, grid }: { width: number; bottom: number; text: string; grid: string },
): void {
  const step = tickStep(longest, Math.max(2, Math.floor(width / 110)));
  context.fillStyle = text;
  context.textAlign = 'right';
  context.fillText('token', labelWidth - 8, bottom + 15);
  context.textAlign = 'center';
  for (let token = 0; token <= longest; token += step) {
    context.fillStyle = grid;
    const at = x(Math.max(1, token) - 0.5);
    context.fillRect(Math.round(at), 0, 1, bottom);
    context.fillStyle = text;
    context.fillText(`${Math.max(1, token)}`, at, bottom + 15);
  }
}

function drawCursor(
  context: CanvasRenderingContext2D,
  token: number,
  x: (token: number) => number,
  { bottom, width, text, box }: { bottom: number; width: number; text: string; box: string },
): void {
  const at = x(token + 0.5);
  context.strokeStyle = text;
  context.lineWidth = 1;
  context.setLineDash([1.5, 2.5]);
  context.beginPath();
  context.moveTo(Math.round(at) + 0.5, 0);
  context.lineTo(Math.round(at) + 0.5, bottom);
  context.stroke();
  context.setLineDash([]);
  const words = `${token + 1}`;
  const size = context.measureText(words).width + 12;
  const left = Math.min(width - size, at - size / 2);
  context.fillStyle = box;
  context.fillRect(left, bottom + 3, size, 18);
  context.fillStyle = text;
  context.textAlign = 'center';
  context.fillText(words, left + size / 2, bottom + 16);
}

function tickStep(longest: number, most: number): number {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000];
  return steps.find((step) => longest / step <= most) ?? 100_000;
}
