import { basename } from 'node:path';
import {
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
  type Disposable,
  type TreeDataProvider,
} from 'vscode';
import type { RunHeader, RunState } from '../../core/generated/panel';
import { plainMarkdown } from '../../core/plainMarkdown';
import { hasEnded } from '../../core/runHeader';
import type { RunWatch } from '../runs/runWatch';
import type { RunLibrary } from './library';

/** A row of the tree: a run, or one of its checkpoints. */
export type RunNode =
  | { readonly kind: 'run'; readonly run: RunWatch }
  | { readonly kind: 'checkpoint'; readonly run: RunWatch; readonly step: number }
  /** A folder that is a run and cannot be read. */
  | { readonly kind: 'refused'; readonly directory: string; readonly reason: string };

/** Runs, their state and newest figures; beneath each its checkpoints. */
export class RunsTree implements TreeDataProvider<RunNode>, Disposable {
  private readonly emitter = new EventEmitter<RunNode | undefined>();
  private readonly nodes = new WeakMap<RunWatch, Extract<RunNode, { kind: 'run' }>>();
  private readonly subscriptions: Disposable[];
  readonly onDidChangeTreeData = this.emitter.event;

  constructor(private readonly library: RunLibrary) {
    this.subscriptions = [
      this.emitter,
      library.onList(() => {
        this.emitter.fire(undefined);
      }),
      library.onNews(({ run, change }) => {
        if (change.events || change.presence || change.restarted) this.emitter.fire(this.nodeOf(run));
      }),
    ];
  }

  getChildren(node?: RunNode): RunNode[] {
    if (node === undefined) return [...this.library.runs.map((run) => this.nodeOf(run)), ...this.refusedNodes()];
    if (node.kind !== 'run') return [];
    const { checkpoints, removedCheckpoints } = node.run.store.model;
    return checkpoints
      .filter(({ step }) => !removedCheckpoints.has(step))
      .map(({ step }): RunNode => ({ kind: 'checkpoint', run: node.run, step }))
      .reverse();
  }

  getParent(node: RunNode): RunNode | undefined {
    return node.kind === 'checkpoint' ? this.nodeOf(node.run) : undefined;
  }

  getTreeItem(node: RunNode): TreeItem {
    switch (node.kind) {
      case 'run':
        return this.runItem(node);
      case 'checkpoint':
        return checkpointItem(node);
      case 'refused':
        return refusedItem(node);
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** The node of a run; the same object each time, as the tree wants it. */
  nodeOf(run: RunWatch): Extract<RunNode, { kind: 'run' }> {
    const known = this.nodes.get(run);
    if (known !== undefined) return known;
    const made = { kind: 'run', run } as const;
    this.nodes.set(run, made);
    return made;
  }

  private refusedNodes(): RunNode[] {
    return [...this.library.refused].map(([directory, reason]) => ({ kind: 'refused', directory, reason }));
  }

  private runItem(node: Extract<RunNode, { kind: 'run' }>): TreeItem {
    const header = this.library.header(node.run);
    const collapsible =
      this.getChildren(node).length > 0 ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None;
    const item = new TreeItem(header.name, collapsible);
    item.id = node.run.store.directory;
    item.description = runDescription(header);
    item.iconPath = new ThemeIcon(stateIcons[header.state], stateColor(header.state));
    item.contextValue = contextOf(header);
    item.resourceUri = Uri.from({ scheme: 'srft-run', path: `/${encodeURIComponent(header.runId)}` });
    item.tooltip = runTooltip(header);
    item.accessibilityInformation = { label: `${header.name}, ${header.stateText}, ${runDescription(header)}` };
    item.command = { command: 'srft.showRun', title: 'Show Run', arguments: [node] };
    return item;
  }
}

/** Icons of the states, as in the panel. */
const stateIcons: Readonly<Record<RunState, string>> = {
  starting: 'loading~spin',
  running: 'sync',
  paused: 'debug-pause',
  stopping: 'debug-stop',
  finished: 'pass',
  stopped: 'circle-slash',
  failed: 'error',
  gone: 'warning',
  silent: 'debug-disconnect',
  watching: 'eye',
};

function stateColor(state: RunState): ThemeColor | undefined {
  if (state === 'failed') return new ThemeColor('problemsErrorIcon.foreground');
  if (state === 'gone' || state === 'silent') return new ThemeColor('problemsWarningIcon.foreground');
  return undefined;
}

/** State and newest figures in a few words. */
export function runDescription(header: RunHeader): string {
  const steps = header.steps === null ? `step ${header.step}` : `step ${header.step} / ${header.steps}`;
  const [heldOut, reward] = header.figures;
  return [
    hasEnded(header.state) ? header.stateText.toLowerCase() : undefined,
    steps,
    reward?.value === null || reward === undefined ? undefined : `reward ${reward.text}`,
    heldOut?.value === null || heldOut === undefined ? undefined : `held-out ${heldOut.text} %`,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

function runTooltip(header: RunHeader): MarkdownString {
  const figures = header.figures.map(({ label, text, unit, detail }) => `${label}: ${text} ${unit} ${detail}`);
  // What a folder or a file is called is no markup.
  return new MarkdownString([header.name, header.stateText, header.device, ...figures].map(plainMarkdown).join('\n\n'));
}

/** Words that the menus' `when` clauses look for. */
function contextOf(header: RunHeader): string {
  const words = ['run'];
  if (header.canControl) words.push('live');
  if (header.canControl && header.state === 'running') words.push('running');
  if (header.state === 'paused') words.push('paused');
  if (header.canResume) words.push('resumable');
  return words.join(' ');
}

function refusedItem({ directory, reason }: Extract<RunNode, { kind: 'refused' }>): TreeItem {
  const item = new TreeItem(basename(directory));
  item.id = directory;
  item.description = reason.replace(`${directory}: `, '');
  item.tooltip = reason;
  item.iconPath = new ThemeIcon('question');
  item.contextValue = 'refused';
  item.command = { command: 'srft.openRun', title: 'Open Run', arguments: [Uri.file(directory)] };
  return item;
}

function checkpointItem(node: Extract<RunNode, { kind: 'checkpoint' }>): TreeItem {
  const event = node.run.store.model.checkpoints.find(({ step }) => step === node.step);
  const item = new TreeItem(`Checkpoint ${node.step}`);
  item.id = `${node.run.store.directory}#${node.step}`;
  item.description = [
    event?.best === true ? 'best' : undefined,
    event?.accuracy === null || event?.accuracy === undefined ? undefined : `${(event.accuracy * 100).toFixed(1)} %`,
    event === undefined ? undefined : `${(event.bytes / 1e6).toFixed(1)} MB`,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
  item.iconPath = new ThemeIcon(event?.best === true ? 'star-full' : 'save');
  item.contextValue = 'checkpoint';
  return item;
}
