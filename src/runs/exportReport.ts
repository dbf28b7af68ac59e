import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { valueAt, valuesOf, type NumberColumn } from '../../core/columns';
import { envelope } from '../../core/curves';
import type { PreviewAnswer, RunHeader } from '../../core/generated/panel';
import type { Report, ReportCurves, ReportRollout } from '../../core/report';
import { isCurrent } from '../../core/rolloutIndex';
import type { RunModel } from '../../core/runModel';
import { writeAside } from './aside';
import { cancellable, type Exported, type ExportOptions } from './exportCurves';
import { previewAnswer } from './panelAnswers';
import type { RunStore } from './runStore';

/** What draws a report: built beside the panel, `dist/webview/report.*`. */
export interface ReportPage {
  readonly script: string;
  readonly style: string;
}

/** What of a report is not in the run's files. */
export interface ReportChoices {
  readonly header: RunHeader;
  readonly pins: readonly string[];
  readonly smoothing: number;
  /** Of this extension. */
  readonly release: string;
}

/** One HTML file that needs nothing else: the panel's charts with their numbers, and what the run was and became. */
export async function exportReport(
  store: RunStore,
  choices: ReportChoices,
  page: ReportPage,
  file: string,
  options: ExportOptions = {},
): Promise<Exported> {
  return cancellable(options.signal, () =>
    writeAside(file, async (aside) => {
      const report = await reportOf(store, choices, options);
      options.signal?.throwIfAborted();
      const text = htmlOf(report, page);
      await writeFile(aside, text, options.signal === undefined ? {} : { signal: options.signal });
      return { kind: 'written', rows: report.curves.rows, bytes: Buffer.byteLength(text) };
    }),
  );
}

/** With more rows than this a curve has so many ranges, each with its least and greatest value. */
const mostRows = 20_000;
const mostRanges = 10_000;
/** As many right ones as wrong ones. */
const mostOfAKind = 10;

async function reportOf(store: RunStore, choices: ReportChoices, options: ExportOptions): Promise<Report> {
  const { manifest, model } = store;
  const { name, kind, count, memory_bytes: memory, threads } = model.attempts.at(-1)?.device ?? manifest.device;
  const { rows, total } = sampled(store);
  const rollouts: ReportRollout[] = [];
  for (const row of rows) {
    options.signal?.throwIfAborted();
    const answer = await previewAnswer(store, { kind: 'preview', request: 0, run: 0, row });
    if (answer.kind === 'read') rollouts.push(plain(answer.value, valueAt(store.index.correct, row) === 1));
    options.onProgress?.(rollouts.length, rows.length);
  }
  return {
    run: { ...choices.header, canControl: false, canResume: false, forkSteps: [] },
    pins: choices.pins,
    smoothing: choices.smoothing,
    written: new Date().toISOString(),
    release: choices.release,
    versions: { ...manifest.versions, ...model.attempts.at(-1)?.versions },
    device: [
      ['device', `${count > 1 ? `${count} × ` : ''}${name === '' ? kind : name} (${kind})`],
      ...(memory === null ? [] : [['memory', `${(memory / 1e9).toFixed(1)} GB`] as const]),
      ...(threads === null ? [] : [['threads', `${threads}`] as const]),
      ['parameters', `${manifest.parameters} (${manifest.trainable_parameters} trained)`],
    ],
    curves: curvesOf(model),
    rollouts,
    rolloutCount: total,
  };
}

/** Rows of the newest right and wrong rollouts whose tokens were kept, and how many own rollouts there are. */
function sampled({ index, model }: RunStore): { rows: number[]; total: number } {
  const right: number[] = [];
  const wrong: number[] = [];
  let total = 0;
  for (let row = index.length - 1; row >= 0; row -= 1) {
    const kind = index.kinds[row];
    if ((kind !== 'rollout' && kind !== 'hybrid') || !isCurrent(index, row, model.attempts)) continue;
    total += 1;
    const alike = valueAt(index.correct, row) === 1 ? right : wrong;
    if (alike.length < mostOfAKind && valueAt(index.address.segment, row) > 0) alike.push(row);
  }
  return { rows: [...right, ...wrong], total };
}

function plain(answer: PreviewAnswer, correct: boolean): ReportRollout {
  const { row, id, record, step, prompt, text, characters, figures, note } = answer;
  const entropy = Array.from(answer.entropy, (nats) => (Number.isFinite(nats) ? Number(nats.toPrecision(4)) : null));
  return {
    ...{ row, id, record, step, prompt, text, characters, figures, note, correct },
    pieces: [...answer.pieces],
    entropy,
  };
}

function curvesOf({ steps, startedAt }: RunModel): ReportCurves {
  const rows = steps.step.length;
  const isWhole = rows <= mostRows;
  const ranges = isWhole ? rows : mostRanges;
  const first = Uint32Array.from({ length: ranges }, (_, range) => Math.floor((range * rows) / ranges));
  const picked = (column: NumberColumn): Float64Array => Float64Array.from(first, (row) => valueAt(column, row));
  const start = startedAt ?? valueAt(steps.time, 0);
  return {
    rows,
    first: base64(first),
    step: base64(picked(steps.step)),
    tokens: base64(picked(steps.tokens)),
    seconds: base64(picked(steps.time).map((time) => time - start)),
    metrics: [...steps.metrics].map(([name, { curve }]) => {
      if (isWhole) return { name, low: base64(Float32Array.from(valuesOf(curve.values))), high: null };
      const { low, high } = envelope(curve, 0, rows, ranges);
      return { name, low: base64(Float32Array.from(low)), high: base64(Float32Array.from(high)) };
    }),
  };
}

function base64({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array | Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** The page may run its own script and nothing else, and reach nothing: what a model wrote is data in it. */
function htmlOf(report: Report, { script, style }: ReportPage): string {
  const code = inPage(script);
  const policy = [
    `default-src 'none'`,
    `script-src '${hashOf(code)}'`,
    // The toolkit of the controls makes an empty element and fills it by script.
    `style-src '${hashOf(style)}' '${hashOf('')}'`,
    'font-src data:',
    'img-src data: blob:',
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<title>${escaped(report.run.name)}</title>
<style>${style}</style>
</head>
<body>
<script type="application/json" id="report">${embedded(report)}</script>
<script>${code}</script>
</body>
</html>
`;
}

/** JSON that no HTML parser can see a tag, and no person an address, in. */
function embedded(report: Report): string {
  return JSON.stringify(report).replaceAll('<', '\\u003c').replaceAll('//', '\\/\\/');
}

/**
 * The same code, embedded: names of XML namespaces are the same strings with their slashes escaped, and no search finds
 * an address; nothing in it begins a comment of HTML.
 */
function inPage(script: string): string {
  return script.replaceAll('://', ':\\/\\/').replaceAll('<!--', '<\\!--').replaceAll('</script', '<\\/script');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
