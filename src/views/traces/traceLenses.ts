import {
  CodeLens,
  EventEmitter,
  Range,
  type CodeLensProvider,
  type Command,
  type Disposable,
  type TextDocument,
} from 'vscode';
import { formatCount, formatNumber } from '../../../core/format';
import { rolloutRow } from '../../../core/rolloutList';
import { totalsInWords } from '../../../core/scoreWords';
import { summed } from '../../../core/traceOverlays';
import { column, placeAt, tokenCount } from '../../../core/trace';
import { rewardWords, rightOrWrong, shortNumber } from '../../../core/verdictWords';
import { visibleWords } from '../../../core/visibleWords';
import { judgesWithPython } from '../../runs/rewardConsent';
import type { FileOrigin, OpenTrace, RunOrigin, TraceLibrary } from './traceLibrary';

/** Above a trace: how it was judged, and where one can go from here. */
export class TraceLenses implements CodeLensProvider, Disposable {
  private readonly changed = new EventEmitter<void>();
  private readonly subscription: Disposable;
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(
    private readonly traces: TraceLibrary,
    private readonly overlayName: (trace: OpenTrace) => string,
  ) {
    this.subscription = traces.onLoaded(() => {
      this.refresh();
    });
  }

  /** The overlay changed. */
  refresh(): void {
    this.changed.fire();
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const open = this.traces.of(document);
    if (open === undefined) return [];
    const top = new Range(0, 0, 0, 0);
    const { line } = placeAt(open.trace, open.trace.responseStart);
    const start = new Range(line, 0, line, 0);
    return [
      ...above(open).map((command) => new CodeLens(top, command)),
      ...about(open, this.overlayName(open)).map((command) => new CodeLens(start, command)),
    ];
  }

  dispose(): void {
    this.subscription.dispose();
    this.changed.dispose();
  }
}

function above({ origin, trace }: OpenTrace): Command[] {
  switch (origin.kind) {
    case 'run':
      return verdict(origin);
    case 'file':
      return told(origin);
    case 'text':
      return [
        said(`${visibleWords(origin.name)}, in tokens of ${visibleWords(origin.checkpoint)}`),
        said(contextWords(origin.promptIds.length, tokenCount(trace))),
      ];
  }
}

function contextWords(before: number, count: number): string {
  if (before > 0) return `given the ${formatCount(before)} tokens before it`;
  return count === 0 ? 'no tokens' : 'the first token has no score: nothing comes before it';
}

/** What another program's file says. */
function told({ facts, missing }: FileOrigin): Command[] {
  return [
    ...facts.map(({ name, value }) => said(`${name} ${visibleWords(value)}`)),
    ...(missing === null ? [] : [said(`$(info)\u00a0${missing}`)]),
  ];
}

function verdict({ run, row, address }: RunOrigin): Command[] {
  const { index } = run.store;
  const { correct, truncated, reward, advantage, step } = rolloutRow(index, row);
  const parts = [...index.parts].map(([name, { values }]) => [name, values[row]] as const);
  const isJudged = reward !== null;
  return [
    said(isJudged ? rightOrWrong(correct) : 'not judged'),
    ...(truncated ? [said('$(warning)\u00a0truncated')] : []),
    ...(isJudged ? [said(rewardWords(reward, parts))] : []),
    ...(advantage === null ? [] : [said(`advantage ${shortNumber(advantage)}`)]),
    { title: `step ${step}: Show on Curves`, command: 'srft.showOnCurves', arguments: [address] },
    { title: 'Same Prompt Over Time', command: 'srft.samePrompt', arguments: [address] },
    { title: 'Group', command: 'srft.showGroup', arguments: [address] },
    { title: 'Promote to Demonstration', command: 'srft.promote', arguments: [address] },
    { title: 'Edit and Promote', command: 'srft.editAndPromote', arguments: [address] },
    { title: 'Judge Again', command: 'srft.judgeAgain', arguments: [address] },
    ...(judgesWithPython(run.store.manifest.recipe)
      ? [{ title: 'Debug Reward', command: 'srft.debugReward', arguments: [address] }]
      : []),
    { title: 'Compare With…', command: 'srft.compareTraces', arguments: [address] },
  ];
}

function about({ trace, scores }: OpenTrace, overlay: string): Command[] {
  const count = tokenCount(trace);
  const entropy = column(trace, 'entropy');
  const logprob = column(trace, 'logprob');
  const figures = [
    `${formatCount(count)} tokens`,
    ...(entropy === undefined ? [] : [`mean H ${formatNumber(summed(entropy, 0, count).mean)}`]),
    ...(logprob === undefined ? [] : [`Σ log p ${summed(logprob, 0, count).sum.toFixed(1)}`]),
  ];
  return [
    said(figures.join(', ')),
    { title: `Tint: ${overlay}`, command: 'srft.chooseOverlay' },
    { title: 'Score With Checkpoint…', command: 'srft.scoreTrace' },
    ...totalsInWords(trace, scores).map(said),
    ...(trace.trouble === null ? [] : [said(`$(warning) no tint: ${trace.trouble}`)]),
  ];
}

/** A lens that only tells. */
export function said(title: string): Command {
  return { title, command: '' };
}
