import {
  Diagnostic,
  DiagnosticSeverity,
  languages,
  Range,
  Uri,
  workspace,
  type Disposable,
  type TextDocumentChangeEvent,
} from 'vscode';
import type { CheckFinding } from '../../../core/checkReport';
import { afterEdit, type LineFinding } from '../../../core/lineFindings';

/** What checks found on lines of data files, shown there while people edit. */
export class DataFindings implements Disposable {
  private readonly diagnostics = languages.createDiagnosticCollection('srft-data');
  /** By recipe, then by data file. */
  private readonly found = new Map<string, Map<string, readonly LineFinding[]>>();
  private readonly subscriptions: readonly Disposable[];

  constructor() {
    this.subscriptions = [
      this.diagnostics,
      workspace.onDidChangeTextDocument((change) => {
        this.edited(change);
      }),
      workspace.onDidDeleteFiles(({ files }) => {
        for (const file of files) this.drop(file);
      }),
    ];
  }

  /** Show what the check of a recipe found, in place of what its last one did. */
  take(recipe: Uri, found: ReadonlyMap<string, readonly LineFinding[]>): void {
    const before = this.found.get(recipe.toString());
    const now = new Map([...found].map(([path, findings]) => [Uri.file(path).toString(), findings]));
    this.found.set(recipe.toString(), now);
    for (const file of new Set([...(before?.keys() ?? []), ...now.keys()])) this.show(Uri.parse(file));
  }

  /** A key of the recipe was changed: what it decided is no longer known. */
  keyChanged(recipe: Uri, key: string): void {
    const found = this.found.get(recipe.toString());
    if (found === undefined) return;
    const kept = [...found].map(([file, findings]) => [file, findings.filter(({ code }) => code !== key)] as const);
    this.found.set(recipe.toString(), new Map(kept));
    for (const [file] of kept) this.show(Uri.parse(file));
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private edited({ document, contentChanges }: TextDocumentChangeEvent): void {
    const id = document.uri.toString();
    let hasFindings = false;
    for (const files of this.found.values()) {
      const findings = files.get(id);
      if (findings === undefined) continue;
      hasFindings = true;
      // The places of each change are those before all of them, the last of the file first.
      const edits = contentChanges.map(({ range, text }) => ({ from: range.start, to: range.end, text }));
      edits.sort((one, other) => other.from.line - one.from.line || other.from.character - one.from.character);
      files.set(id, edits.reduce(afterEdit, findings));
    }
    if (hasFindings && contentChanges.length > 0) this.show(document.uri);
  }

  private drop(file: Uri): void {
    const id = file.toString();
    this.take(file, new Map());
    this.found.delete(id);
    for (const files of this.found.values()) files.delete(id);
    this.diagnostics.delete(file);
  }

  private show(file: Uri): void {
    const findings = [...this.found.values()].flatMap((files) => files.get(file.toString()) ?? []);
    this.diagnostics.set(file, findings.map(diagnosticOf));
  }
}

/** How grave a finding is, in the editor's words. */
export const severities: Readonly<Record<CheckFinding['level'], DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  note: DiagnosticSeverity.Information,
};

function diagnosticOf({ line, level, code, message }: LineFinding): Diagnostic {
  const diagnostic = new Diagnostic(new Range(line, 0, line, Number.MAX_SAFE_INTEGER), message, severities[level]);
  diagnostic.source = 'srft';
  diagnostic.code = code;
  return diagnostic;
}
