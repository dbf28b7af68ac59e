import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { defaultThresholds } from '../../../core/alerts';
import type { RunHeader } from '../../../core/generated/panel';
import type { Report } from '../../../core/report';
import { runHeader } from '../../../core/runHeader';
import { buildReport } from '../../../scripts/lib/extensionBundle.mjs';
import { exportReport, type ReportPage } from '../../../src/runs/exportReport';
import { RunStore } from '../../../src/runs/runStore';
import { inFolder } from '../support/folder';
import { step, writeRun } from '../support/writtenRun';

const hostile =
  '</script><script src="https://evil.example/x.js"></script><!--<script>alert(1)<img src=x onerror=alert(1)>';
const recorded = join('test', 'fixtures', 'runs', 'rich');
const smallPage: ReportPage = { script: 'void "http://www.w3.org/2000/svg"', style: 'b{}' };

describe('a report', () => {
  it('of the recorded run is one file without an address, whose script and style are those its policy names', () =>
    inFolder(async (folder) => {
      await buildReport(join(folder, 'page'), process.cwd());
      const script = await readFile(join(folder, 'page', 'report.js'), 'utf8');
      const style = await readFile(join(folder, 'page', 'report.css'), 'utf8');
      assert.deepEqual((await readdir(join(folder, 'page'))).sort(), ['report.css', 'report.js']);
      const { html, report } = await exported(recorded, folder, { script, style });
      assert.doesNotMatch(html, /https?:\/\//);
      const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
      const ours = html.slice(html.lastIndexOf('<script>') + '<script>'.length, html.lastIndexOf('</script>'));
      assert.ok(
        policy.startsWith(`default-src 'none'; script-src '${hashOf(ours)}'; style-src '${hashOf(style)}' `),
        policy,
      );
      assert.equal(report.run.rows, report.curves.rows);
      assert.equal(report.curves.metrics.length, report.run.metrics.length);
      assert.ok(report.rollouts.some(({ correct }) => correct) && report.rollouts.some(({ correct }) => !correct));
      assert.ok(report.run.summary.length > 0 && report.run.recipe.length > 0 && report.run.evaluations.length > 0);
      assert.ok(report.rollouts.every(({ prompt }) => prompt.length > 0));
    }));

  it('holds what a model wrote as data, whatever it is', () =>
    inFolder(async (folder) => {
      const run = join(folder, hostile.replaceAll('/', '∕'));
      await writeRun(run, {
        events: [
          { kind: 'started', attempt: 1, steps: 9 },
          step(1, { metrics: { [hostile]: 0.1, 'reward/mean': null } }),
          { kind: 'notice', step: 1, name: 'x', message: hostile },
        ],
        rows: [{ id: 'a1-s1-g0-0', kind: 'rollout', text: hostile, correct: true }],
      });
      const { html, report } = await exported(run, folder, smallPage);
      assert.equal(html.match(/<script/gi)?.length, 2);
      assert.equal(html.match(/<\/script/gi)?.length, 2);
      assert.doesNotMatch(html, /<!--|<img|https?:\/\//i);
      assert.equal(report.rollouts[0]?.text, hostile);
      assert.ok(report.run.lane.some(({ text }) => text === hostile));
      assert.deepEqual(
        report.curves.metrics.map(({ name, low, high }) => [name, numbers(low), high]),
        [
          [hostile, [Math.fround(0.1)], null],
          ['reward/mean', [NaN], null],
        ],
      );
    }));

  it('of a long run has ranges in which a spike of one step is left', () =>
    inFolder(async (folder) => {
      const steps = Array.from({ length: 20_001 }, (_, row) =>
        step(row + 1, { metrics: { a: row === 7_777 ? 99 : 0 } }),
      );
      const run = join(folder, 'run');
      await writeRun(run, { events: [{ kind: 'started', attempt: 1, steps: 9 }, ...steps], rows: [] });
      const { report } = await exported(run, folder, smallPage);
      const [curve] = report.curves.metrics;
      assert.equal(report.curves.rows, 20_001);
      assert.equal(numbers(curve?.high ?? '').length, 10_000);
      assert.equal(Math.max(...numbers(curve?.high ?? '')), 99);
      assert.equal(Math.max(...numbers(curve?.low ?? '')), 0);
    }));

  it('a cancelled one leaves nothing', () =>
    inFolder(async (folder) => {
      const store = await opened(recorded);
      const options = { signal: AbortSignal.abort() };
      const choices = { header: headerOf(store), pins: [], smoothing: 0, release: '1' };
      const result = await exportReport(store, choices, smallPage, join(folder, 'report.html'), options);
      assert.deepEqual(result, { kind: 'cancelled' });
      assert.deepEqual(await readdir(folder), []);
      await store.close();
    }));
});

async function exported(run: string, folder: string, page: ReportPage): Promise<{ html: string; report: Report }> {
  const store = await opened(run);
  const file = join(folder, 'report.html');
  const choices = { header: headerOf(store), pins: [], smoothing: 0.6, release: '0.1.0' };
  const result = await exportReport(store, choices, page, file);
  await store.close();
  const html = await readFile(file, 'utf8');
  assert.deepEqual(result, { kind: 'written', rows: store.model.steps.step.length, bytes: Buffer.byteLength(html) });
  const json = /<script type="application\/json" id="report">([^<]*)<\/script>/.exec(html)?.[1] ?? '';
  return { html, report: JSON.parse(json) as Report };
}

async function opened(run: string): Promise<RunStore> {
  const store = await RunStore.open(run);
  assert.ok(store.kind === 'read');
  return store.value;
}

function headerOf(store: RunStore): RunHeader {
  return runHeader({
    name: store.directory.split('/').at(-1) ?? '',
    manifest: store.manifest,
    model: store.model,
    status: store.status,
    presence: 'ended',
    stillSeconds: null,
    stages: [],
    indexRows: store.index.length,
    restarts: 0,
    thresholds: defaultThresholds,
    dismissed: new Set(),
    troubles: store.troubles,
    canControl: false,
    canStart: false,
  });
}

function numbers(base64: string): number[] {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return [...new Float32Array(bytes.buffer)];
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
