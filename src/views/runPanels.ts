import {
  Uri,
  ViewColumn,
  window,
  type Disposable,
  type ExtensionContext,
  type WebviewOptions,
  type WebviewPanel,
  type WebviewPanelOptions,
} from 'vscode';
import type { Check, MarkedTrace } from '../../core/generated/panel';
import type { StepRange } from '../../core/stepRange';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';
import type { Log } from './log';
import type { PanelActions } from './panelActions';
import { directoriesOf } from './panelPage';
import type { Front } from './traces/frontTrace';
import { RunPanel } from './runPanel';
import type { Beginning } from './beginning';

const viewType = 'srft.run';
const emptyKey = 'empty';
/** The run panels of this window: one a run, and one for each comparison. */
export class RunPanels implements Disposable {
  private readonly panels = new Map<string, RunPanel>();
  private readonly subscriptions: readonly Disposable[];
  private front: Front | undefined;

  constructor(
    private readonly context: ExtensionContext,
    private readonly library: RunLibrary,
    private readonly actions: PanelActions,
    private readonly log: Log,
  ) {
    this.subscriptions = [
      library.onNews((news) => {
        for (const panel of this.panels.values()) panel.take(news);
      }),
      library.onList(() => {
        this.closeForgotten();
      }),
    ];
  }

  /** Show a run, or several beside each other; a panel that is there already comes to the front. */
  show(runs: readonly RunWatch[]): void {
    this.panels.get(emptyKey)?.dispose();
    const key = keyOf(runs);
    const known = this.panels.get(key);
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const panel = window.createWebviewPanel(viewType, this.titleOf(runs), ViewColumn.Active, this.panelOptions());
    this.adopt(panel, runs);
  }

  /** Show a run's panel with the step of a trace brushed, and its figures marked. */
  showTrace(run: RunWatch, trace: MarkedTrace): void {
    this.show([run]);
    this.panels.get(keyOf([run]))?.mark(trace);
  }

  /** Show in a run's panel which of its rollouts a person looks at; the panel stays where it is. */
  follow(front: Front): void {
    this.front = front;
    this.panels.get(keyOf([front.run]))?.follow(front.row);
  }

  /** Show a run that is being started; call the result with each change of it, and with the run once it is there. */
  showBeginning(beginning: Beginning): (run?: RunWatch) => void {
    this.panels.get(emptyKey)?.dispose();
    const panel = window.createWebviewPanel(viewType, beginning.name, ViewColumn.Active, this.panelOptions());
    const made = this.adopt(panel, [], beginning);
    return (run) => {
      if (run === undefined) made.beginningChanged();
      else if (made.isOpen) this.replaceBeginning(made, run);
    };
  }

  /** What a run needs and what is there already, where there is no run to show. */
  showEmpty(checks: () => Promise<Check[]>): void {
    const known = this.panels.get(emptyKey);
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const panel = window.createWebviewPanel(viewType, 'SRFT Studio', ViewColumn.Active, this.panelOptions());
    const made = this.adopt(panel, [], undefined, emptyKey);
    const tell = async (): Promise<void> => {
      made.tellEmpty(await checks());
    };
    void tell();
  }

  /** Is a panel with this run in view? */
  isVisible(run: RunWatch): boolean {
    return [...this.panels.values()].some((panel) => panel.isVisible && panel.runs.includes(run));
  }

  /** The run of the panel that has the focus. */
  get active(): RunWatch | undefined {
    return [...this.panels.values()].find((panel) => panel.isActive)?.runs[0];
  }

  /** The steps that are brushed in the panel of a run. */
  brushedSteps(run: RunWatch): StepRange | undefined {
    return [...this.panels.values()].find((panel) => panel.runs[0] === run)?.brushedSteps;
  }

  /** Brings back the panels of a window that was reloaded. */
  registerSerializer(): Disposable {
    return window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: async (panel, state: unknown) => {
        const opened = await Promise.all(directoriesOf(state).map((directory) => this.library.open(directory)));
        const runs = opened.flatMap((result) => (result.kind === 'read' ? [result.value] : []));
        panel.webview.options = this.webviewOptions();
        if (opened.length > 0 && runs.length === opened.length) this.adopt(panel, runs);
        else panel.dispose();
        for (const result of opened)
          if (result.kind === 'broken') this.log.warn(`a panel was not restored: ${result.reason}`);
      },
    });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const panel of this.panels.values()) panel.dispose();
  }

  private adopt(
    panel: WebviewPanel,
    runs: readonly RunWatch[],
    beginning?: Beginning,
    key = beginning?.directory ?? keyOf(runs),
  ): RunPanel {
    this.panels.get(key)?.dispose();
    const made = new RunPanel(panel, runs, beginning, this.library, this.actions, this.context, this.log);
    this.panels.set(key, made);
    const { front } = this;
    if (front !== undefined && runs.length === 1 && runs[0] === front.run) made.follow(front.row);
    panel.onDidDispose(() => {
      for (const [known, held] of this.panels) if (held === made) this.panels.delete(known);
      made.release();
    });
    return made;
  }

  private replaceBeginning(panel: RunPanel, run: RunWatch): void {
    panel.begin(run);
    for (const [known, held] of this.panels) if (held === panel) this.panels.delete(known);
    this.panels.set(keyOf([run]), panel);
  }

  /** A run that was deleted has nothing to show any more. */
  private closeForgotten(): void {
    for (const panel of [...this.panels.values()]) {
      if (panel.runs.some((run) => this.library.of(run.store.directory) !== run)) panel.dispose();
    }
  }

  private titleOf(runs: readonly RunWatch[]): string {
    const [first] = runs;
    if (first === undefined) return 'SRFT Studio';
    return runs.length === 1 ? this.library.header(first).name : `Compare ${runs.length} runs`;
  }

  /** Who watches runs goes from one to the next and back: a hidden panel keeps its page. */
  private panelOptions(): WebviewOptions & WebviewPanelOptions {
    return { ...this.webviewOptions(), retainContextWhenHidden: true };
  }

  private webviewOptions(): WebviewOptions & WebviewPanelOptions {
    const localResourceRoots = [Uri.joinPath(this.context.extensionUri, 'dist', 'webview')];
    return { enableScripts: true, localResourceRoots, enableFindWidget: true };
  }
}

function keyOf(runs: readonly RunWatch[]): string {
  return runs.map(({ store }) => store.directory).join('\n');
}
