import type { KeyPath } from './recipeSchema';

/** What `srft check` says is to be mended or known. */
export interface CheckFinding {
  readonly level: 'error' | 'warning' | 'note';
  /** The sentence, remedy included. */
  readonly message: string;
  /** Keys that the sentence is about, the likeliest first; a part of one may not be in the file. */
  readonly keys: readonly KeyPath[];
  /** As the trainer writes it: relative to the folder it stands in, or absolute. Null: the recipe itself. */
  readonly file: string | null;
  /** Counts from 1. */
  readonly line: number | null;
}

/** Figures of the probe, as `srft check --json` prints them. */
export interface CheckMeasured {
  readonly prompts: number;
  readonly rollouts: number;
  readonly tokens_per_second: number | null;
  readonly train_tokens_per_second: number;
  readonly mean_length: number | null;
  readonly truncated_share: number | null;
  readonly correct_share: number | null;
  readonly mixed_groups_share: number | null;
  readonly demonstrations_correct_share: number | null;
  readonly step_seconds: number;
  readonly run_seconds: number;
  readonly memory: Readonly<Record<string, number>>;
  readonly records_bytes: number;
  readonly checkpoint_bytes: number;
  readonly free_disk_bytes: number;
}

/** Demonstrations that are longer than the recipe lets a response be, as `srft check --json` lists them. */
export interface CutDemonstrations {
  /** The recipe's key that limits them. */
  readonly key: string;
  /** Tokens, the end token included. */
  readonly limit: number;
  readonly total: number;
  readonly longest: number;
  /** The first thousand of those that stand on lines; files and lines as in a finding. */
  readonly places: readonly { readonly file: string; readonly line: number; readonly tokens: number }[];
}

/** How a check ended. */
export type CheckOutcome =
  | {
      readonly kind: 'measured';
      readonly fits: boolean;
      readonly measured: CheckMeasured;
      readonly seam: string;
      readonly findings: readonly CheckFinding[];
      readonly cut: CutDemonstrations | null;
    }
  /** The input is wrong; nothing was measured. */
  | { readonly kind: 'faults'; readonly findings: readonly CheckFinding[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Read what `srft check RECIPE --json` wrote. */
export function checkOutcome(code: number | null, stdout: string, errorLines: readonly string[]): CheckOutcome {
  const report = reportIn(stdout);
  if (report !== undefined) return report;
  const own = errorLines.findLastIndex((line) => line.startsWith('srft: '));
  const sentences = own < 0 ? [] : errorLines.slice(own).map((line) => line.replace(/^srft: /, ''));
  if (code === 2 && sentences.length > 0) return { kind: 'faults', findings: sentences.map(faultIn) };
  const how = code === null ? 'was ended by a signal' : `ended with ${code}`;
  return {
    kind: 'failed',
    message: sentences.join(' ') || `The check ${how}: ${errorLines.at(-1) ?? 'it said nothing'}`,
  };
}

/** One sentence of the trainer's: `where: what; remedy.` */
export function faultIn(sentence: string): CheckFinding {
  const placed =
    /^(?<file>.+?):(?<line>\d+): (?<rest>.+)$/s.exec(sentence)?.groups ??
    /^(?<file>.+?)(?:, row \d+)?: (?<rest>\D.*)$/s.exec(sentence)?.groups;
  const rest = placed?.['rest'] ?? sentence;
  const file = placed?.['file'] ?? null;
  const line = placed?.['line'];
  return {
    level: 'error',
    message: rest,
    keys: keysIn(rest),
    file: file?.endsWith('.srft.json') === true ? null : file,
    line: line === undefined ? null : Number(line),
  };
}

/** `reward.parts.0.kind` as a path. */
export function keyPath(dotted: string): KeyPath {
  return dotted.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Keys named in a sentence: those in backquotes before the remedy, then those written plainly. */
function keysIn(text: string): readonly KeyPath[] {
  const [what = ''] = text.split('; ');
  const quoted = [...what.matchAll(/`([\w$]+(?:\.[\w$]+)*)`/g)].map((match) => match[1] ?? '');
  const plain = [...what.matchAll(/\b([a-z_]+(?:\.[a-z_0-9]+)+)\b(?!\()/g)].map((match) => match[1] ?? '');
  return [...new Set([...quoted, ...plain])].map(keyPath);
}

function reportIn(stdout: string): CheckOutcome | undefined {
  const text = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!text.startsWith('{')) return undefined;
  const report = JSON.parse(text) as {
    readonly fits: boolean;
    readonly measured: CheckMeasured;
    readonly seam: string;
    readonly findings: readonly { level: CheckFinding['level']; key: string; message: string; remedy: string }[];
    readonly cut: CutDemonstrations | null;
  };
  return {
    kind: 'measured',
    fits: report.fits,
    measured: report.measured,
    seam: report.seam,
    findings: report.findings.map(({ level, key, message, remedy }) => ({
      level,
      message: `${message}; ${remedy}.`,
      keys: [keyPath(key)],
      file: null,
      line: null,
    })),
    cut: report.cut,
  };
}
