import { EventEmitter, window, type Disposable } from 'vscode';
import type { RunWatch } from '../../runs/runWatch';
import type { TraceLibrary } from './traceLibrary';

/** A rollout that a person looks at. */
export interface Front {
  readonly run: RunWatch;
  /** In the index of the run. */
  readonly row: number;
  /** As the run had it: one that began anew has other rows. */
  readonly index: RunWatch['store']['index'];
}

/** Which rollout a person looked at last: as a trace in the editor, or in the view of its group. */
export class FrontTrace implements Disposable {
  private readonly changed = new EventEmitter<Front>();
  private readonly subscriptions: readonly Disposable[];
  private now: Front | undefined;
  readonly onDidChange = this.changed.event;

  constructor(private readonly traces: TraceLibrary) {
    this.subscriptions = [
      this.changed,
      window.onDidChangeActiveTextEditor(() => {
        this.look();
      }),
      // An editor that is new comes to the front before its trace was read.
      traces.onLoaded(() => {
        this.look();
      }),
    ];
  }

  /** Somebody looks at this rollout. */
  set({ run, row }: Pick<Front, 'run' | 'row'>): void {
    const { index } = run.store;
    if (this.now?.index === index && this.now.row === row) return;
    this.now = { run, row, index };
    this.changed.fire(this.now);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private look(): void {
    const document = window.activeTextEditor?.document;
    const origin = document === undefined ? undefined : this.traces.of(document)?.origin;
    if (origin?.kind === 'run') this.set({ run: origin.run, row: origin.row });
  }
}
