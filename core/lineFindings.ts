import type { CheckFinding, CheckOutcome } from './checkReport';

/** Something a check found on a line of a data file. */
export interface LineFinding {
  /** Counts from 0. */
  readonly line: number;
  readonly level: CheckFinding['level'];
  /** The recipe's key that decides about it; `check` where none does. */
  readonly code: string;
  readonly message: string;
}

/** An edit as the editor tells it; lines and characters count from 0. */
export interface LineEdit {
  readonly from: { readonly line: number; readonly character: number };
  readonly to: { readonly line: number; readonly character: number };
  readonly text: string;
}

/** What a check of a recipe found on lines of data files, by file; files are written as the trainer writes them. */
export function lineFindings(outcome: CheckOutcome, recipe: string): ReadonlyMap<string, readonly LineFinding[]> {
  const found = new Map<string, LineFinding[]>();
  const add = (file: string, finding: LineFinding): void => {
    const known = found.get(file);
    if (known === undefined) found.set(file, [finding]);
    else known.push(finding);
  };
  if (outcome.kind === 'failed') return found;
  for (const { file, line, level, message } of outcome.findings) {
    if (file !== null && line !== null) add(file, { line: line - 1, level, code: 'check', message });
  }
  if (outcome.kind === 'measured' && outcome.cut !== null) {
    const { key, limit, places } = outcome.cut;
    for (const { file, line, tokens } of places) {
      const what = `The demonstration has ${tokens} tokens with its end, and ${key} of ${recipe} allows ${limit}`;
      const message = `${what}: it is cut there and teaches no end. Shorten or remove it, or set ${key} to at least ${tokens}.`;
      add(file, { line: line - 1, level: 'warning', code: key, message });
    }
  }
  return found;
}

/** Where findings stand after an edit; a line that was edited has been answered. */
export function afterEdit(findings: readonly LineFinding[], { from, to, text }: LineEdit): readonly LineFinding[] {
  const added = text.split('\n').length - 1 - (to.line - from.line);
  // Whole lines put in or taken out before a line leave it as it is.
  const isWhole = from.character === 0 && to.character === 0 && (text === '' || text.endsWith('\n'));
  const firstKept = isWhole ? to.line : to.line + 1;
  return findings.flatMap((finding) => {
    if (finding.line < from.line) return [finding];
    return finding.line < firstKept ? [] : [{ ...finding, line: finding.line + added }];
  });
}
