import type { CheckFinding, CheckMeasured, CheckOutcome } from './checkReport';
import { formatDuration, formatNumber, formatShare } from './format';

/** A check as a Markdown document to read beside the recipe. */
export function checkDocument(recipe: string, outcome: CheckOutcome): string {
  const title = `# Check of ${inline(recipe)}`;
  switch (outcome.kind) {
    case 'failed':
      return [title, '', 'The check did not come to an end.', '', block(outcome.message), ''].join('\n');
    case 'faults':
      return [
        title,
        '',
        'The recipe cannot train yet. Nothing was measured.',
        '',
        ...findingLines(outcome.findings),
        '',
      ].join('\n');
    case 'measured': {
      const verdict = outcome.fits ? 'The recipe fits this machine.' : 'The recipe does not fit this machine.';
      const findings = outcome.findings.length === 0 ? ['Nothing to mend.'] : findingLines(outcome.findings);
      const seam = ['## Where prompt and response meet', '', block(outcome.seam), ''];
      return [
        title,
        '',
        verdict,
        '',
        ...findings,
        '',
        ...figures(outcome.measured),
        '',
        ...memoryTable(outcome.measured),
        '',
        ...seam,
      ].join('\n');
    }
  }
}

/** The same in one line, for a notification. */
export function checkSummary(outcome: CheckOutcome): string {
  if (outcome.kind === 'failed') return outcome.message;
  const count = (level: CheckFinding['level']): number =>
    outcome.findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const found = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
  if (outcome.kind === 'faults') return `The recipe cannot train yet: ${found}.`;
  const { run_seconds: run, step_seconds: step, memory } = outcome.measured;
  const all = errors + warnings === 0 ? 'nothing to mend' : found;
  return `About ${formatDuration(run)} for the run, ${formatNumber(step)} s a step, ${bytes(memoryTotal(memory))} of memory; ${all}.`;
}

function figures(measured: CheckMeasured): string[] {
  const rows: [string, string][] = [
    ['Time of the run', `${formatDuration(measured.run_seconds)} (${formatNumber(measured.step_seconds)} s a step)`],
    ['Written', `${formatNumber(measured.tokens_per_second)} tokens/s`],
    ['Trained', `${formatNumber(measured.train_tokens_per_second)} tokens/s`],
    ['Rollouts in the probe', `${measured.rollouts} for ${plural(measured.prompts, 'prompt')}`],
    ['Mean length', `${formatNumber(measured.mean_length)} tokens`],
    ['Truncated', share(measured.truncated_share)],
    ['Right', share(measured.correct_share)],
    ['Groups with right and wrong answers', share(measured.mixed_groups_share)],
    ['Demonstrations judged right', share(measured.demonstrations_correct_share)],
    ['Records on disk', bytes(measured.records_bytes)],
    ['Checkpoints on disk', bytes(measured.checkpoint_bytes)],
    ['Free on disk', bytes(measured.free_disk_bytes)],
  ];
  return ['## Measured', '', '| | |', '|---|---:|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
}

function memoryTable({ memory }: CheckMeasured): string[] {
  const parts = Object.entries(memory).filter(([name]) => name !== 'available' && name !== 'trained_weights');
  const rows = [
    ...parts.filter(([, value]) => value > 0).map(([name, value]) => `| ${name} | ${bytes(value)} |`),
    `| **at most** | **${bytes(memoryTotal(memory))}** |`,
    `| free on the device | ${bytes(memory['available'] ?? 0)} |`,
  ];
  return [
    '## Memory',
    '',
    '| part | |',
    '|---|---:|',
    ...rows,
    '',
    '`cache` and `activations` are not there at the same time.',
  ];
}

/** The peak: cache and activations are not there at the same time. */
function memoryTotal(memory: CheckMeasured['memory']): number {
  const of = (name: string): number => memory[name] ?? 0;
  const steady = of('weights') + of('gradients') + of('optimiser') + of('reference') + of('resident');
  return steady + Math.max(of('activations'), of('cache'));
}

function findingLines(findings: readonly CheckFinding[]): string[] {
  return findings.map(({ level, message, keys, file, line }) => {
    const place = file === null ? (keys[0]?.join('.') ?? '') : `${file}${line === null ? '' : `:${line}`}`;
    return `- **${level}**${place === '' ? '' : ` ${inline(place)}`}: ${inline(message)}`;
  });
}

function share(value: number | null): string {
  return value === null ? '–' : formatShare(value);
}

function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`;
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : `${Math.ceil(value / 1e3)} kB`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Text that others wrote, as code within a line: no link, no HTML and no markup comes out of it. */
function inline(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  const fence = '`'.repeat(longestTicks(flat) + 1);
  return flat === '' ? '' : `${fence} ${flat} ${fence}`;
}

/** The same as a block of its own. */
function block(text: string): string {
  const fence = '`'.repeat(Math.max(3, longestTicks(text) + 1));
  return `${fence}text\n${text}\n${fence}`;
}

function longestTicks(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
}
