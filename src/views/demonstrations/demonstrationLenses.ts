import {
  CodeLens,
  EventEmitter,
  Range,
  workspace,
  type CodeLensProvider,
  type Disposable,
  type TextDocument,
} from 'vscode';
import { formatCount } from '../../../core/format';
import { settings } from '../settings';
import type { Examinations } from './examinations';

/** Verifies the demonstrations of a document; its argument is the document. */
export const verifyCommand = 'srft.demonstrations.verify';

/** Counts, and what can be done, above a file of demonstrations. */
export class DemonstrationLenses implements CodeLensProvider, Disposable {
  private readonly changed = new EventEmitter<void>();
  private readonly subscriptions: Disposable[];
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(private readonly examinations: Examinations) {
    const refresh = (): void => {
      this.changed.fire();
    };
    this.subscriptions = [
      this.changed,
      examinations.onDidChange(refresh),
      workspace.onDidGrantWorkspaceTrust(refresh),
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('srft.codeLens')) refresh();
      }),
    ];
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const { uri } = document;
    const found = this.examinations.of(uri);
    if (found === undefined || !settings.codeLens()) return [];
    const top = new Range(0, 0, 0, 0);
    const { rows, withDemonstration, problems, unlisted } = found;
    const faulty = new Set(problems.map(({ line }) => line)).size + unlisted;
    const lenses: CodeLens[] = [];
    const isNamed = (this.examinations.readingOf(document)?.uses.length ?? 0) > 0;
    if (workspace.isTrusted && isNamed && withDemonstration > 0) {
      const title = `$(verified) Verify ${counted(withDemonstration, 'demonstration')}`;
      lenses.push(new CodeLens(top, { title, command: verifyCommand, arguments: [uri] }));
    }
    const verification = this.examinations.verificationOf(uri);
    const verdict =
      verification === undefined
        ? []
        : [`${formatCount(verification.wrong.size)} of ${formatCount(verification.verified)} verified are wrong`];
    const counts = [
      counted(rows, 'row'),
      `${formatCount(withDemonstration)} with demonstration`,
      faulty === 0 ? 'no problems' : `${counted(faulty, 'line')} with problems`,
      ...verdict,
    ];
    lenses.push(new CodeLens(top, { title: counts.join(' · '), command: '' }));
    return lenses;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
