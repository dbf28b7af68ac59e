import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Cell } from '../core/groupTree';
import { GroupLinks } from './groupLinks';
import { geometryOf, type Geometry } from './groupGeometry';
import { SampleTable } from './groupSamples';
import {
  branches,
  choice,
  chooseBranch,
  goToFork,
  layout,
  move,
  openToken,
  reroll,
  samples,
  showOnly,
} from './groupState';
import { cellWords, oneLine, toneOf, verdictsOf } from './groupWords';
import { visibleText } from './visibleText';

/** The tree and beside it its samples, a row each. */
export function GroupTree(): VNode {
  const body = useRef<HTMLDivElement>(null);
  // The view is as wide as its window: the first drawing has its width already.
  const [width, setWidth] = useState(document.documentElement.clientWidth);
  useLayoutEffect(() => {
    const element = body.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  const { cells, columns, order } = layout.value;
  const geometry = geometryOf(cells, columns, order.length, width);
  const { branch } = choice.value;
  const isFirst = useRef(true);
  useEffect(() => {
    // The view begins at its top, wherever the chosen fork lies.
    if (!isFirst.current)
      document.getElementById(idOf(branch))?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    isFirst.current = false;
  }, [branch]);
  return (
    <div class={`group-body${geometry.isNarrow ? ' narrow' : ''}`} ref={body}>
      {cells.length > 0 && <Tree geometry={geometry} />}
      <SampleTable rowHeight={geometry.isNarrow ? 26 : geometry.rowHeight} />
    </div>
  );
}

function Tree({ geometry }: { readonly geometry: Geometry }): VNode {
  const { cells } = layout.value;
  const { branch } = choice.value;
  return (
    <div
      class="group-tree"
      role="tree"
      tabIndex={0}
      aria-label="What the samples share and where they part"
      aria-activedescendant={idOf(branch)}
      aria-describedby="tree-keys"
      style={{ width: `${geometry.width}px`, height: `${geometry.height}px` }}
      onKeyDown={press}
    >
      {cells.map((cell) => (
        <TreeCell key={cell.node} cell={cell} geometry={geometry} isChosen={cell.node === branch} />
      ))}
      <GroupLinks geometry={geometry} />
      <span id="tree-keys" hidden>
        Arrows walk the tree, Enter opens the trace there, R lets a checkpoint go on from there, N and P go to the next
        and to the previous fork, O shows all forks or only those at which right and wrong part.
      </span>
    </div>
  );
}

const lineHeight = 16;
const mostLines = 12;

const ways = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' } as const;

function press(event: KeyboardEvent): void {
  const { key } = event;
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (key in ways) move(ways[key as keyof typeof ways]);
  else if (key === 'Enter') openToken();
  else if (key === 'Home') chooseBranch(0);
  else if (key === 'End') chooseBranch(layout.peek().cells.at(-1)?.node ?? 0);
  else if (key === 'n' || key === 'p') goToFork(key === 'n' ? 1 : -1);
  else if (key === 'r') reroll();
  else if (key === 'o') showOnly(!choice.peek().only);
  else return;
  event.preventDefault();
}

function TreeCell({
  cell,
  geometry,
  isChosen,
}: {
  readonly cell: Cell;
  readonly geometry: Geometry;
  readonly isChosen: boolean;
}): VNode | null {
  const branch = branches.value[cell.node];
  if (branch === undefined) return null;
  const { left, top, width, height } = geometry.box(cell);
  const hasFacts = branch.fork !== 'none' || branch.members.length > 1;
  const lines = Math.min(mostLines, Math.max(1, Math.floor((height - 8 - (hasFacts ? lineHeight : 0)) / lineHeight)));
  return (
    <div
      id={idOf(cell.node)}
      role="treeitem"
      aria-level={cell.column + 1 + (geometry.hasTrunk ? 1 : 0)}
      aria-selected={isChosen}
      class={`cell ${toneOf(branch)}${isChosen ? ' chosen' : ''}${cell.column < 0 ? ' trunk' : ''}`}
      style={{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` }}
      onClick={() => {
        chooseBranch(cell.node);
      }}
      onDblClick={() => {
        openToken();
      }}
    >
      <span class="visually-hidden">{visibleText(cellWords(branch, cell, samples.value))}</span>
      {cell.column < 0 ? (
        <span class="trunk-words secondary">first token{entropyWords(branch.entropy)}</span>
      ) : (
        <div class="cell-words">
          <span class="cell-text" style={{ '-webkit-line-clamp': `${lines}`, maxHeight: `${lines * lineHeight}px` }}>
            {branch.to === branch.from ? (
              <span class="secondary">ends here</span>
            ) : (
              <>
                {toneOf(branch) === 'reroll' ? '↻ ' : ''}
                {visibleText(oneLine(branch.head))}
                {branch.tail === '' ? '' : ' …'}
              </>
            )}
          </span>
          {hasFacts && (
            <span class="cell-facts secondary one-line">
              {verdictsOf(branch)}
              {cell.folded ? ', parts without consequence' : entropyWords(branch.entropy)}
              {branch.fork === 'none' && branch.members.length > 1 ? ', the same to the end' : ''}
            </span>
          )}
        </div>
      )}
    </div>
  );
}

function entropyWords(entropy: number | null): string {
  return entropy === null ? '' : `, fork H ${entropy.toFixed(2)}`;
}

function idOf(branch: number): string {
  return `branch-${branch}`;
}
