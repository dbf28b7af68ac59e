import {
  EventEmitter,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  type Disposable,
  type TreeDataProvider,
} from 'vscode';
import type { SearchIcon, SearchNode } from '../../../core/searchNodes';

/** Results of a search, or of a comparison of two ranges; what they are of is told in the view's own lines. */
export class SearchTree implements TreeDataProvider<SearchNode>, Disposable {
  private readonly emitter = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.emitter.event;
  private nodes: () => readonly SearchNode[] = () => [];
  private runId = '';

  /** Show other results, asked for whenever they are drawn. */
  show(runId: string, nodes: () => readonly SearchNode[]): void {
    this.runId = runId;
    this.nodes = nodes;
    this.changed();
  }

  /** There are more. */
  changed(): void {
    this.emitter.fire(undefined);
  }

  getChildren(node?: SearchNode): SearchNode[] {
    return [...(node === undefined ? this.nodes() : node.children)];
  }

  getTreeItem(node: SearchNode): TreeItem {
    const item = new TreeItem({ label: node.label, highlights: node.highlights.map(([from, to]) => [from, to]) });
    item.id = node.id;
    item.description = node.description;
    item.tooltip = node.tooltip === '' ? node.label : node.tooltip;
    const icon = icons[node.icon];
    if (icon !== undefined) item.iconPath = icon;
    item.collapsibleState = stateOf(node);
    const outcome = node.icon === 'right' || node.icon === 'wrong' ? `${node.icon}, ` : '';
    item.accessibilityInformation = { label: `${outcome}${node.label}, ${node.description}` };
    if (node.opens !== undefined) {
      const { id, from, to } = node.opens;
      const trace = { runId: this.runId, id };
      const place = to > from ? [{ from, to }] : [];
      item.command = { command: 'srft.openTrace', title: 'Open Trace', arguments: [trace, ...place] };
    }
    return item;
  }

  dispose(): void {
    this.emitter.dispose();
  }
}

const icons: Readonly<Record<SearchIcon, ThemeIcon | undefined>> = {
  step: undefined,
  group: undefined,
  right: new ThemeIcon('pass', new ThemeColor('srft.right')),
  wrong: new ThemeIcon('error', new ThemeColor('srft.wrong')),
  rose: new ThemeIcon('arrow-up'),
  fell: new ThemeIcon('arrow-down'),
};

function stateOf({ children, isOpen }: SearchNode): TreeItemCollapsibleState {
  if (children.length === 0) return TreeItemCollapsibleState.None;
  return isOpen ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
}
