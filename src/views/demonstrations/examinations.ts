import {
  Diagnostic,
  DiagnosticSeverity,
  EventEmitter,
  languages,
  Range,
  workspace,
  type Disposable,
  type TextDocument,
  type Uri,
} from 'vscode';
import {
  columnsOf,
  examine,
  linesOf,
  rowParts,
  usualColumns,
  type Columns,
  type Examination,
} from '../../../core/demonstrations';
import type { RecipeUse, RecipeUses } from '../recipes/recipeUses';

/** How the rows of a file are read. */
export interface Reading {
  readonly columns: Columns;
  readonly answerRequired: boolean;
  /** The recipes that name the file. */
  readonly uses: readonly RecipeUse[];
}

/** The verdicts of a verification, by the text of their lines: an edited line has none. */
export interface Verification {
  readonly verified: number;
  readonly wrong: ReadonlyMap<string, string>;
}

const debounceMs = 300;
const largestScanned = 50_000_000;
const rowsForColumns = 20;

/** Looks at files of demonstrations while they are open, line by line. */
export class Examinations implements Disposable {
  private readonly diagnostics = languages.createDiagnosticCollection('srft-demonstrations');
  private readonly changed = new EventEmitter<void>();
  private readonly found = new Map<string, Examination>();
  private readonly verifications = new Map<string, Verification>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly subscriptions: Disposable[];
  readonly onDidChange = this.changed.event;

  constructor(private readonly uses: RecipeUses) {
    this.subscriptions = [
      this.diagnostics,
      this.changed,
      workspace.onDidOpenTextDocument((document) => {
        this.look(document);
      }),
      workspace.onDidChangeTextDocument(({ document }) => {
        if (isJsonLines(document)) this.lookSoon(document);
      }),
      workspace.onDidCloseTextDocument(({ uri }) => {
        this.forget(uri);
      }),
      uses.onDidChange(() => {
        for (const document of workspace.textDocuments) this.look(document);
      }),
    ];
    for (const document of workspace.textDocuments) this.look(document);
  }

  /** What was found in a document; undefined where it holds no problems that a recipe could train on. */
  of(uri: Uri): Examination | undefined {
    return this.found.get(uri.toString());
  }

  verificationOf(uri: Uri): Verification | undefined {
    return this.verifications.get(uri.toString());
  }

  /** How a document is to be read; undefined where it is no file of problems. */
  readingOf(document: TextDocument): Reading | undefined {
    const uses = this.uses.of(document.uri.fsPath);
    const [use] = uses;
    if (use !== undefined)
      return { columns: use.columns, answerRequired: uses.some((one) => one.answerRequired), uses };
    const columns = columnsOfLines(document);
    return columns === undefined ? undefined : { columns, answerRequired: true, uses };
  }

  /** Show what a verification found. */
  verified(document: TextDocument, verification: Verification): void {
    this.verifications.set(document.uri.toString(), verification);
    this.look(document);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private lookSoon(document: TextDocument): void {
    const id = document.uri.toString();
    clearTimeout(this.timers.get(id));
    const timer = setTimeout(() => {
      this.timers.delete(id);
      if (!document.isClosed) this.look(document);
    }, debounceMs);
    this.timers.set(id, timer);
  }

  private look(document: TextDocument): void {
    if (!isJsonLines(document)) return;
    const text = document.getText();
    const reading = text.length > largestScanned ? undefined : this.readingOf(document);
    if (reading === undefined) {
      if (this.found.has(document.uri.toString())) this.forget(document.uri);
      return;
    }
    const examination = examine(text, reading.columns, reading);
    this.found.set(document.uri.toString(), examination);
    const problems = examination.problems.map(({ line, length, severity, code, message }) => {
      const level = severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
      return diagnosticOf(new Range(line, 0, line, length), message, level, code);
    });
    this.diagnostics.set(document.uri, [...problems, ...this.unverified(document, text)]);
    this.changed.fire();
  }

  private unverified(document: TextDocument, text: string): Diagnostic[] {
    const wrong = this.verificationOf(document.uri)?.wrong;
    if (wrong === undefined || wrong.size === 0) return [];
    return [...linesOf(text)].flatMap(({ number, text: line }) => {
      const message = wrong.get(line);
      const range = new Range(number, 0, number, line.length);
      return message === undefined ? [] : [diagnosticOf(range, message, DiagnosticSeverity.Warning, 'not-verified')];
    });
  }

  private forget(uri: Uri): void {
    const id = uri.toString();
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    this.found.delete(id);
    this.verifications.delete(id);
    this.diagnostics.delete(uri);
    this.changed.fire();
  }
}

/** Files of this kind are looked at. */
export const jsonLines = { scheme: 'file', pattern: '**/*.jsonl' } as const;

function isJsonLines({ uri }: TextDocument): boolean {
  return uri.scheme === 'file' && uri.path.endsWith('.jsonl');
}

/** Without a recipe a file counts when its first rows have a prompt and an answer. */
function columnsOfLines(document: TextDocument): Columns | undefined {
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (let line = 0; line < Math.min(document.lineCount, rowsForColumns); line += 1) {
    const row = rowParts(document.lineAt(line).text, usualColumns);
    if (row !== undefined) rows.push(row.columns);
  }
  const columns = columnsOf(rows);
  if (columns === undefined) return undefined;
  const hasAnswer = rows.some((row) => rowParts(JSON.stringify(row), columns)?.answer !== null);
  return hasAnswer ? columns : undefined;
}

function diagnosticOf(range: Range, message: string, severity: DiagnosticSeverity, code: string): Diagnostic {
  const diagnostic = new Diagnostic(range, message, severity);
  diagnostic.source = 'srft';
  diagnostic.code = code;
  return diagnostic;
}
