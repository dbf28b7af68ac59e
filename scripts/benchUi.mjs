// npm run bench:ui [-- --only KEY …]: how fast the panel is, in a headless browser over the packaged extension in a real
// workbench (docs/benchmarks.md). A table, and one JSON object in the last line. Wants a quiet machine.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chosenFigures, printFigures } from './lib/figureTable.mjs';
import { srftFolder } from './lib/paths.mjs';
import { Failure, runMain } from './lib/run.mjs';
import { say, timed } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';
import { packageExtension, targetOfThisMachine } from './lib/vsix.mjs';
import { ensureWorkbench } from './lib/workbench.mjs';

/** @type {Record<string, import('./lib/figureTable.mjs').Target>} in the order of the last line */
const targets = {
  open_100k_first_frame_ms: { is: '<', than: 300 },
  open_100k_complete_ms: { is: '<', than: 1500 },
  reopen_100k_ms: { is: '<', than: 300 },
  compare_10x10x10k_ms: { is: '<', than: 500 },
  compare_10x10x10k_cold_ms: { is: '<', than: 2000 },
  pan_frame_ms: { is: '≤', than: 8 },
  pan_frame_p95_ms: { is: '≤', than: 16 },
  event_to_screen_ms: { is: '<', than: 250 },
  reshow_ms: { is: '<', than: 100 },
  rollouts_100k_open_ms: { is: '<', than: 300 },
  rollouts_scroll_p95_ms: { is: '≤', than: 16 },
  group_64x4k_open_ms: { is: '<', than: 500 },
  trace_8k_provider_ms: { is: '≤', than: 50 },
  trace_tint_vs_plain: { is: '≤', than: 1.5 },
  trace_64k_open_ms: { is: '<', than: 500 },
  trace_64k_scroll_block_ms: { is: '≤', than: 20 },
  activation_ms: { is: '<', than: 50 },
};

await runMain(async () => {
  const wanted = wantedKeys();
  await setUp();
  const workbench = await ensureWorkbench();
  const { files } = await packageExtension({ targets: [targetOfThisMachine()] });
  const vsix = files[0]?.path ?? '';
  // Imported here, since their packages were installed just now.
  const { measurePanel } = await import('../test/workbench/panelBench.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'srft-bench-ui-'));
  const pictures = join(srftFolder, 'reports', 'bench-ui');
  mkdirSync(pictures, { recursive: true });
  /** @type {Record<string, number>} */
  let figures = {};
  try {
    await timed('measuring', async () => {
      figures = await measurePanel({ workbench, vsix, folder, pictures, wanted });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  printFigures(wanted, figures, targets);
  const besides = Object.entries(figures).filter(([key]) => !(key in targets));
  if (besides.length > 0)
    say(`besides: ${besides.map(([key, value]) => `${key} ${Number(value.toPrecision(3))}`).join(', ')}`);
  console.log(JSON.stringify(Object.fromEntries(wanted.map((key) => [key, figures[key] ?? null]))));
  return 0;
});

function wantedKeys() {
  const keys = Object.keys(targets);
  let only;
  try {
    ({ only } = parseArgs({ options: { only: { type: 'string', multiple: true } } }).values);
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : error} The one option is --only KEY.`);
  }
  return chosenFigures(keys, only);
}
