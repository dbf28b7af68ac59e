import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import {
  commands,
  Diagnostic,
  EventEmitter,
  languages,
  Range,
  Uri,
  ViewColumn,
  window,
  workspace,
  type Disposable,
  type TextDocument,
  type TextDocumentContentProvider,
} from 'vscode';
import { checkDocument, checkSummary } from '../../../core/checkDocument';
import { checkOutcome, type CheckFinding, type CheckOutcome } from '../../../core/checkReport';
import { lineFindings, type LineFinding } from '../../../core/lineFindings';
import type { KeyPath } from '../../../core/recipeSchema';
import { callTrainer } from '../../runs/trainerCall';
import type { Log } from '../log';
import type { TrainerSource } from '../trainerEnvironment';
import { cancellable } from './cancellable';
import { DataFindings, severities } from './dataFindings';
import { placeOfFinding, type FindingPlace } from '../../recipes/recipeJson';

/** A finding that is shown in a recipe. */
interface Shown {
  readonly finding: CheckFinding;
  place: FindingPlace;
}

const scheme = 'srft-check';
const debounceMs = 200;

/** Runs the trainer's own check and keeps what it found beside the keys it is about, while people edit. */
export class RecipeChecks implements TextDocumentContentProvider, Disposable {
  private readonly diagnostics = languages.createDiagnosticCollection('srft');
  private readonly changed = new EventEmitter<Uri>();
  private readonly shown = new Map<string, Shown[]>();
  private readonly ofData = new DataFindings();
  private readonly documents = new Map<string, string>();
  private readonly underWay = new Set<string>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly subscriptions: Disposable[];

  readonly onDidChange = this.changed.event;

  constructor(
    private readonly environment: TrainerSource,
    private readonly log: Log,
  ) {
    this.subscriptions = [
      this.diagnostics,
      this.ofData,
      this.changed,
      workspace.registerTextDocumentContentProvider(scheme, this),
      workspace.onDidChangeTextDocument(({ document }) => {
        this.edited(document);
      }),
      workspace.onDidDeleteFiles(({ files }) => {
        for (const uri of files) this.forget(uri);
      }),
    ];
  }

  /** Check a recipe's file, show what was found at its keys, and the figures beside it. */
  async check(uri: Uri): Promise<void> {
    const id = uri.toString();
    if (this.underWay.has(id) || !workspace.isTrusted) return;
    this.underWay.add(id);
    try {
      const document = await workspace.openTextDocument(uri);
      if (document.isDirty && !(await document.save())) return;
      const trainer = await this.environment.ready();
      if (trainer === undefined) return;
      const answer = await cancellable(`SRFT: checking ${basename(uri.fsPath)}`, (step, signal) =>
        callTrainer({
          python: trainer.python,
          trainerFolder: trainer.folder,
          args: ['check', uri.fsPath, '--json'],
          env: process.env,
          signal,
          onWords: (line) => {
            this.log.info(line);
            step.report({ message: line.slice(0, 200) });
          },
        }),
      );
      if (answer.kind === 'cancelled') return;
      const outcome: CheckOutcome =
        answer.kind === 'failed' ? answer : checkOutcome(answer.code, answer.stdout, answer.errorLines);
      this.take(document, outcome, trainer.folder);
      await this.tell(uri, outcome);
    } catch (error) {
      this.log.error(error instanceof Error ? error : String(error));
      void window.showErrorMessage(`The check failed: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.underWay.delete(id);
    }
  }

  /** The key and sentence of a diagnostic that this class put there. */
  findingAt(
    uri: Uri,
    diagnostic: Diagnostic,
  ): { readonly message: string; readonly key: KeyPath | undefined } | undefined {
    if (diagnostic.source !== 'srft') return undefined;
    const found = this.shown.get(uri.toString())?.find(({ finding }) => finding.message === diagnostic.message);
    return found === undefined ? undefined : { message: found.finding.message, key: found.place.key };
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.documents.get(uri.toString()) ?? 'Check the recipe again to see its figures.\n';
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private take(document: TextDocument, outcome: CheckOutcome, trainerFolder: string): void {
    this.forget(document.uri);
    const ofData = new Map<string, readonly LineFinding[]>();
    for (const [shownPath, found] of lineFindings(outcome, basename(document.uri.fsPath))) {
      const file = resolve(trainerFolder, shownPath);
      if (existsSync(file)) ofData.set(file, found);
    }
    this.ofData.take(document.uri, ofData);
    if (outcome.kind === 'failed') return;
    const text = document.getText();
    const isOfData = ({ file, line }: CheckFinding): boolean =>
      file !== null && line !== null && ofData.has(resolve(trainerFolder, file));
    const own = outcome.findings.filter((finding) => !isOfData(finding));
    this.shown.set(
      document.uri.toString(),
      own.map((finding) => ({ finding, place: placeOfFinding(text, finding) })),
    );
    this.show(document);
  }

  private async tell(uri: Uri, outcome: CheckOutcome): Promise<void> {
    const name = basename(uri.fsPath);
    const report = Uri.from({ scheme, path: `/Check of ${name}.md`, query: uri.toString() });
    this.documents.set(report.toString(), checkDocument(name, outcome));
    this.changed.fire(report);
    if (outcome.kind === 'measured') {
      const options = { viewColumn: ViewColumn.Beside, preserveFocus: true, preview: true };
      await window.showTextDocument(await workspace.openTextDocument(report), options);
    }
    void this.notify(uri, report, outcome);
  }

  private async notify(uri: Uri, report: Uri, outcome: CheckOutcome): Promise<void> {
    const summary = `${basename(uri.fsPath)}: ${checkSummary(outcome)}`;
    if (outcome.kind === 'measured' && outcome.fits) {
      const answer = await window.showInformationMessage(summary, 'Train');
      if (answer === 'Train') await commands.executeCommand('srft.train', uri);
      return;
    }
    const answer = await window.showErrorMessage(summary, 'Show Report', 'Show Output');
    if (answer === 'Show Report') await window.showTextDocument(report, { viewColumn: ViewColumn.Beside });
    if (answer === 'Show Output') this.log.show();
  }

  private edited(document: TextDocument): void {
    const id = document.uri.toString();
    if (!this.shown.has(id)) return;
    clearTimeout(this.timers.get(id));
    const timer = setTimeout(() => {
      this.timers.delete(id);
      this.replace(document);
    }, debounceMs);
    this.timers.set(id, timer);
  }

  /** Put the findings where their keys are now; those whose subject was changed have been answered. */
  private replace(document: TextDocument): void {
    const text = document.getText();
    const id = document.uri.toString();
    const kept = (this.shown.get(id) ?? []).flatMap(({ finding, place }): Shown[] => {
      const now = placeOfFinding(text, finding);
      if (now.subject === place.subject) return [{ finding, place: now }];
      for (const key of finding.keys) this.ofData.keyChanged(document.uri, key.join('.'));
      return [];
    });
    this.shown.set(id, kept);
    this.show(document);
  }

  private show(document: TextDocument): void {
    const found = (this.shown.get(document.uri.toString()) ?? []).map(({ finding, place }) => {
      const range = new Range(document.positionAt(place.offset), document.positionAt(place.offset + place.length));
      return diagnosticOf(finding, range, place.key);
    });
    this.diagnostics.set(document.uri, found);
  }

  private forget(uri: Uri): void {
    this.diagnostics.delete(uri);
    this.shown.delete(uri.toString());
  }
}

function diagnosticOf(finding: CheckFinding, range: Range, key: KeyPath | undefined): Diagnostic {
  const diagnostic = new Diagnostic(range, finding.message, severities[finding.level]);
  diagnostic.source = 'srft';
  diagnostic.code = key === undefined ? 'check' : key.join('.');
  return diagnostic;
}
